"""The model card, README.md: what was trained, how it did, and how to load it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from mtlkit.contracts.shown import one_line
from mtlkit.outputs.export.values import Form, Left, TrainedModel

LOAD = {
    "transformers": "from transformers import AutoTokenizer, {kind}\n\n"
    'tokenizer = AutoTokenizer.from_pretrained("{folder}")\n'
    'model = {kind}.from_pretrained("{folder}")',
    "sentence-transformers": "from sentence_transformers import SentenceTransformer\n\n"
    'model = SentenceTransformer("{folder}")',
}


def card(
    model: TrainedModel, forms: Sequence[Form], left: Sequence[Left], without_pooler: Mapping[str, bool]
) -> str:
    """The text of the card, with the metadata that the hub reads."""
    from huggingface_hub import ModelCard, ModelCardData

    tags = ["multi-task", "mtlkit", *(f"task:{task.plugin}" for task in model.tasks)]
    data = ModelCardData(library_name="transformers", tags=list(dict.fromkeys(tags)))
    body = "\n\n".join((*_encoder(model, without_pooler), *_tasks(model, forms, left)))
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}\n"))


def _encoder(model: TrainedModel, without_pooler: Mapping[str, bool]) -> Iterator[str]:
    told = "".join(f", {name}={value}" for name, value in without_pooler.items())
    yield f"# {model.name}"
    yield (
        f"One encoder with {len(model.tasks)} tasks, trained with mtlkit; the weights are those of "
        f"{model.checkpoint}."
    )
    yield (
        "```python\nfrom transformers import AutoModel, AutoTokenizer\n\n"
        'tokenizer = AutoTokenizer.from_pretrained(".")\n'
        f'encoder = AutoModel.from_pretrained("."{told})\n```'
    )
    pooler = " A pooler was not trained, and without that argument there would be one of random weights."
    yield f"Adapters are folded into the weights of the encoder.{pooler if told else ''}"


def _tasks(model: TrainedModel, forms: Sequence[Form], left: Sequence[Left]) -> Iterator[str]:
    yield "## Tasks"
    folders = {form.task: form for form in forms}
    reasons = {each.task: each.reason for each in left}
    for task in model.tasks:
        yield f"### {task.name}"
        yield f"Head `{task.plugin}`, in `heads/{task.name}/` as `head.safetensors` and `head.json`."
        scores = {name: value for name, value in model.metrics.items() if name.startswith(f"{task.name}/")}
        if scores:
            rows = "\n".join(
                f"| {_words(name.partition('/')[2])} | {value:.3f} |" for name, value in scores.items()
            )
            yield f"| metric | held-out value |\n|---|---|\n{rows}"
        if task.name in folders:
            form = folders[task.name]
            code = LOAD[form.library].format(kind=form.kind, folder=f"tasks/{form.folder}")
            yield f"```python\n{code}\n```"
        elif task.name in reasons:
            yield f"No other library loads it as a whole: {_words(reasons[task.name])}."


def _words(text: str) -> str:
    """The text as words of a page, whatever is in it: no markup, no HTML, no link, no cell of a table."""
    return re.sub(r"([\\`*\[\]<>|&!~$])", r"\\\1", one_line(text))

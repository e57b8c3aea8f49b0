"""Hugging Face folders: the backbone, and a task where the architecture has a head for it that is the same.

Whether it is the same is tried, not looked up: the layers of our head are put in the places that the
architecture's own model has beside its backbone, in their order, and the scores are compared.

Shapes: B rows, T tokens, W words, C classes.
"""

import json
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from mtlkit.errors import ResourceError
from mtlkit.outputs.export.comparing import TOLERANCE, check_same, difference
from mtlkit.outputs.export.values import Form, TaskModel, TrainedModel

WEIGHTS, FACTS = "head.safetensors", "head.json"
FORMAT = 1
AUTO = {
    "sequence-classification": ("AutoModelForSequenceClassification", "single_label_classification"),
    "multi-label-classification": ("AutoModelForSequenceClassification", "multi_label_classification"),
    "regression": ("AutoModelForSequenceClassification", "regression"),
    "token-classification": ("AutoModelForTokenClassification", None),
}
"""By the name of our head: the class of transformers that loads the folder, and the problem it is told of."""


def save_backbone(model: TrainedModel, folder: Path) -> float:
    """Write the backbone with its adapters folded in and its tokenizer; how far it is off, loaded back.

    Raises:
        ResourceError: when it is no model of transformers.
        TrainingError: when it gives other states than the trained one.
    """
    backbone = model.backbone
    if not hasattr(getattr(backbone, "model", None), "save_pretrained") or not hasattr(backbone, "tokenizer"):
        raise ResourceError(
            f"the backbone {model.recipe['backbone']['use']!r} is no text model of transformers, and only "
            "those can be exported",
            "train with the backbone 'transformer'",
        )
    if hasattr(backbone, "merge"):
        backbone.merge()
    tokenizer = backbone.tokenizer
    tokenizer.model_max_length = backbone.options.max_length
    backbone.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return check_same(_off(model, folder), "the backbone")


def _off(model: TrainedModel, folder: Path) -> float:
    from transformers import AutoModel, AutoTokenizer

    loaded = AutoModel.from_pretrained(folder, **without_pooler(folder)).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    worst = 0.0
    for text, wanted in zip(model.texts, model.states, strict=True):
        with torch.no_grad():
            found = loaded(**tokenizer(text, truncation=True, return_tensors="pt")).last_hidden_state[0]
        worst = max(worst, difference(found, wanted))
    return worst


def without_pooler(folder: Path) -> dict[str, bool]:
    """What makes the architecture of a folder leave out its pooler, of which there are no trained weights."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    architecture = MODEL_MAPPING[type(AutoConfig.from_pretrained(folder))]
    known = "add_pooling_layer" in signature(architecture).parameters
    return {"add_pooling_layer": False} if known else {}


def save_head(task: TaskModel, folder: Path) -> None:
    """Write a head as its weights and what it is, and look that they are read back bit for bit.

    Raises:
        ResourceError: when they are not.
    """
    folder.mkdir(parents=True)
    state = {name: value.detach().cpu().contiguous() for name, value in task.head.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    told = {
        "format": FORMAT,
        "task": task.name,
        "head": {"use": task.plugin, **task.options},
        "labels": list(task.labels),
        "views": [list(view) for view in task.views],
    }
    (folder / FACTS).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    read = load_file(folder / WEIGHTS)
    if set(read) != set(state) or any(not torch.equal(read[name], state[name]) for name in state):
        raise ResourceError(f"{folder / WEIGHTS} was not read back as it was written")


def save_task(task: TaskModel, backbone: Path, folder: Path) -> Form | str:
    """Write a folder that an auto class of transformers loads, or say why there is none."""
    import transformers

    kind, problem = AUTO.get(task.plugin, ("", None))
    if not kind:
        return f"transformers has no auto class for the head {task.plugin!r}"
    if task.scores is None or len(task.views) != 1:
        return "its scores need more than the texts"
    auto = getattr(transformers, kind)
    config = transformers.AutoConfig.from_pretrained(backbone)
    names = task.labels or ("score",)
    config.id2label, config.label2id = dict(enumerate(names)), {name: at for at, name in enumerate(names)}
    if problem is not None:
        config.problem_type = problem
    try:
        model = auto.from_config(config)
    except ValueError:
        return f"{kind} does not know the architecture {config.model_type!r}"
    if reason := _filled(model, load_file(backbone / "model.safetensors"), task.head):
        return reason
    tokenizer = transformers.AutoTokenizer.from_pretrained(backbone)
    if (apart := _scores_off(model, tokenizer, task)) > TOLERANCE:
        return f"the head of {type(model).__name__} computes something else (off by {apart:.1e})"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    loaded, again = auto.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)
    apart = check_same(_scores_off(loaded, again, task), f"task {task.name!r}")
    return Form(task.name, "transformers", kind, folder.name, apart)


def _filled(model: Any, backbone: dict[str, Any], head: nn.Module) -> str:  # noqa: ANN401  a transformers model
    """Put the trained weights into the model; why they do not fit, empty where they do."""
    own = getattr(model, model.base_model_prefix)
    _, unknown = own.load_state_dict(backbone, strict=False)
    if unknown:
        return f"{type(model).__name__} has no place for {unknown[0]}"
    prefix = f"{model.base_model_prefix}."
    beside = [name for name in model.state_dict() if name.removeprefix(prefix) not in backbone]
    layers = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and f"{name}.weight" in beside
    ]
    ours = [layer for layer in head.modules() if isinstance(layer, nn.Linear)]
    shapes = [list(layer.weight.shape) for _, layer in layers], [list(layer.weight.shape) for layer in ours]
    if shapes[0] != shapes[1]:
        return (
            f"{type(model).__name__} has layers of the shapes {shapes[0]} beside its backbone, the head "
            f"{shapes[1]}"
        )
    covered = {f"{name}.{part}" for name, layer in layers for part, _ in layer.named_parameters()}
    if rest := [name for name in beside if name not in covered]:
        return f"{type(model).__name__} has {rest[0]} beside its backbone, which the head has not"
    for (_, layer), mine in zip(layers, ours, strict=True):
        layer.load_state_dict(mine.state_dict())
    model.eval()
    return ""


def _scores_off(model: Any, tokenizer: Any, task: TaskModel) -> float:  # noqa: ANN401  of transformers
    """How far the scores of the model are from those of the task, row by row."""
    worst = 0.0
    for row, wanted in zip(task.rows, task.scores, strict=True):
        cells = [row[column] for column in task.views[0]]
        words = isinstance(cells[0], list)
        encoded = tokenizer(*cells, truncation=True, is_split_into_words=words, return_tensors="pt")
        with torch.no_grad():
            found = model(**encoded).logits[0]
        if words:
            found, wanted = _words(found, encoded.word_ids(0), wanted, task.options.get("subword", "first"))
        worst = max(worst, difference(found, wanted))
    return worst


def _words(scores: Any, numbers: list[int | None], wanted: Any, subword: str) -> tuple[Any, Any]:  # noqa: ANN401
    """The scores [W, C] of the words that have tokens, from those of tokens [T, C], and ours of the same."""
    places: dict[int, list[int]] = {}
    for token, word in enumerate(numbers):
        if word is not None:
            places.setdefault(word, []).append(token)
    which = {"first": slice(0, 1), "last": slice(-1, None)}.get(subword, slice(None))
    picked = [scores[tokens[which]].mean(0) for tokens in places.values()]
    return torch.stack(picked), wanted[list(places)]

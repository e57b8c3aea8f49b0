"""A sentence-embedding task as a folder of sentence-transformers.

Shapes: B rows, V views, D size of the vectors.
"""

from pathlib import Path
from typing import Any

import torch

from mtlkit.outputs.export.comparing import TOLERANCE, check_same, difference
from mtlkit.outputs.export.values import Form, TaskModel

HEAD = "sentence-embedding"
INSTALL = "pip install 'mtlkit[export]'"
MODES = {"mean": "mean", "cls": "cls", "max": "max", "last": "lasttoken"}


def save_sentences(task: TaskModel, backbone: Path, folder: Path) -> Form | str:
    """Write the folder, or say why there is none."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return f"sentence-transformers is not installed: {INSTALL}"
    pooling = task.options.get("pooling", "mean")
    if pooling not in MODES:
        return f"sentence-transformers has no pooling {pooling!r}"
    if task.options.get("layers", "last") != "last":
        return "sentence-transformers reads the last layer alone"
    if task.scores is None or task.scores.ndim != 3 or any(len(view) != 1 for view in task.views):
        return "its vectors need more than one text each"
    model = SentenceTransformer(modules=_modules(task, backbone, MODES[pooling]), device="cpu")
    if (apart := _off(model, task)) > TOLERANCE:
        return f"the modules of sentence-transformers compute something else (off by {apart:.1e})"
    model.save(str(folder), create_model_card=False)
    loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    apart = check_same(_off(loaded, task), f"task {task.name!r}")
    return Form(task.name, "sentence-transformers", "SentenceTransformer", folder.name, apart)


def _modules(task: TaskModel, backbone: Path, mode: str) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
    from transformers import AutoConfig

    size = AutoConfig.from_pretrained(backbone).hidden_size
    found: list[Any] = [Transformer(str(backbone)), Pooling(size, pooling_mode=mode)]
    layers = [layer for layer in task.head.children() if isinstance(layer, torch.nn.Linear)]
    for layer in layers:
        dense = Dense(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            activation_function=torch.nn.Identity(),
        )
        dense.linear.load_state_dict(layer.state_dict())
        found.append(dense)
    return [*found, Normalize()] if task.options.get("normalize", True) else found


def _off(model: Any, task: TaskModel) -> float:  # noqa: ANN401  a SentenceTransformer
    """How far its vectors are from those of the task [B, V, D], in each view."""
    worst = 0.0
    for place, (column,) in enumerate(task.views):
        texts = [row[column] for row in task.rows]
        found = model.encode(texts, convert_to_tensor=True, show_progress_bar=False)
        worst = max(worst, difference(found, task.scores[:, place]))
    return worst

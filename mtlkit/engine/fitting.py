"""Heads that are fitted, not trained: their buffers are set from the features of all training rows."""

from collections.abc import Sequence

import torch

from mtlkit.engine.apply import set_eval
from mtlkit.engine.features import Encoder
from mtlkit.engine.heads import Readers
from mtlkit.engine.joining import join
from mtlkit.engine.model import Model
from mtlkit.engine.order import length_chunks
from mtlkit.engine.spans import spanned
from mtlkit.errors import blaming

BATCH_ROWS = 64


@spanned("evaluation")
def fit_heads(model: Model, readers: Sequence[Readers], encoder: Encoder) -> None:
    """Fit every head that has a `fit` with the weights as they are now; leaves the model in eval mode."""
    for reading in readers:
        fitted = {task: head for task, head in reading.heads.items() if hasattr(head, "fit")}
        if fitted:
            set_eval(model)
            _fit(Readers(reading.source, fitted, reading.limits), encoder)


def _fit(reading: Readers, encoder: Encoder) -> None:
    chunks = length_chunks(reading.lengths(encoder, "train"), BATCH_ROWS)
    with torch.no_grad():
        parts = [reading.features(encoder, "train", chunk) for chunk in chunks]
        rows = encoder.data[reading.source].all("train")
        for task, head in reading.heads.items():
            views = [join([part[task][view] for part in parts], chunks) for view in range(len(head.views))]
            with blaming(f"the head of task {task!r}", "fit"):
                head.fit(views, reading.labelled(task, "train", range(len(rows)), rows))  # type: ignore[attr-defined]

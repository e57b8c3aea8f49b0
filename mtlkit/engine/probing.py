"""What a trained model gives for a few rows, so that an exported copy can be compared with it."""

from collections.abc import Mapping

import torch
from attrs import frozen
from torch import Tensor

from mtlkit.contracts.data import Record
from mtlkit.engine.features import Encoder
from mtlkit.engine.given import GIVEN, as_rows
from mtlkit.engine.heads import Readers
from mtlkit.engine.opened import Run

TEXTS = (
    "A short text.",
    "Numbers such as 42 and 3.14, names such as Ada Lovelace, and a question: does it work?",
    "the same words twice, the same words twice",
    "Ünïcödé, 数字, emoji 🙂 and (brackets)!",
)
"""Whatever a model was trained on, its copy has to give the same for these."""


@frozen(eq=False)
class Probe:
    """Rows that a task reads and its scores of them, None where the head needs more than features."""

    rows: tuple[Record, ...]
    scores: Tensor | None


def states(run: Run) -> list[Tensor]:
    """The states [t, H] of the last layer for each of the texts, in 32-bit floats."""
    backbone = run.built.backbone
    found = []
    with torch.no_grad():
        for item in backbone.prepare([(text,) for text in TEXTS]):
            features = backbone.forward(backbone.collate([item]).to(run.device))
            found.append(features.tokens[0][features.mask[0]].float().cpu())
    return found


def probe(run: Run, task: str) -> Probe:
    """Rows for one task, and what its head says of them."""
    head = run.built.heads[task]
    shapes = run.facts[task].columns
    rows = tuple(_row(number, shapes) for number in range(len(TEXTS)))
    if hasattr(head, "inputs") or hasattr(head, "corrupt"):
        return Probe(rows, None)
    readers = Readers(GIVEN, {task: head})
    encoder = Encoder(
        backbone=run.built.backbone,
        data={GIVEN: as_rows(rows)},
        boundaries=(),
        precision="fp32",
        device=run.device,
        located=frozenset((GIVEN, view) for view in readers.located()),
    )
    with torch.no_grad():
        outputs = readers.outputs(encoder, readers.take(encoder, "test", range(len(rows))))
    return Probe(rows, outputs[task].float().cpu())


def _row(number: int, shapes: Mapping[str, str]) -> Record:
    """A text for each column, another one in each; a list of its words where the column holds lists."""
    texts = {name: TEXTS[(number + place) % len(TEXTS)] for place, name in enumerate(shapes)}
    return {name: text.split() if shapes[name] == "list" else text for name, text in texts.items()}

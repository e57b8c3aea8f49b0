"""Backbones under test: built with options that work here, and rows that they read.

Where an options class has `sample(folder)`, that writes what the backbone needs; where it has
`examples(count, rng, folder)`, those are its rows. Else rows are texts, pairs of texts and lists of words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

import torch
from attrs import field, frozen
from torch import Tensor

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.card import load_address
from mtlkit.contracts.data import Value
from mtlkit.engine.seeds import seeded
from mtlkit.errors import MtlkitError
from mtlkit.testing.law import Broken
from mtlkit.testing.modules import undisturbed
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
ViewRow = tuple[Value, ...]

COUNT = 8
LONG = " ".join(f"word{number}" for number in range(700))
TEXTS: tuple[ViewRow, ...] = (
    ("a fine film",),
    ("x",),
    ("",),
    ("Zürich ☃ 𝔘𝔫𝔦 مرحبا e\u0301 \u200b\x00",),
    (LONG,),
    ("the film was long , and not fine",),
    (None,),
    ("   ",),
)
PAIRS: tuple[ViewRow, ...] = (
    ("a fine film", "it is good"),
    ("x", "y"),
    ("", "only the second"),
    ("only the first", ""),
    (LONG, "short"),
    ("short", LONG),
    (None, "x"),
    ("", ""),
)
WORDS: tuple[ViewRow, ...] = (
    (["New", "York", "is", "far"],),
    (["x"],),
    (["été", "☃", "supercalifragilistic", "."],),
    (LONG.split(),),
    (["a", "a", "a"],),
    (["one", "two", "three", "four", "five", "six"],),
    (["don't", "stop"],),
    (["x", "y"],),
)


@frozen(eq=False)
class Lab:
    """A backbone's options table that works here, and rows of each form that it reads."""

    subject: Subject
    table: Table
    forms: Mapping[str, tuple[ViewRow, ...]]
    memory: dict[str, Any] = field(factory=dict)

    def build(self, seed: int = 0, pretrained: bool = True) -> Any:  # noqa: ANN401  a backbone
        """A new backbone in eval mode, what is random drawn as the engine draws it."""
        with undisturbed(), seeded(seed, "backbone"):
            return self.make(pretrained).eval()

    def make(self, pretrained: bool = True) -> Any:  # noqa: ANN401  a backbone
        """What the builder gives, as it is."""
        build = self.subject.card.build
        if build is None:
            raise Broken(
                "its card has no `build`: the address of what is called as build(options, pretrained)"
            )
        return load_address(build)(self.subject.options(self.table), pretrained)

    def rows(self, form: str, chosen: Sequence[int]) -> list[ViewRow]:
        """Some rows of a form, by number."""
        known = self.forms.get(form) or next(iter(self.forms.values()))
        return [known[at % len(known)] for at in chosen]


def lab_of(subject: Subject, table: Table) -> Lab:
    """A lab for that table, remembered for the laws of one run.

    A backbone may refuse options that don't fit its model (`RecipeError`); then keys are left out.
    """
    known: dict[str, Lab] = subject.memory.setdefault("labs", {})
    key = repr(sorted(table.items()))
    if key not in known:
        known[key] = _working(subject, table)
    return known[key]


def offering(protocol: type, told: str) -> Callable[[Subject], str]:
    """Whether laws apply: to backbones that have the members of that protocol; else `told` is why not."""

    def applies(subject: Subject) -> str:
        try:
            subject.options(subject.first_table)
            found = isinstance(lab_of(subject, subject.first_table).build(), protocol)
        except Exception:  # noqa: BLE001  the laws report what is wrong with it
            return ""
        return "" if found else told

    return applies


def encoded(backbone: Any, rows: Sequence[ViewRow]) -> tuple[Any, Features]:  # noqa: ANN401  a backbone
    """The batch of these rows, and its features."""
    batch = backbone.collate(backbone.prepare(list(rows))).to("cpu")
    return batch, backbone.forward(batch)


def real(features: Features, row: int) -> Tensor:
    """The states [t, H] at the real tokens of a row."""
    return features.tokens[row][features.mask[row]]


def far(one: Tensor, other: Tensor) -> str:
    """How two tensors differ beyond rounding; else nothing."""
    if one.shape != other.shape:
        return f"shape {list(one.shape)} and not {list(other.shape)}"
    if not one.numel():
        return ""
    gap = float((one - other).abs().max())
    rate = 1e-8 if one.dtype == torch.float64 else 1e-4
    scale = max(1.0, float(other.abs().max()))
    return "" if gap <= rate * scale else f"a difference of {gap:.3g}"


def precise(lab: Lab) -> Any:  # noqa: ANN401  a backbone
    """The backbone in double precision where it works in it, so that rounding hides nothing."""
    if "double" not in lab.memory:
        try:
            form = next(iter(lab.forms))
            encoded(lab.build().double(), lab.rows(form, [0, 1]))
        except (RuntimeError, TypeError, ValueError):
            lab.memory["double"] = False
        else:
            lab.memory["double"] = True
    backbone = lab.build()
    return backbone.double() if lab.memory["double"] else backbone


def _working(subject: Subject, table: Table) -> Lab:
    fixed = _sample(subject)
    refused: MtlkitError | None = None
    for tried in _reduced(subject, {**table, **fixed}, fixed):
        lab = Lab(subject, tried, _forms(subject, tried))
        try:
            lab.build()
        except MtlkitError as error:
            refused = refused or error
        else:
            return lab
    raise refused or Broken("its options are refused; give its options class `sample(folder)`")


def _sample(subject: Subject) -> dict[str, Any]:
    """What the plugin needs, written once into a folder that lasts as long as the subject."""
    cls = subject.options_class
    if not hasattr(cls, "sample"):
        return {}
    if "sample" not in subject.memory:
        folder = _folder(subject) / "sample"
        folder.mkdir()
        subject.memory["sample"] = dict(cls.sample(folder))
    found: dict[str, Any] = subject.memory["sample"]
    return found


def _folder(subject: Subject) -> Path:
    if "folder" not in subject.memory:
        subject.memory["folder"] = mkdtemp(prefix="mtlkit-backbone-")
        finalize(subject, rmtree, subject.memory["folder"], ignore_errors=True)
    return Path(subject.memory["folder"])


def _forms(subject: Subject, table: Table) -> dict[str, tuple[ViewRow, ...]]:
    options = subject.options(table)
    if not hasattr(options, "examples"):
        return {"text": TEXTS, "pair": PAIRS, "words": WORDS}
    folder = _folder(subject) / "rows"
    folder.mkdir(exist_ok=True)
    return {"example": tuple(options.examples(COUNT, Random(0), folder))}  # noqa: S311  reproducible on purpose


def _reduced(subject: Subject, table: Table, fixed: Table) -> Iterator[Table]:
    yield table
    spare = [name for name in table if name not in fixed]
    tried = [{key: value for key, value in table.items() if key != name} for name in spare]
    tried += [
        {k: v for k, v in table.items() if k not in spare[:count]} for count in range(2, len(spare) + 1)
    ]
    for each in tried:
        try:
            subject.options(each)
        except ValueError:
            continue
        yield each

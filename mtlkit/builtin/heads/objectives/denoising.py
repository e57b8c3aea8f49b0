"""Denoising: texts with tokens deleted, and the loss of writing them again.

Shapes: B rows, T tokens of the longest row, V ids of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

import attrs
import numpy as np
import torch
from attrs import frozen
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

IGNORED = -100


@frozen(eq=False)
class DenoisingTargets:
    """The ids [B, T] of whole texts, `IGNORED` behind their end and where a row has no text."""

    ids: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same targets on another device."""
        return type(self)(self.ids.to(device))

    @property
    def wanted(self) -> Tensor:
        """The ids [B, T - 1] that follow each other one."""
        return self.ids[:, 1:]


def without_some(
    items: Sequence[Any], deleted: float, special: Collection[int], rng: np.random.Generator
) -> list[Any]:
    """Prepared rows without a random share of their tokens, but with those that stand for no text.

    Wang et al. 2021, arXiv:2104.06979, section 3. One token of a text is kept at least. The rows are attrs
    objects with `ids` [t]; other arrays of theirs that are as long lose the same places.
    """
    found = []
    for item in items:
        plain = ~np.isin(item.ids, sorted(special))
        kept = ~plain | (rng.random(len(item.ids)) >= deleted)
        if plain.any() and not (plain & kept).any():
            kept[rng.choice(np.flatnonzero(plain))] = True
        arrays = {field.name: getattr(item, field.name) for field in attrs.fields(type(item))}
        cut = {name: array[kept] for name, array in arrays.items() if _is_as_long(array, len(kept))}
        found.append(attrs.evolve(item, **cut))
    return found


def whole_texts(items: Sequence[Any], special: Collection[int]) -> DenoisingTargets:
    """What is to be written: all ids of the rows, unchanged."""
    ids = np.full((len(items), max((len(item.ids) for item in items), default=0)), IGNORED, np.int64)
    for row, item in zip(ids, items, strict=True):
        if not np.isin(item.ids, sorted(special)).all():
            row[: len(item.ids)] = item.ids
    return DenoisingTargets(torch.from_numpy(ids))


def denoising_loss(scores: Tensor, wanted: Tensor) -> Tensor:
    """-Σ log p of every token after the first, of scores [B, T - 1, V] and ids [B, T - 1] (equation 2)."""
    flat = scores.reshape(-1, scores.shape[-1])
    return F.cross_entropy(flat, wanted.reshape(-1), ignore_index=IGNORED, reduction="sum")


def _is_as_long(value: object, length: int) -> bool:
    return isinstance(value, np.ndarray) and value.shape[:1] == (length,)

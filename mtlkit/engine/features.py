"""Features of rows: tokenised once, the frozen part computed once, the rest computed in the step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from attrs import define, field, frozen
from torch import Tensor

from mtlkit.contracts.backbone import Backbone, Features, Pooling, Splittable
from mtlkit.contracts.events import Activity
from mtlkit.contracts.params import BACKBONE, ParamTable
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.apply import eval_mode
from mtlkit.engine.joining import join
from mtlkit.engine.order import homogeneous
from mtlkit.engine.pooling import pool
from mtlkit.engine.rows import Rows
from mtlkit.engine.store import CHUNK_ROWS, Store, pad

View = tuple[str, ...]
PREPARE_ROWS = 2048


@frozen
class Reading:
    """One view of one split of one source."""

    source: str
    split: SplitName
    view: View


@frozen
class Need:
    """What the heads want of a view: token states, and which poolings."""

    tokens: bool
    poolings: frozenset[Pooling]


def boundary(table: ParamTable, trainable: frozenset[str]) -> int:
    """The deepest backbone depth with every weight at or below it frozen; -1 where there is none."""
    depths = [row.depth for row in table if row.owner == BACKBONE and row.name in trainable]
    return min(depths) - 1 if depths else table.depth + 1


@define(eq=False)
class Encoder:
    """Gives features of any rows under the current boundary.

    `boundaries` are those of all phases: the store keeps states at the lowest of them, so that a
    later phase that thaws upper blocks starts from what is already computed.
    """

    backbone: Backbone
    data: Mapping[str, Rows]
    boundaries: tuple[int, ...]
    precision: str
    device: torch.device
    boundary: int = -1
    store: Store = field(factory=Store)
    stored_splits: frozenset[SplitName] = frozenset()
    _items: dict[Reading, list[Any]] = field(factory=dict)
    _lengths: dict[Reading, list[int]] = field(factory=dict)

    def move_boundary(self, boundary: int, lowest_changed: int, stored_splits: frozenset[SplitName]) -> None:
        """Enter a phase: weights of depth ≥ `lowest_changed` have moved in the phase before."""
        self.store.forget(lowest_changed)
        self.boundary = boundary
        self.stored_splits = stored_splits

    def features(self, reading: Reading, positions: Sequence[int], need: Need) -> list[Features]:
        """Features of those rows of a split, one per pooling or, for token states alone, just one.

        The list follows `sorted(need.poolings)`, with a `Features` without `pooled` last when
        `need.tokens` is set.
        """
        stored = reading.split in self.stored_splits and self._storable
        if not stored or self.boundary <= self.backbone.depth:
            return self._in_groups(reading, positions, need, stored)
        found = []
        for how in sorted(need.poolings):
            rows = self._final(reading, positions, how)
            found.append(self._pooled_only(torch.stack(rows)))
        if need.tokens:
            found.append(self._whole(reading, positions, pad(self._final(reading, positions, None))))
        return found

    def lengths(self, reading: Reading) -> list[int]:
        """Lengths in tokens of all rows of the split."""
        if reading not in self._lengths:
            self._lengths[reading] = [len(item) for item in self._prepared(reading)]
        return self._lengths[reading]

    def fill(self, reading: Reading, need: Need) -> Iterator[Activity]:
        """Compute what the store will be asked for, a chunk at a time."""
        if reading.split not in self.stored_splits or not self._storable:
            return
        lengths = self.lengths(reading)
        order = sorted(range(len(lengths)), key=lambda at: lengths[at])
        for start in range(0, len(order), CHUNK_ROWS):
            rows = order[start : start + CHUNK_ROWS]
            if self.boundary <= self.backbone.depth:
                self._states(reading, rows, self.boundary)
            else:
                self.features(reading, rows, need)
            yield Activity(f"features of {reading.source}", start + len(rows), len(order))

    @contextmanager
    def without_store(self) -> Iterator[None]:
        """Everything computed anew inside the block, with gradients all the way down."""
        before, self.stored_splits = self.stored_splits, frozenset()
        try:
            yield
        finally:
            self.stored_splits = before

    def states_after(self, reading: Reading, positions: Sequence[int], depth: int) -> Tensor:
        """States [B, H] of those rows after the layer at `depth`, averaged over tokens, without gradient."""
        found = torch.zeros(len(positions), 0)
        rows: dict[int, Tensor] = {}
        for group in homogeneous([self.lengths(reading)[at] for at in positions]):
            batch = self._batch(reading, [positions[at] for at in group])
            with torch.no_grad(), self._autocast():
                hidden = self._splittable.stem(batch, depth)
            rows |= dict(zip(group, pool(hidden, batch.mask, "mean").float().cpu(), strict=True))
        return torch.stack([rows[at] for at in range(len(positions))]) if rows else found

    @property
    def _storable(self) -> bool:
        """Below block 1 there is nothing worth storing; a part of a backbone only if it splits."""
        if self.boundary > self.backbone.depth:
            return True
        return self.boundary >= 1 and isinstance(self.backbone, Splittable)

    def _prepared(self, reading: Reading) -> list[Any]:
        if reading not in self._items:
            rows = self.data[reading.source].all(reading.split)
            items: list[Any] = []
            for start in range(0, len(rows), PREPARE_ROWS):
                part = rows[start : start + PREPARE_ROWS]
                items += self.backbone.prepare([tuple(row[name] for name in reading.view) for row in part])
            self._items[reading] = items
        return self._items[reading]

    def _batch(self, reading: Reading, positions: Sequence[int]) -> Any:  # noqa: ANN401  the backbone's own type
        items = self._prepared(reading)
        return self.backbone.collate([items[at] for at in positions]).to(self.device)

    def _direct(self, reading: Reading, positions: Sequence[int]) -> Features:
        with self._autocast():
            return self.backbone.forward(self._batch(reading, positions))

    def _from_stem(self, reading: Reading, positions: Sequence[int], depth: int) -> Features:
        hidden = pad(self._states(reading, positions, depth))
        with self._autocast():
            return self._splittable.tail(hidden, self._batch(reading, positions), depth)

    def _states(self, reading: Reading, positions: Sequence[int], depth: int) -> list[Tensor]:
        """Hidden states [t, H] at a boundary inside the backbone, one per row."""

        def compute(chunk: Sequence[int]) -> list[Tensor]:
            with eval_mode(self._module), torch.no_grad(), self._autocast():
                hidden = self._splittable.stem(self._batch(reading, chunk), depth)
            items = self._prepared(reading)
            return [hidden[at, : len(items[row])].clone() for at, row in enumerate(chunk)]

        key = (reading, "states")
        return self.store.rows(key, depth, self.lengths(reading), positions, compute)

    def _final(self, reading: Reading, positions: Sequence[int], how: Pooling | None) -> list[Tensor]:
        """Pooled vectors [H], or token states [t, H] without a pooling, of a wholly frozen backbone."""
        lower = [depth for depth in self.boundaries if 1 <= depth <= self.backbone.depth]

        def compute(chunk: Sequence[int]) -> list[Tensor]:
            with eval_mode(self._module), torch.no_grad():
                if lower and isinstance(self.backbone, Splittable):
                    features = self._from_stem(reading, chunk, min(lower))
                else:
                    features = self._direct(reading, chunk)
                if how is not None:
                    return list(pool(features.tokens, features.mask, how))
            items = self._prepared(reading)
            return [features.tokens[at, : len(items[row])].clone() for at, row in enumerate(chunk)]

        key = (reading, how)
        return self.store.rows(key, self.backbone.depth + 1, self.lengths(reading), positions, compute)

    def _whole(self, reading: Reading, positions: Sequence[int], tokens: Tensor) -> Features:
        """Stored token states as features: mask and words come with the batch."""
        batch = self._batch(reading, positions)
        return Features(tokens, batch.mask, batch.words)

    def _pooled_only(self, pooled: Tensor) -> Features:
        rows = len(pooled)
        none = torch.zeros(rows, 0, device=pooled.device)
        return Features(tokens=none.unsqueeze(-1), mask=none.bool(), words=none.long(), pooled=pooled)

    def _in_groups(
        self, reading: Reading, positions: Sequence[int], need: Need, stored: bool
    ) -> list[Features]:
        """Features computed now, rows of like length together, so that little is padded."""
        lengths = self.lengths(reading)
        groups = homogeneous([lengths[at] for at in positions])
        parts = []
        for group in groups:
            rows = [positions[at] for at in group]
            features = (
                self._from_stem(reading, rows, self.boundary) if stored else self._direct(reading, rows)
            )
            parts.append(self._served(features, need))
        if len(groups) == 1 and groups[0] == list(range(len(positions))):
            return parts[0]
        return [join(same, groups) for same in zip(*parts, strict=True)]

    def _served(self, features: Features, need: Need) -> list[Features]:
        """The features once per pooling, as vectors alone, then as token states."""
        found = [
            self._pooled_only(pool(features.tokens, features.mask, how)) for how in sorted(need.poolings)
        ]
        return [*found, features] if need.tokens else found

    @property
    def _module(self) -> torch.nn.Module:
        if not isinstance(self.backbone, torch.nn.Module):
            raise TypeError(f"{type(self.backbone).__name__} is no torch module")
        return self.backbone

    @property
    def _splittable(self) -> Splittable:
        if not isinstance(self.backbone, Splittable):
            raise TypeError(f"{type(self.backbone).__name__} has no stem and tail")
        return self.backbone

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

"""Features of rows: tokenised once, the frozen part computed once, the rest computed in the step."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from attrs import define, evolve, field, frozen
from torch import Tensor

from mtlkit.contracts.backbone import Backbone, Features, FirstAlone, Layered, Pooling, Splittable
from mtlkit.contracts.events import Activity
from mtlkit.contracts.params import BACKBONE, ParamTable
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.apply import eval_mode
from mtlkit.engine.identity import address
from mtlkit.engine.items import Items
from mtlkit.engine.joining import join
from mtlkit.engine.order import homogeneous
from mtlkit.engine.pooling import pool
from mtlkit.engine.rows import Rows
from mtlkit.engine.shelf_file import Layout
from mtlkit.engine.spans import span, spanned
from mtlkit.engine.store import Address, Store, pad
from mtlkit.engine.token_shelf import TokenShelf, shelf_of
from mtlkit.errors import CHECK, PluginError, returned

View = tuple[str, ...]
BACKBONE_CALLED = "the backbone"


@frozen
class Reading:
    """One view of one split of one source."""

    source: str
    split: SplitName
    view: View


@frozen
class Need:
    """What the heads want of a view: token states, which poolings, and the states at which depths."""

    tokens: bool
    poolings: frozenset[Pooling]
    layers: frozenset[int] = frozenset()

    @property
    def first_alone(self) -> bool:
        """Whether they read the first token of each row and nothing else."""
        return not (self.tokens or self.layers) and self.poolings == {"cls"}


def boundary(table: ParamTable, trainable: frozenset[str]) -> int:
    """The deepest backbone depth with every weight at or below it frozen; -1 where there is none."""
    depths = [row.depth for row in table if row.owner == BACKBONE and row.name in trainable]
    return min(depths) - 1 if depths else table.depth + 1


@define(eq=False)
class Encoder:
    """Gives features of any rows under the current boundary.

    `boundaries` are those of all phases: the store keeps states at the lowest of them, so that a
    later phase that thaws upper blocks starts from what is already computed. `located` are the views, by
    source, of which a head wants to know where tokens are. `identity` says what features depend on beside
    weights and rows, and `stems` by depth what the frozen weights up to there are; with both, what is stored
    has an address that other runs find it by.
    """

    backbone: Backbone
    data: Mapping[str, Rows]
    boundaries: tuple[int, ...]
    precision: str
    device: torch.device
    located: Collection[tuple[str, View]] = ()
    identity: str = ""
    stems: Mapping[int, str] = {}
    boundary: int = -1
    store: Store = field(factory=Store)
    stored_splits: frozenset[SplitName] = frozenset()
    _items: dict[Reading, Items] = field(factory=dict)

    def move_boundary(self, boundary: int, lowest_changed: int, stored_splits: frozenset[SplitName]) -> None:
        """Enter a phase: weights of depth ≥ `lowest_changed` have moved in the phase before."""
        self.store.forget(lowest_changed)
        self.stems = {}
        self.boundary = boundary
        self.stored_splits = stored_splits

    def replace_weights(self, stems: Mapping[int, str]) -> None:
        """All weights are others now: nothing that was stored in this run holds."""
        self.store.forget(0)
        self.stems = stems

    def features(self, reading: Reading, positions: Sequence[int], need: Need) -> list[Features]:
        """Features of those rows of a split, one per pooling or, for token states alone, just one.

        The list follows `sorted(need.poolings)`, with a `Features` without `pooled` last when
        `need.tokens` is set.
        """
        stored = reading.split in self.stored_splits and self._storable
        if need.layers and not isinstance(self.backbone, Splittable):
            stored = False
        if not stored or self.boundary <= self.backbone.depth:
            lengths = self.lengths(reading)

            def served(group: Sequence[int]) -> list[Features]:
                rows = [positions[at] for at in group]
                features = (
                    self._from_stem(reading, rows, self.boundary, need)
                    if stored
                    else self._direct(self._batch(reading, rows), need)
                )
                return self._served(features, need)

            return _in_groups(self.backbone, [lengths[at] for at in positions], served)
        found = [pooled_only(self._vectors(reading, positions, how)) for how in sorted(need.poolings)]
        if need.tokens:
            found.append(self._whole(reading, positions, need.layers))
        return found

    @property
    def draws(self) -> bool:
        """Whether encoding the same rows again may give other features, because dropout is on."""
        return self.module.training

    def of_items(self, items: Sequence[Any], need: Need) -> list[Features]:
        """As `features`, of prepared rows that no source has, such as rows changed at random."""

        def served(group: Sequence[int]) -> list[Features]:
            batch = movable(self.backbone.collate([items[at] for at in group])).to(self.device)
            return self._served(self._direct(batch, need), need)

        return _in_groups(self.backbone, [len(item) for item in items], served)

    def items(self, reading: Reading, positions: Sequence[int]) -> list[Any]:
        """The prepared rows at these positions of a split."""
        return self._prepared(reading).take(positions)

    def lengths(self, reading: Reading) -> Sequence[int]:
        """Lengths in tokens of all rows of the split."""
        return self._prepared(reading).lengths

    def fill(self, reading: Reading, need: Need) -> Iterator[Activity]:
        """Compute what the store will be asked for, a chunk at a time."""
        if reading.split not in self.stored_splits or not self._storable:
            return
        lengths = self.lengths(reading)
        done = 0
        # Longest first: what later chunks need then fits where earlier ones were, and memory stays small.
        layout = Layout.of(lengths)
        for rows in map(layout.chunk, reversed(range(layout.chunks))):
            if self.boundary <= self.backbone.depth:
                self._states(reading, rows, self.boundary)
            else:
                self.features(reading, rows, need)
            done += len(rows)
            yield Activity(f"features of {reading.source}", done, len(lengths))

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

    def _prepared(self, reading: Reading) -> Items:
        if reading not in self._items:
            prepare, rows = self._prepare(reading), self.data[reading.source]
            self._items[reading] = Items(
                rows,
                reading.split,
                lambda part: prepare([tuple(row[name] for name in reading.view) for row in part]),
                _token_shelf(self, reading, (reading.source, reading.view) in self.located),
            )
        return self._items[reading]

    def _prepare(self, reading: Reading) -> Callable[[Sequence[tuple[Any, ...]]], list[Any]]:
        located = (reading.source, reading.view) in self.located
        prepare: Callable[[Sequence[tuple[Any, ...]]], list[Any]] = self.backbone.prepare
        return getattr(self.backbone, "locate", prepare) if located else prepare

    @spanned("data")
    def _batch(self, reading: Reading, positions: Sequence[int]) -> Any:  # noqa: ANN401  the backbone's own type
        return movable(self.backbone.collate(self.items(reading, positions))).to(self.device)

    def _direct(self, batch: Any, need: Need) -> Features:  # noqa: ANN401  see _batch
        with span("tail"), self._autocast(), _asked(self.backbone, need.layers, need.first_alone) as kept:
            features = returned(self.backbone.forward(batch), Features, BACKBONE_CALLED, "forward")
            return _completed(features, batch, kept)

    def _from_stem(self, reading: Reading, positions: Sequence[int], depth: int, need: Need) -> Features:
        hidden = pad(self._states(reading, positions, depth))
        batch = self._batch(reading, positions)
        below = self._stored_layers(reading, positions, [layer for layer in need.layers if layer < depth])
        above = [layer for layer in need.layers if layer >= depth]
        with span("tail"), self._autocast(), _asked(self.backbone, above, need.first_alone) as kept:
            return _completed(self._splittable.tail(hidden, batch, depth), batch, {**below, **kept})

    def _stored_layers(
        self, reading: Reading, positions: Sequence[int], layers: Collection[int]
    ) -> dict[int, Tensor]:
        return {layer: pad(self._states(reading, positions, layer)) for layer in layers}

    def _states(self, reading: Reading, positions: Sequence[int], depth: int) -> list[Tensor]:
        """Hidden states [t, H] at a boundary inside the backbone, one per row."""

        def compute(chunk: Sequence[int]) -> list[Tensor]:
            with eval_mode(self.module), torch.no_grad(), self._autocast():
                hidden = self._splittable.stem(self._batch(reading, chunk), depth)
            lengths = self.lengths(reading)
            return [hidden[at, : lengths[row]].clone() for at, row in enumerate(chunk)]

        return self._stored(reading, "states", depth, positions, compute)

    def _vectors(self, reading: Reading, positions: Sequence[int], how: Pooling) -> Tensor:
        """Pooled vectors [B, H] of a wholly frozen backbone."""
        depth, lengths = self.backbone.depth + 1, self.lengths(reading)
        compute, address = partial(self._computed, reading, how), partial(self._address, reading, how, depth)
        found = self.store.vectors((reading, how), depth, lengths, positions, compute, address)
        return found if self.device.type == "cpu" else found.to(self.device)

    def _computed(self, reading: Reading, how: Pooling | None, chunk: Sequence[int]) -> list[Tensor]:
        """Of each row what a wholly frozen backbone yields: its vector [H], or its states [t, H]."""
        lower = [depth for depth in self.boundaries if 1 <= depth <= self.backbone.depth]
        need = Need(how is None, frozenset([how] if how else ()))

        with eval_mode(self.module), torch.no_grad():
            if lower and isinstance(self.backbone, Splittable):
                features = self._from_stem(reading, chunk, min(lower), need)
            else:
                features = self._direct(self._batch(reading, chunk), need)
            if how is not None:
                return list(pool(features.tokens, features.mask, how))
        lengths = self.lengths(reading)
        return [features.tokens[at, : lengths[row]].clone() for at, row in enumerate(chunk)]

    def _stored(
        self,
        reading: Reading,
        what: str,
        depth: int,
        positions: Sequence[int],
        compute: Callable[[Sequence[int]], list[Tensor]],
    ) -> list[Tensor]:
        address = partial(self._address, reading, what, depth)
        key = (reading, what)
        values = self.store.rows(key, depth, self.lengths(reading), positions, compute, address)
        return values if self.device.type == "cpu" else [value.to(self.device) for value in values]

    def _address(self, reading: Reading, what: str, depth: int) -> Address | None:
        stem = self.stems.get(depth)
        if not self.identity or stem is None:
            return None
        rows = (self.data[reading.source].fingerprint, reading.split, *reading.view)
        words = f"{what} of {reading.source}, {reading.split}, {'+'.join(reading.view)}, depth {depth}"
        # What an earlier run's tokens would be found by says what they are; else they themselves do.
        shelf = _token_shelf(self, reading, located=False)
        parts = (self.identity, stem, what, str(depth), *rows, shelf.address if shelf else "")
        return address(parts, () if shelf else self._prepared(reading), words)

    def _whole(self, reading: Reading, positions: Sequence[int], layers: Collection[int]) -> Features:
        """Stored token states as features: mask and words come with the batch."""
        batch, compute = self._batch(reading, positions), partial(self._computed, reading, None)
        states = self._stored(reading, "tokens", self.backbone.depth + 1, positions, compute)
        features = Features(pad(states), batch.mask, batch.words)
        return _completed(features, batch, self._stored_layers(reading, positions, layers))

    def _served(self, features: Features, need: Need) -> list[Features]:
        """The features once per pooling, as vectors alone, then as token states."""
        found = [pooled_only(pool(features.tokens, features.mask, how)) for how in sorted(need.poolings)]
        return [*found, features] if need.tokens else found

    @property
    def module(self) -> torch.nn.Module:
        """The backbone as the torch module that it is."""
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


@contextmanager
def _asked(backbone: Backbone, layers: Collection[int], first: bool) -> Iterator[Mapping[int, Tensor]]:
    """The states after these layers. Of what is computed inside, all is read, or the `first` token alone."""
    if first and isinstance(backbone, FirstAlone):
        with backbone.first_alone():
            yield {}
    elif layers and isinstance(backbone, Layered):
        with backbone.keep(sorted(layers)) as kept:
            yield kept
    else:
        yield {}


def _token_shelf(encoder: Encoder, reading: Reading, located: bool) -> TokenShelf | None:
    """Where prepared rows are kept for later runs, None where they are not."""
    rows = (encoder.data[reading.source].fingerprint, reading.split, str(located), *reading.view)
    words = f"tokens of {reading.source}, {reading.split}, {'+'.join(reading.view)}"
    return shelf_of(encoder.store.cache, encoder.backbone, rows, words)


def movable(batch: Any) -> Any:  # noqa: ANN401  the backbone's own type
    """A batch of a backbone, known to have a `to`.

    Raises:
        PluginError: when it has none.
    """
    if not callable(getattr(batch, "to", None)):
        got = type(batch).__name__
        raise PluginError(f"{BACKBONE_CALLED} returned {got} from collate, expected a batch with to", CHECK)
    return batch


def _in_groups(
    backbone: Backbone, lengths: Sequence[int], served: Callable[[Sequence[int]], list[Features]]
) -> list[Features]:
    """Features computed now, rows of like length together where padding costs something."""
    whole = list(range(len(lengths)))
    groups = [whole] if getattr(backbone, "ragged", False) else homogeneous(lengths)
    parts = [served(group) for group in groups]
    if len(groups) == 1 and groups[0] == whole:
        return parts[0]
    return [join(same, groups) for same in zip(*parts, strict=True)]


def _completed(features: Features, batch: Any, layers: Mapping[int, Tensor]) -> Features:  # noqa: ANN401
    """The features with what their batch says of its tokens, and with the states that were kept."""
    return evolve(
        features,
        ids=getattr(batch, "ids", None),
        texts=getattr(batch, "texts", None),
        spans=getattr(batch, "spans", None),
        layers=layers,
    )


def pooled_only(pooled: Tensor) -> Features:
    """Features of rows of which only the vectors [B, H] are known."""
    rows = len(pooled)
    none = torch.zeros(rows, 0, device=pooled.device)
    return Features(tokens=none.unsqueeze(-1), mask=none.bool(), words=none.long(), pooled=pooled)

"""The timeline as a grid of values: a lane per layer, a column per stretch of steps, a level per rate.

Text, SVG and PNG draw the same grid. Nothing is sampled: a cell knows every step of its column.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from math import floor, log
from typing import Literal

from attrs import evolve, frozen

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.plan.timeline import Moment, Timeline

Trains = Literal["all", "some", "none"]
LEVELS = 8
SPAN = 1000.0
"""Levels are spread over rates down to one over this of the highest: a curve that ends near 0 has no room."""
MOST_BLOCKS = 24
ROLES = ("embeddings", "block", "final", "head")
Peaks = Mapping[frozenset[str], Mapping[str, float]]


@frozen
class Cell:
    """What the weights of a lane do over the steps of a column.

    `trains` is "some" where some of the weights, or all of them at some of the steps, are frozen. `rate` is
    the highest of any weight that trains at any of the steps. `level` is 0 for a rate of 0 and what is
    frozen, else from 1 to 8, in equal ratios of the rate.
    """

    trains: Trains
    rate: float
    level: int = 0


@frozen
class Lane:
    """The weights of one layer, or of neighbouring blocks, over the run."""

    label: str
    cells: tuple[Cell, ...]


@frozen
class Border:
    """A phase: its name, its steps `start` ≤ s < `end`, and the column in which it begins."""

    name: str
    start: int
    end: int
    column: int


@frozen
class Grid:
    """The whole picture. Column c is about the steps `edges[c]` ≤ s < `edges[c + 1]`.

    `low` and `high` are the lowest and highest rate above 0 of any cell, 0 where there is none; level 1
    ends below at `bottom`, and stands for what lies below that too.
    """

    lanes: tuple[Lane, ...]
    borders: tuple[Border, ...]
    edges: tuple[int, ...]
    low: float
    bottom: float
    high: float

    @property
    def total(self) -> int:
        """The number of steps."""
        return self.edges[-1]

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.edges) - 1


@frozen
class _Part:
    label: str
    blocks: tuple[int, ...]
    weights: tuple[str, ...]


def drawing(timeline: Timeline, moments: Sequence[Moment], columns: int) -> Grid:
    """The grid of a walked timeline with at most `columns` columns, one for each step of a short run.

    Lanes go from the embeddings over the blocks and what follows them to the heads. Of more than 24 blocks,
    neighbours that do the same throughout share a lane; where that is not enough, equal numbers of
    neighbours do.
    """
    edges = _edges(len(moments), columns)
    peaks = [_peaks(moments[begin:end]) for begin, end in pairwise(edges)]
    owners = {name: group for group, names in timeline.groups.items() for name in names}
    lanes = _lanes(_parts(timeline.table), peaks, owners)
    rates = [cell.rate for lane in lanes for cell in lane.cells if cell.rate > 0]
    low, high = (min(rates), max(rates)) if rates else (0.0, 0.0)
    bottom = max(low, high / SPAN)
    return Grid(
        lanes=tuple(
            evolve(
                lane, cells=tuple(evolve(cell, level=_level(cell.rate, bottom, high)) for cell in lane.cells)
            )
            for lane in lanes
        ),
        borders=tuple(_borders(timeline, moments, edges)),
        edges=edges,
        low=low,
        bottom=bottom,
        high=high,
    )


def _edges(total: int, columns: int) -> tuple[int, ...]:
    count = min(max(1, columns), total)
    return tuple(at * total // count for at in range(count + 1)) if count else (0,)


def _peaks(moments: Iterable[Moment]) -> Peaks:
    """For each trainable set among the moments, the highest rate of every group while it held."""
    found: dict[frozenset[str], dict[str, float]] = {}
    for moment in moments:
        peaks = found.setdefault(moment.trainable, {})
        for group, rate in moment.rates.items():
            if rate > peaks.get(group, 0.0):
                peaks[group] = rate
    return found


def _parts(table: ParamTable) -> list[_Part]:
    found: dict[str, list[Row]] = {}
    for row in sorted(table, key=lambda row: (ROLES.index(row.role), row.role == "block" and row.depth)):
        found.setdefault(_label(row), []).append(row)
    return [
        _Part(
            label,
            tuple({row.depth: None for row in rows if row.role == "block"}),
            tuple(row.name for row in rows),
        )
        for label, rows in found.items()
    ]


def _label(row: Row) -> str:
    if row.role == "head":
        return f"head.{row.owner}"
    return f"block {row.depth}" if row.role == "block" else row.role


def _lanes(parts: Sequence[_Part], peaks: Sequence[Peaks], owners: Mapping[str, str]) -> list[Lane]:
    blocks = [part for part in parts if part.blocks]
    cells = {part: tuple(_cells(part, peaks, owners)) for part in parts}
    if len(blocks) > MOST_BLOCKS:
        alike = [list(found) for _, found in groupby(blocks, key=lambda part: cells[part])]
        if len(alike) > MOST_BLOCKS:
            size = -(-len(blocks) // MOST_BLOCKS)
            alike = [blocks[at : at + size] for at in range(0, len(blocks), size)]
        joined = {some[0]: _joined(some) for some in alike}
        parts = [joined.get(part, part) for part in parts if not part.blocks or part in joined]
        cells |= {part: tuple(_cells(part, peaks, owners)) for part in joined.values()}
    return [Lane(part.label, cells[part]) for part in parts]


def _joined(parts: Sequence[_Part]) -> _Part:
    blocks = tuple(block for part in parts for block in part.blocks)
    label = parts[0].label if len(parts) == 1 else f"blocks {blocks[0]}–{blocks[-1]}"
    return _Part(label, blocks, tuple(name for part in parts for name in part.weights))


def _cells(part: _Part, peaks: Sequence[Peaks], owners: Mapping[str, str]) -> Iterator[Cell]:
    known: dict[frozenset[str], tuple[Trains, frozenset[str]]] = {}
    for column in peaks:
        states, rate = set(), 0.0
        for trainable, rates in column.items():
            if trainable not in known:
                known[trainable] = _activity(part, trainable, owners)
            state, groups = known[trainable]
            states.add(state)
            rate = max(rate, *(rates.get(group, 0.0) for group in groups), 0.0)
        yield Cell(states.pop() if len(states) == 1 else "some", rate)


def _activity(
    part: _Part, trainable: frozenset[str], owners: Mapping[str, str]
) -> tuple[Trains, frozenset[str]]:
    """How many of the weights train, and the groups of those that do."""
    active = [name for name in part.weights if name in trainable]
    state: Trains = "none" if not active else "all" if len(active) == len(part.weights) else "some"
    return state, frozenset(owners[name] for name in active)


def _level(rate: float, bottom: float, high: float) -> int:
    if rate <= 0:
        return 0
    if rate >= high:
        return LEVELS
    if rate <= bottom:
        return 1
    return min(LEVELS, 1 + floor(LEVELS * log(rate / bottom) / log(high / bottom)))


def _borders(timeline: Timeline, moments: Sequence[Moment], edges: Sequence[int]) -> Iterator[Border]:
    starts, before = [], None
    for step, moment in enumerate(moments):
        if moment.trainable is not before and moment.trainable != before:
            starts.append(step)
        before = moment.trainable
    ends = [*starts[1:], len(moments)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=False), start=1):
        name = timeline.phase_name(moments[start].progress, number)
        yield Border(name, start, end, bisect_right(edges, start) - 1)

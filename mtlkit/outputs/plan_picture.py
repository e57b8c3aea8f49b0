"""The drawing of a timeline as boxes, lines and words: one layout for SVG and PNG."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from attrs import frozen

from mtlkit.outputs.plan_drawing import phase_text, shortened
from mtlkit.plan.drawing import LEVELS, Cell, Grid, Lane

WIDTH, MARGIN, RIGHT, TOP, LANE = 1000, 190, 30, 76, 18
LEGEND = 88
FILLS = ("#ffffff", "#dfe8f5", "#b9d3e8", "#8fbcd9", "#62a2c8", "#3b85b3", "#21689a", "#124c7c", "#08315a")
"""By level, light to dark; 0, what trains at rate 0, is white inside a frame."""
FROZEN = "#d9d4cc"
LETTER = 6.5
"""About the width of a letter in px."""
COLUMNS = 200
MARKS = 4
"""Into how many parts the numbers below the picture divide the run."""


@frozen
class Box:
    """A filled rectangle in px, with what it means."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    means: str = ""


@frozen
class Stroke:
    """A vertical line in px, with what it means."""

    x: float
    top: float
    bottom: float
    means: str


@frozen
class Words:
    """A line of text, `y` at its middle."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"


@frozen
class Picture:
    """All of it, in px; what comes later lies above."""

    title: str
    summary: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    strokes: tuple[Stroke, ...]
    words: tuple[Words, ...]


def picture(grid: Grid, name: str) -> Picture:
    """The layout of a grid; `name` is that of the run."""
    foot = TOP + LANE * len(grid.lanes)
    title = f"Timeline of {shortened(name, 80)}"
    legend = list(_legend(grid, foot + 64))
    return Picture(
        title=title,
        summary=f"learning rate of each layer over {grid.total:,} steps in {len(grid.borders):,} phases",
        width=WIDTH,
        height=foot + LEGEND,
        boxes=(
            *(box for at, lane in enumerate(grid.lanes) for box in _boxes(grid, lane, TOP + LANE * at)),
            *(each for each in legend if isinstance(each, Box)),
        ),
        strokes=tuple(_strokes(grid, foot)),
        words=(
            Words(WIDTH / 2, 18, title, "middle"),
            Words(MARGIN - 8, TOP - 12, "layer", "end"),
            *_labels(grid),
            *_axis(grid, foot),
            *(each for each in legend if isinstance(each, Words)),
        ),
    )


def _x(grid: Grid, column: int) -> float:
    return MARGIN + (WIDTH - MARGIN - RIGHT) * column / max(1, grid.columns)


def _boxes(grid: Grid, lane: Lane, y: float) -> Iterator[Box]:
    """A box for each stretch of columns that look the same; what is partly frozen is half as high."""
    height = LANE - 2
    for (trains, level), found in groupby(enumerate(lane.cells), key=lambda each: _look(each[1])):
        columns = [column for column, _ in found]
        begin, end = columns[0], columns[-1] + 1
        steps = f"{grid.edges[begin]:,}–{grid.edges[end]:,}"
        means = f"{shortened(lane.label, 100)}, steps {steps}: {_meaning(lane.cells[begin:end])}"
        x, width = _x(grid, begin), _x(grid, end) - _x(grid, begin)
        if trains != "all":
            yield Box(x, y, width, height, FROZEN, means)
        if trains == "all":
            yield Box(x, y, width, height, FILLS[level], means)
        elif trains == "some":
            yield Box(x, y + height / 2, width, height / 2, FILLS[level], means)


def _look(cell: Cell) -> tuple[str, int]:
    return cell.trains, cell.level


def _meaning(cells: Sequence[Cell]) -> str:
    if cells[0].trains == "none":
        return "frozen"
    low, high = min(cell.rate for cell in cells), max(cell.rate for cell in cells)
    rate = f"rate {high:.2e}" if low == high else f"rates {low:.2e} to {high:.2e}"
    return rate if cells[0].trains == "all" else f"{rate}, partly frozen"


def _strokes(grid: Grid, foot: float) -> Iterator[Stroke]:
    """The border of each phase after the first; of those in one column the first."""
    seen = {0}
    for number, border in enumerate(grid.borders, start=1):
        if border.column not in seen:
            seen.add(border.column)
            yield Stroke(_x(grid, border.column), TOP - 6, foot, phase_text(border, number, 100))


def _labels(grid: Grid) -> Iterator[Words]:
    for at, lane in enumerate(grid.lanes):
        yield Words(MARGIN - 8, TOP + LANE * at + LANE / 2 - 1, shortened(lane.label, 26), "end")
    free = [0.0, 0.0]
    for number, border in enumerate(grid.borders, start=1):
        name = str(number) if border.name == f"phase-{number}" else shortened(border.name, 24)
        text, x = f"{name} ({border.start:,})", _x(grid, border.column)
        line = 0 if free[0] <= x else 1
        if free[line] <= x and x + len(text) * LETTER <= WIDTH:
            free[line] = x + (len(text) + 2) * LETTER
            yield Words(x, TOP - 14 - 14 * line, text)


def _axis(grid: Grid, foot: float) -> Iterator[Words]:
    marks = dict.fromkeys(grid.total * part // MARKS for part in range(MARKS + 1))
    for step in marks:
        x = MARGIN + (WIDTH - MARGIN - RIGHT) * step / max(1, grid.total)
        yield Words(x, foot + 12, f"{step:,}", "middle")
    yield Words((MARGIN + WIDTH - RIGHT) / 2, foot + 30, "step", "middle")


def _legend(grid: Grid, y: float) -> Iterator[Box | Words]:
    middle, size = y + 6, 22
    yield Words(MARGIN - 8, middle, "rate, log scale", "end")
    yield Words(MARGIN, middle, f"{grid.bottom:.1e}")
    x = MARGIN + 60.0
    for level in range(1, LEVELS + 1):
        yield Box(x + (level - 1) * size, y, size, 12, FILLS[level], f"level {level} of {LEVELS}")
    yield Words(x + LEVELS * size + 8, middle, f"{grid.high:.1e}")
    x += LEVELS * size + 90
    yield Box(x, y, size, 12, FILLS[0], "rate 0")
    yield Words(x + size + 6, middle, "rate 0")
    yield Box(x + 90, y, size, 12, FROZEN, "frozen")
    yield Words(x + 90 + size + 6, middle, "frozen")
    yield Box(x + 190, y, size, 12, FROZEN, "partly frozen")
    yield Box(x + 190, y + 6, size, 6, FILLS[LEVELS], "partly frozen")
    yield Words(x + 190 + size + 6, middle, "partly frozen")

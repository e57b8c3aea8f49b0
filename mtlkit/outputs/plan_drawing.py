"""The timeline as lines of text: what trains when, and how fast, readable without colour.

Blocks of eight heights are levels of the rate, digits the same levels where a part is frozen.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from mtlkit.contracts.shown import one_line
from mtlkit.plan.drawing import LEVELS, Border, Cell, Grid, drawing
from mtlkit.plan.timeline import Moment, Timeline

SHADES = "_▁▂▃▄▅▆▇█"
FROZEN = "·"
TICK = "|"
NARROWEST = 40
MOST_PHASES = 12
LONGEST = 24


@frozen
class Piece:
    """A text, and the level of the rate that it shows, None where it shows none."""

    text: str
    level: int | None = None


Line = tuple[Piece, ...]


def plan_drawing(timeline: Timeline, moments: Sequence[Moment], width: int) -> str:
    """The drawing of a walked timeline in lines of at most `width` characters, but at least 40."""
    return plain(lines(timeline, moments, width))


def plain(drawn: Sequence[Line]) -> str:
    """The text of lines without their levels."""
    return "\n".join("".join(piece.text for piece in line) for line in drawn)


def lines(timeline: Timeline, moments: Sequence[Moment], width: int) -> tuple[Line, ...]:
    """The same in pieces, for colours."""
    width = max(NARROWEST, width)
    names = [f"head.{task}" for task in timeline.table.tasks]
    margin = 1 + min(max(map(len, ["blocks 10–24", *names])), width // 3, LONGEST)
    return tuple(_lines(drawing(timeline, moments, width - margin), margin, width))


def symbol(cell: Cell) -> str:
    """The character of a cell."""
    if cell.trains == "none":
        return FROZEN
    return SHADES[cell.level] if cell.trains == "all" else str(cell.level)


def _lines(grid: Grid, margin: int, width: int) -> Iterator[Line]:
    if not grid.total:
        yield (Piece("timeline: the run has no steps"),)
        return
    yield (Piece(_title(grid)),)
    for text in _ruler(grid):
        yield (Piece((" " * margin + text).rstrip()),)
    for lane in grid.lanes:
        label = Piece(shortened(lane.label, margin - 1).ljust(margin))
        yield (label, *(Piece(symbol(cell), cell.level) for cell in lane.cells))
    yield (Piece(" " * margin + _axis(grid)),)
    yield from _wrapped(_legend(grid), width)
    yield from _wrapped([(Piece(text),) for text in _phases(grid, width)], width)


def shortened(text: str, length: int) -> str:
    """The text with its middle left out where it is too long, and what can't be printed spelt out."""
    text = one_line(text)
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"


def _title(grid: Grid) -> str:
    steps = -(-grid.total // grid.columns)
    return "timeline: a column is " + ("one step" if steps == 1 else f"up to {steps:,} steps")


def _ruler(grid: Grid) -> Iterator[str]:
    """The numbers of the phases and where they begin; a number without room is left out."""
    if len(grid.borders) < 2:
        return
    numbers, free = "", 0
    for number, border in enumerate(grid.borders, start=1):
        if border.column >= free and border.column + len(str(number)) <= grid.columns:
            numbers = numbers.ljust(border.column) + str(number)
            free = len(numbers) + 1
    yield numbers
    columns = {border.column for border in grid.borders}
    yield "".join(TICK if column in columns else " " for column in range(grid.columns))


def _axis(grid: Grid) -> str:
    last = f"{grid.total:,}"
    gap = grid.columns - 1 - len(last)
    if gap < 1:
        return f"0–{last}"
    return f"0{' steps '.center(gap) if gap >= 7 else ' ' * gap}{last}"


def _legend(grid: Grid) -> Iterator[Line]:
    """What each character that occurs means."""
    cells = {(cell.trains, cell.level) for lane in grid.lanes for cell in lane.cells}
    some = {level for trains, level in cells if trains == "some"}
    if ("none", 0) in cells:
        yield (Piece(f"{FROZEN} frozen"),)
    if ("all", 0) in cells:
        yield (Piece(f"{SHADES[0]} rate 0"),)
    if grid.low < grid.high:
        shades = (Piece(SHADES[level], level) for level in range(1, LEVELS + 1))
        yield (*shades, Piece(f" rate {grid.bottom:.1e} to {grid.high:.1e}"))
        yield (Piece("(log scale)"),)
    elif grid.high:
        yield Piece(SHADES[LEVELS], LEVELS), Piece(f" rate {grid.high:.1e}")
    if grid.low < grid.bottom:
        yield (Piece(f"lowest rate {grid.low:.1e}"),)
    if some:
        digits = f"{min(some)}" if len(some) == 1 else f"{min(some)}–{max(some)}"
        yield (Piece(f"{digits} that level, partly frozen"),)


def _phases(grid: Grid, width: int) -> Iterator[str]:
    shown = len(grid.borders) if len(grid.borders) <= MOST_PHASES else MOST_PHASES - 1
    for number, border in enumerate(grid.borders[:shown], start=1):
        yield phase_text(border, number, width)
    if shown < len(grid.borders):
        yield f"… {len(grid.borders) - shown:,} more"


def phase_text(border: Border, number: int, length: int) -> str:
    """`phase 2 heads: steps 10–20` in at most `length` characters; without a name that is but the number."""
    begin, steps = f"phase {number}", f": steps {border.start:,}–{border.end:,}"
    if border.name == f"phase-{number}":
        return begin + steps
    return f"{begin} {shortened(border.name, max(3, length - len(begin) - len(steps) - 1))}{steps}"


def _wrapped(items: Iterable[Line], width: int) -> Iterator[Line]:
    """The items in lines, two spaces between them."""
    line: list[Piece] = []
    for item in items:
        length = sum(len(piece.text) for piece in (*line, *item)) + 2
        if line and length > width:
            yield tuple(line)
            line = []
        line += [Piece("  "), *item] if line else item
    if line:
        yield tuple(line)

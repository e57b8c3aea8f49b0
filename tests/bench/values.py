"""What is measured, by which processes, and what it is to reach."""

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

Value = str | int | float | bool | list[str] | list[int]
Params = Mapping[str, Value]
Figures = dict[str, float]
Environment = Literal["ours", "peers"]


@frozen
class Sizes:
    """How much work a measurement is: rows, epochs, steps and how often all variants take their turn."""

    rows: int = 0
    epochs: int = 1
    steps: int = 0
    repeats: int = 3


@frozen
class Variant:
    """One way to do the work of a bench: a function of a module below `tests/bench`, in one of two environments.

    `params` are handed to it beside the sizes and places of the bench. `turns` are the rounds it takes part
    in, by default all: a slow one may sit some out. One that is `primed` is run once before its first turn,
    which does not count. A quick bench leaves out those that are not `quick`.
    """

    name: str
    words: str
    where: Environment
    function: str
    params: Params = field(factory=dict)
    turns: int | None = None
    primed: bool = False
    quick: bool = True


@frozen
class Bench:
    """Variants of one piece of work, taking turns: A B C, A B C, …

    `export` names the recipe whose rows the peers get as a file; `measure` is the figure that the page shows
    first. Without `quick` sizes it is no part of a quick run. Where the variants are sizes, `grows` are the
    figures whose growth is fitted.
    """

    name: str
    title: str
    variants: tuple[Variant, ...]
    full: Sizes
    quick: Sizes | None
    measure: str
    unit: str
    export: str = ""
    note: str = ""
    grows: tuple[str, ...] = ()


@frozen
class Cell:
    """A figure of one variant of a bench."""

    bench: str
    variant: str
    measure: str


@frozen
class Goal:
    """What is to be reached.

    A `speedup` is how often the peer's figure holds ours where the figure is a time, and the other way round
    where it is a rate; a `share` is our figure over the peer's, and `alone` our figure itself, and of these
    two less is better. Of several peers the best counts.
    """

    work: str
    peer: str
    ours: Cell
    theirs: tuple[Cell, ...]
    how: Literal["speedup", "share", "alone"]
    least: float
    aim: float
    unit: str = ""

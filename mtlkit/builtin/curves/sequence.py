"""Pieces of your own, one after the other: a curve as a list of levels and lengths.

pieces = [
    { length = "10%", to = 1.0, shape = "constant" },
    { length = "80%", to = 0.1, shape = "cosine" },
    { length = "10%", to = 0.0 },
]
"""

from itertools import pairwise
from math import cos, pi
from typing import Annotated, Literal

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Piece:
    """A stretch of the run that ends at the level `to`.

    A piece of n steps has, after j of them, the share j/n of its way behind it: its first step is at the
    level of the piece before, and `to` is reached at the first step after it. A `constant` piece is at `to`
    throughout.
    """

    length: Duration = option("how long the piece lasts")
    to: Annotated[float, Ge(0), Le(1)] = option("the factor that it goes to")
    shape: Literal["constant", "linear", "cosine", "exponential"] = option(
        "the form of the way there", "linear"
    )

    def __attrs_post_init__(self) -> None:
        if self.length.amount <= 0:
            raise ValueError(f"length is '{self.length}'; a piece must be longer than nothing")

    def between(self, level: float, share: float) -> float:
        """The factor after that share of the way from `level`."""
        if self.shape == "constant":
            return self.to
        if self.shape == "exponential":
            return float(level ** (1 - share) * self.to**share)
        passed = share if self.shape == "linear" else 0.5 * (1 - cos(pi * share))
        return level + (self.to - level) * passed


@frozen
class Sequence(Curve):
    """From `start` through all pieces, counted from the end of the warm-up; the last level stays.

    Where the run is shorter than the pieces, the rest of them does not happen.

    Helps: whatever you mean to try; what is known depends on the pieces.

    Does not help: no evidence known to us.
    """

    pieces: tuple[Piece, ...] = option("the pieces, in order of time")
    start: Annotated[float, Ge(0), Le(1)] = option("the factor that the first piece starts from", 1.0)
    warmup: Duration = option("how long the rates rise from 0 before the first piece", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        if not self.pieces:
            raise ValueError("pieces is empty; write at least one, or use the curve 'constant'")
        if self.start < 1 and self.warmup.amount > 0:
            raise ValueError(
                f"start is {self.start}, and a warm-up ends at 1; write the rise as a piece instead"
            )
        levels = [self.start, *(piece.to for piece in self.pieces)]
        for number, (piece, ends) in enumerate(zip(self.pieces, pairwise(levels), strict=True), start=1):
            if piece.shape == "exponential" and min(ends) == 0:
                raise ValueError(
                    f"piece {number} is exponential, from {ends[0]} to {ends[1]}; neither may be 0"
                )
        if 1 not in self._reached(levels):
            raise ValueError("no step has the factor 1: the rates of the recipe are those of the peak")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        factor = warmed(progress, self.warmup, lambda done, _span: self._level(done, progress))
        return rewarmed(factor, progress, age, self.rewarm)

    def _level(self, done: int, progress: Progress) -> float:
        level = self.start
        for piece in self.pieces:
            length = progress.steps(piece.length)
            if done < length:
                return piece.between(level, done / length)
            level, done = piece.to, done - length
        return level

    def _reached(self, levels: list[float]) -> set[float]:
        """The levels that steps are at; one that a constant piece leaves at once is no step's."""
        left = (level for piece, level in zip(self.pieces, levels, strict=False) if piece.shape != "constant")
        held = (piece.to for piece in self.pieces if piece.shape == "constant")
        return {*left, *held, levels[-1]}

"""A curve as a formula of one's own."""

from functools import cache
from math import isnan, nan
from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.formula import read
from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve

NAMES = ("share", "step", "epoch", "steps", "epochs")
TRIED = 200
formula_of = cache(read)


@frozen
class Expression(Curve):
    """The value of a formula after the warm-up; below `floor` it counts as the floor, and above 1 as 1.

    A formula has numbers, + - * / **, comparisons, `A if CONDITION else B`, the functions min, max, abs,
    sqrt, exp, log, sin, cos and floor, pi, and these names, all counted from the end of the warm-up: `share`
    of the run that is over, 0 to 1; `step` and `epoch` that are; `steps` and `epochs` that there are in all.
    One that has no value somewhere, such as 1 / step at the start, is refused.

    Helps: whatever you mean to try; what is known depends on the formula.

    Does not help: no evidence known to us.
    """

    stretches: ClassVar[bool] = False  # where the formula counts steps
    plausible_words: ClassVar[tuple[str, ...]] = (
        "1 - share",
        "(1 + cos(pi * share)) / 2",
        "1 if share < 0.5 else 0.1",
        "0.9 ** epoch",
        "min(1, 10 / max(step, 1))",
    )

    formula: str = option('the formula, such as "(1 - share) ** 2"')
    floor: Annotated[float, Ge(0), Le(1)] = option("the lowest factor after the warm-up", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        formula_of(self.formula, NAMES)
        for step in range(TRIED + 1):
            if isnan(self._level(step, TRIED, TRIED // 10)):
                raise ValueError(
                    f"the formula {self.formula!r} has no value at share {step / TRIED:g} of a run"
                )

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        factor = warmed(
            progress, self.warmup, lambda done, span: self._level(done, span, progress.steps_per_epoch)
        )
        return rewarmed(factor, progress, age, self.rewarm)

    def _level(self, done: int, span: int, per_epoch: int) -> float:
        values = {
            "share": done / span if span > 0 else 1.0,
            "step": float(done),
            "epoch": done / per_epoch,
            "steps": float(span),
            "epochs": span / per_epoch,
        }
        value = formula_of(self.formula, NAMES)(values)
        return nan if isnan(value) else max(self.floor, min(1.0, value))

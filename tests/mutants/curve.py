"""Curves: broken ones with the law that each breaks, and unusual ones that are right."""

from fractions import Fraction
from functools import lru_cache
from math import cos, exp, isnan, pi
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le
from attrs import field, frozen

from mtlkit import Curve, Duration, Progress
from mtlkit.contracts.options import option

LAST: list[float] = [1.0]


@frozen
class DividesByTotal(Curve):
    """Linear without a look at runs of no steps."""

    def factor(self, progress: Progress, age: int) -> float:
        return max(0.0, 1 - progress.step / progress.total)


@frozen
class BelowZero(Curve):
    """Linear that goes on beyond the end."""

    def factor(self, progress: Progress, age: int) -> float:
        return 1 - progress.step / max(1, progress.total)


@frozen
class Smoothed(Curve):
    """Linear, smoothed over the calls."""

    def factor(self, progress: Progress, age: int) -> float:
        LAST[0] = 0.5 * LAST[0] + 0.5 * max(0.0, 1 - progress.step / max(1, progress.total))
        return LAST[0]


@frozen
class NothingLeft(Curve):
    """Divides by what the warm-up leaves of the run."""

    warmup: Duration = option("how long", Duration(10, "%"))

    def factor(self, progress: Progress, age: int) -> float:
        length, step = progress.steps(self.warmup), min(progress.step, progress.total)
        if step < length:
            return step / length
        return 1 - (step - length) / (progress.total - length)


@frozen
class LastStep(Curve):
    """Divides by the last step's number."""

    def factor(self, progress: Progress, age: int) -> float:
        return 1 - min(progress.step, progress.total - 1) / (progress.total - 1) if progress.total else 1.0


@frozen
class LowPeak(Curve):
    """A floor that takes from the peak."""

    floor: Annotated[float, Ge(0), Le(1)] = option("the least", 0.1)
    warmup: Duration = option("how long", Duration(10, "%"))

    def factor(self, progress: Progress, age: int) -> float:
        step, length = min(progress.step, progress.total), progress.steps(self.warmup)
        rise = step / length if step < length else 1.0
        return 0.9 * rise * (1 - self.floor) + 0.9 * self.floor


@frozen
class FloorAdded(Curve):
    """A floor that is added on top."""

    floor: Annotated[float, Ge(0), Le(1)] = option("the least", 0.1)

    def factor(self, progress: Progress, age: int) -> float:
        step = min(progress.step, progress.total)
        return self.floor + 0.5 * (1 + cos(pi * step / max(1, progress.total)))


@frozen
class SecondWave(Curve):
    """One and a half half-waves."""

    one_peak: ClassVar[bool] = True

    def factor(self, progress: Progress, age: int) -> float:
        step = min(progress.step, progress.total)
        return 0.5 * (1 + cos(1.5 * pi * step / max(1, progress.total)))


@frozen
class CachedByStep(Curve):
    """A warm-up by age, in a cache that forgets the age."""

    _cache: dict = field(factory=dict, init=False, eq=False, repr=False)

    def factor(self, progress: Progress, age: int) -> float:
        key = (progress.step, progress.total)
        if key not in self._cache:
            self._cache[key] = min(1.0, (age + 1) / max(1, progress.total // 4))
        return self._cache[key]


@frozen
class Plateau(Curve):
    """Half the rate for each value that is no better than the best; NaN never is."""

    metric: str = option("which", "sentiment/accuracy")

    def factor(self, progress: Progress, age: int) -> float:
        values = [entry.value for entry in progress.metrics if entry.metric == self.metric]
        best, factor = float("-inf"), 1.0
        for value in values:
            if value > best:
                best = value
            else:
                factor *= 0.5
        return factor


@frozen
class LastEntry(Curve):
    """Whatever was measured last, of any metric."""

    def factor(self, progress: Progress, age: int) -> float:
        last = progress.metrics[-1].value if progress.metrics else 0.0
        return 1.0 if isnan(last) else 1 / (1 + abs(last))


@frozen
class Exact(Curve):
    """A fraction."""

    def factor(self, progress: Progress, age: int) -> float:
        return Fraction(max(0, progress.total - progress.step), max(1, progress.total))


@frozen
class Numpy(Curve):
    """numpy's own floats."""

    def factor(self, progress: Progress, age: int) -> float:
        return np.clip(1 - progress.step / max(1, progress.total), 0.0, 1.0)


@frozen
class ClimbsAgain(Curve):
    """A cosine without an end."""

    def factor(self, progress: Progress, age: int) -> float:
        return 0.5 * (1 + cos(pi * progress.step / max(1, progress.total)))


@frozen
class ClimbsByAge(Curve):
    """A cosine by age, without an end."""

    def factor(self, progress: Progress, age: int) -> float:
        return 0.5 * (1 + cos(pi * age / max(1, progress.total)))


@frozen
class SinglePrecision(Curve):
    """Linear, by way of float32."""

    def factor(self, progress: Progress, age: int) -> float:
        step = min(progress.step, progress.total)
        return float(np.float32(1) - np.float32(step) / np.float32(max(1, progress.total)))


@frozen
class Rounded(Curve):
    """Linear, rounded for the log."""

    def factor(self, progress: Progress, age: int) -> float:
        return round(1 - min(progress.step, progress.total) / max(1, progress.total), 4)


@frozen
class HundredSteps(Curve):
    """A warm-up of a hundred steps, whatever the run."""

    def factor(self, progress: Progress, age: int) -> float:
        return min(1.0, min(progress.step, progress.total) / min(100, max(1, progress.total)))


@frozen
class AmountAsSteps(Curve):
    """Takes the number of a duration without its unit."""

    warmup: Duration = option("how long", Duration(10, "%"))

    def factor(self, progress: Progress, age: int) -> float:
        step = min(progress.step, progress.total)
        return min(1.0, step / self.warmup.amount) if self.warmup.amount else 1.0


@frozen
class EpochAsStep(Curve):
    """Compares steps with a duration that it counts in epochs."""

    warmup: Duration = option("how long", Duration(2, "ep"))

    def factor(self, progress: Progress, age: int) -> float:
        if self.warmup.unit != "ep":
            return 1.0
        return 1.0 if min(progress.step, progress.total) >= self.warmup.amount else 0.5


MUTANTS: tuple[tuple[object, str], ...] = (
    (DividesByTotal, "L1"),
    (BelowZero, "L1"),
    (Smoothed, "L2"),
    (DividesByTotal, "L4"),
    (NothingLeft, "L4"),
    (LastStep, "L4"),
    (LowPeak, "L5"),
    (FloorAdded, "L6"),
    (SecondWave, "L7"),
    (CachedByStep, "L9"),
    (Plateau, "L13"),
    (LastEntry, "L13"),
    (Exact, "L14"),
    (Numpy, "L14"),
    (BelowZero, "L16"),
    (ClimbsAgain, "L16"),
    (ClimbsByAge, "L16"),
    (SinglePrecision, "L18"),
    (Rounded, "L18"),
    (HundredSteps, "L19"),
    (AmountAsSteps, "L19"),
    (EpochAsStep, "L19"),
)


@frozen
class Always(Curve):
    """1, as a whole number."""

    def factor(self, progress: Progress, age: int) -> float:
        return 1


@frozen
class Staircase(Curve):
    """A tenth of the rate after each stage."""

    every: Duration = option("how long a stage is", Duration(30, "%"))
    gamma: Annotated[float, Gt(0), Le(1)] = option("what a stage leaves", 0.1)

    def factor(self, progress: Progress, age: int) -> float:
        length = progress.steps(self.every)
        return self.gamma ** (min(progress.step, progress.total) // length) if length else 1.0


@frozen
class Restarts(Curve):
    """Cosine with warm restarts."""

    cycle: Duration = option("length of a cycle", Duration(25, "%"))

    def factor(self, progress: Progress, age: int) -> float:
        length = max(1, progress.steps(self.cycle))
        return 0.5 * (1 + cos(pi * (min(progress.step, progress.total) % length) / length))


@frozen
class InverseRoot(Curve):
    """Linear warm-up, then one over the root, counted from each group's own thaw."""

    warmup: Duration = option("how long", Duration(10, "%"))

    def factor(self, progress: Progress, age: int) -> float:
        own = max(0, age - max(0, progress.step - progress.total))
        length = max(1, progress.steps(self.warmup))
        return min((own + 1) / (length + 1), ((length + 1) / (own + 1)) ** 0.5)


@frozen
class CountsSteps(Curve):
    """Steps, counted as steps and declared as such."""

    stretches: ClassVar[bool] = False

    half_life: Annotated[int, Ge(1)] = option("steps until half is left", 200)

    def factor(self, progress: Progress, age: int) -> float:
        return 0.5 ** (min(progress.step, progress.total) / self.half_life)


@frozen
class WholeSteps(Curve):
    """A warm-up in whole steps."""

    warmup: Annotated[int, Ge(0)] = option("how long", 20, unit="steps")

    def factor(self, progress: Progress, age: int) -> float:
        return min(1.0, (min(progress.step, progress.total) + 1) / (self.warmup + 1))


@frozen
class Shares(Curve):
    """Up, level and down again, in shares of the run."""

    up: Annotated[float, Ge(0), Le(0.5)] = option("share of the rise", 0.1)
    down: Annotated[float, Ge(0), Le(0.5)] = option("share of the fall", 0.3)

    def factor(self, progress: Progress, age: int) -> float:
        part = min(1.0, progress.step / progress.total) if progress.total else 1.0
        if part < self.up:
            return part / self.up
        return min(1.0, (1 - part) / self.down) if self.down else 1.0


@frozen
class CarefulPlateau(Curve):
    """Half the rate after each three values that were no better; what is not a number does not count."""

    metric: str = option("which", "sentiment/accuracy")

    def factor(self, progress: Progress, age: int) -> float:
        values = [e.value for e in progress.metrics if e.metric == self.metric and not isnan(e.value)]
        best, bad = float("-inf"), 0
        for value in values:
            best, bad = max(best, value), bad + (value <= best)
        return 0.5 ** (bad // 3)


@frozen
class Cached(Curve):
    """An exponential, remembered by a cache that is right."""

    def factor(self, progress: Progress, age: int) -> float:
        return _fall(min(progress.step, progress.total), progress.total)


@lru_cache(maxsize=64)
def _fall(step: int, total: int) -> float:
    return exp(-3 * step / max(1, total))


UNUSUAL: tuple[object, ...] = (
    Always,
    Staircase,
    Restarts,
    InverseRoot,
    CountsSteps,
    WholeSteps,
    Shares,
    CarefulPlateau,
    Cached,
    Staircase(Duration(2, "ep"), 0.5),
)

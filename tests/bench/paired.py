"""Whether a technique learns as well as what it replaces: a paired comparison with a margin."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev

from attrs import frozen

MARGIN, CONFIDENCE, LEAST_PAIRS = 0.5, 0.95, 20


@frozen
class Verdict:
    """The mean of the differences, in points of accuracy, and what can be said of it with confidence.

    `low` and `high` are one-sided bounds: the true difference is above `low` with 95 % confidence, and below
    `high` with as much. `resampled` is `low` by the bootstrap instead of the t distribution.
    """

    pairs: int
    mean: float
    spread: float
    low: float
    high: float
    resampled: float

    @property
    def words(self) -> str:
        """Not inferior where the loss is surely less than the margin."""
        if self.pairs < LEAST_PAIRS:
            return f"too few pairs: {LEAST_PAIRS} are needed"
        if self.low > -MARGIN:
            return "as good" if self.high >= 0 else "as good within the margin, and a little worse"
        return "**worse**" if self.high < 0 else "**not shown to be as good**"


def differences(technique: Mapping[str, float], control: Mapping[str, float]) -> list[float]:
    """The difference of every seed that both have, in the order of seeds."""
    return [technique[seed] - control[seed] for seed in sorted(technique, key=int) if seed in control]


def verdict(found: Sequence[float]) -> Verdict | None:
    """What the differences say; None of fewer than two."""
    from scipy.stats import t

    if len(found) < 2:
        return None
    mean, spread = fmean(found), stdev(found)
    way = float(t.ppf(CONFIDENCE, len(found) - 1)) * spread / sqrt(len(found))
    return Verdict(len(found), mean, spread, mean - way, mean + way, _resampled(found))


def _resampled(found: Sequence[float]) -> float:
    """The one-sided lower bound of the mean by the percentile bootstrap, always of the same draws."""
    import numpy as np

    drawn = np.random.default_rng(13).choice(np.asarray(found), size=(10_000, len(found)))
    return float(np.quantile(drawn.mean(axis=1), 1 - CONFIDENCE))

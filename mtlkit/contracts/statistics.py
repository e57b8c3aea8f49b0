"""Statistics of the model that a freeze policy may ask for, and how they are written in the metric log."""

from collections.abc import Mapping
from math import isnan
from typing import Literal, get_args

from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress

StatisticName = Literal["gradient-norm", "relative-gradient", "importance", "similarity"]
STATISTICS: tuple[StatisticName, ...] = get_args(StatisticName)


@frozen
class Statistic:
    """What is measured, and how often; without `every` once, before the first step.

    All are measured in eval mode on rows that are a function of the seed and the step, by layer: depth 0 for
    the embeddings, then the blocks, then what follows the last of them.

    - `gradient-norm`: the norm of the gradient of the coming step's loss, everything thawed;
    - `relative-gradient`: the same divided by the norm of the weights;
    - `importance`: by weight, the mean of the squared gradient of its numbers;
    - `similarity`: linear CKA (Kornblith et al. 2019, equation 6) of the layer's states, averaged over
      tokens, with those at the start of the run, on the same rows. Needs a backbone that splits.
    """

    name: StatisticName
    every: Duration | None = None


def logged_as(name: StatisticName, key: str | int) -> str:
    """The name in the metric log; the sign keeps it apart from metrics of tasks."""
    return f"@{name}/{key}"


def history(progress: Progress, name: StatisticName) -> tuple[tuple[int, Mapping[str, float]], ...]:
    """All measurements of a statistic so far, oldest first: step, and value by layer or weight.

    What is NaN counts as not measured; of values logged twice for one step the first counts.
    """
    prefix = logged_as(name, "")
    found: dict[int, dict[str, float]] = {}
    for entry in progress.metrics:
        if entry.metric.startswith(prefix) and entry.step <= progress.step and not isnan(entry.value):
            found.setdefault(entry.step, {}).setdefault(entry.metric.removeprefix(prefix), entry.value)
    return tuple(sorted(found.items()))

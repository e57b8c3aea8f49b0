"""Balancers: broken ones with the law that each breaks, and unusual ones that are right."""

from collections.abc import Mapping
from math import exp, log
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt
from attrs import field, frozen

from mtlkit import Balancer, Progress
from mtlkit.contracts.options import option

Losses = Mapping[str, float]
MEANS: dict[str, float] = {}


def scaled(values: Mapping[str, float]) -> dict[str, float]:
    """The values so that they add up to how many they are; 1 each where all are 0."""
    total = sum(values[task] for task in sorted(values))
    return {task: len(values) * each / total if total > 0 else 1.0 for task, each in values.items()}


@frozen
class Inverse(Balancer):
    """The one that is right: 1/loss, with a bound, normalised."""

    normalised: ClassVar[bool] = True

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: 1 / max(loss, 1e-3) for task, loss in losses.items()})


@frozen
class Ranks(Balancer):
    """By rank of the loss; of equal ones the first has the higher."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        ordered = sorted(losses, key=losses.__getitem__)
        return {task: 1 / (1 + ordered.index(task)) for task in losses}


@frozen
class OneMinus(Balancer):
    """Falls below 0 for losses above the mean."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        mean = sum(losses.values()) / max(1, len(losses)) or 1.0
        return {task: 2 - loss / mean for task, loss in losses.items()}


@frozen
class ByProgress(Balancer):
    """Divides by the length of the run."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return dict.fromkeys(losses, 1 - 0 * progress.step / progress.total)


@frozen
class ByLength(Balancer):
    """Tasks with long names count more."""

    normalised: ClassVar[bool] = True

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: float(len(task)) for task in losses})


@frozen
class AddsUpTo1(Balancer):
    """Half of everything."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return {task: 1 / (len(losses) + 1) for task in losses}


@frozen
class AllNamed(Balancer):
    """Weights for all tasks among the options, there or not."""

    per_task: Mapping[str, Annotated[float, Ge(0)]] = option("factors", {"sentiment": 2.0, "news": 0.5})

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return {**dict.fromkeys(losses, 1.0), **self.per_task}

    def tasks(self) -> tuple[str, ...]:
        return tuple(self.per_task)


@frozen
class MeanOfNone(Inverse):
    """Divides by how many there are."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        mean = sum(losses.values()) / len(losses)
        return dict.fromkeys(losses, max(1.0, 0 * mean))


@frozen
class PlainInverse(Balancer):
    """1/loss without a bound."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: 1 / loss for task, loss in losses.items()})


@frozen
class Softmax(Balancer):
    """exp(loss) without taking off the largest."""

    temperature: Annotated[float, Gt(0.5)] = option("how soft", 1.0)

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: exp(loss / self.temperature) for task, loss in losses.items()})


@frozen
class Running(Balancer):
    """A running mean in a module variable."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        for task, loss in losses.items():
            MEANS[task] = 0.9 * MEANS.get(task, loss) + 0.1 * loss
        return scaled({task: 1 / (1e-3 + MEANS[task]) for task in losses})


@frozen
class FirstSeen(Balancer):
    """Relative to the first loss of each task that it ever saw."""

    _first: dict[str, float] = field(factory=dict, init=False, eq=False, repr=False)

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        parts = {task: loss / (self._first.setdefault(task, loss) or 1.0) for task, loss in losses.items()}
        return scaled(parts)


@frozen
class NotScaleFree(Balancer):
    """A constant beside losses of any scale."""

    scale_free: ClassVar[bool] = True

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: 1 / (0.05 + loss) for task, loss in losses.items()})


@frozen
class ByPosition(Balancer):
    """A list of factors in the order of the recipe."""

    factors: tuple[float, ...] = option("factors", (1.0, 0.5, 0.25))

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        rest = (*map(abs, self.factors), *[1.0] * len(losses))
        return dict(zip(losses, rest, strict=False))


@frozen
class Numpy(Balancer):
    """numpy's own floats."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return dict(zip(losses, np.ones(len(losses), dtype=np.float32), strict=True))


@frozen
class SumsTo1(Balancer):
    """Adds up to 1 and says it is normalised."""

    normalised: ClassVar[bool] = True

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return {
            task: each / len(losses) for task, each in scaled({t: 1 + v for t, v in losses.items()}).items()
        }


@frozen
class Forgetful(Balancer):
    """Names tasks and does not say so."""

    per_task: Mapping[str, Annotated[float, Ge(0)]] = option("factors", {"sentiment": 2.0})

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return {task: self.per_task.get(task, 1.0) for task in losses}


@frozen
class Pops(Balancer):
    """Takes the largest out of the mapping."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        found = {}
        while losses:
            largest = max(losses, key=losses.get)
            found[largest] = 1.0
            losses.pop(largest)
        return found


@frozen
class ByPrefix(Balancer):
    """Takes news_10 for news."""

    task: str = option("the task", "news")

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return {task: 2.0 if task.startswith(self.task) else 1.0 for task in losses}

    def tasks(self) -> tuple[str, ...]:
        return (self.task,)


@frozen
class BoundUnread(Balancer):
    """A constant where the option was meant."""

    least: Annotated[float, Gt(0)] = option("the least loss", 0.5)

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: 1 / max(loss, 1e-3) for task, loss in losses.items()})


MUTANTS: tuple[tuple[object, str], ...] = (
    (OneMinus, "W1"),
    (ByProgress, "W1"),
    (ByLength, "W2"),
    (ByPrefix, "W2"),
    (BoundUnread, "G14"),
    (AddsUpTo1, "W3"),
    (AllNamed, "W4"),
    (MeanOfNone, "W4"),
    (PlainInverse, "W5"),
    (Softmax, "W6"),
    (Running, "W9"),
    (FirstSeen, "W9"),
    (NotScaleFree, "W14"),
    (ByPosition, "W15"),
    (Ranks, "W15"),
    (Numpy, "W16"),
    (SumsTo1, "W17"),
    (Forgetful, "W18"),
    (Pops, "W19"),
)


@frozen
class Ones(Balancer):
    """Whole numbers."""

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return dict.fromkeys(losses, 1)


@frozen
class HardestOnly(Balancer):
    """Only the task with the largest loss; the first by name where several are equal."""

    scale_free: ClassVar[bool] = True

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        hardest = max(sorted(losses), key=losses.__getitem__, default=None)
        return {task: float(task == hardest) for task in losses}


@frozen
class Ramp(Balancer):
    """A named task comes in slowly."""

    task: str = option("which", "news")

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        part = min(1.0, progress.step / progress.total) if progress.total else 1.0
        return {task: part if task == self.task else 1.0 for task in losses}

    def tasks(self) -> tuple[str, ...]:
        return (self.task,)


@frozen
class Logs(Balancer):
    """By the logarithm of the loss, bounded at both ends."""

    normalised: ClassVar[bool] = True

    def weights(self, losses: Losses, progress: Progress) -> Mapping[str, float]:
        return scaled({task: 1 + log(1 + min(max(loss, 1e-6), 1e6)) for task, loss in losses.items()})


UNUSUAL: tuple[object, ...] = (Inverse, Ones, HardestOnly, Ramp, Logs, Ramp("sentiment"))

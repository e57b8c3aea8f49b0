"""Where a run stands: the only clock that policies, schedules and samplers may read."""

from attrs import frozen

from mtlkit.contracts.duration import Duration


@frozen
class Measurement:
    """One value of the metric log: `metric` is `TASK/NAME`, measured after `step` steps."""

    step: int
    metric: str
    value: float


@frozen
class Progress:
    """A moment of a run, before optimizer step number `step` (from 0) of `total`."""

    step: int
    total: int
    steps_per_epoch: int
    metrics: tuple[Measurement, ...] = ()

    @property
    def epoch(self) -> float:
        """Epochs done, with fraction."""
        return self.step / self.steps_per_epoch

    def steps(self, duration: Duration) -> int:
        """The length of `duration` in steps of this run."""
        return duration.steps(self.total, self.steps_per_epoch)

    def reached(self, duration: Duration) -> bool:
        """Whether at least `duration` of training has been done."""
        return self.step >= self.steps(duration)

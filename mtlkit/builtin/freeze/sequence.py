"""Policies one after the other, each as if the run began with its stage."""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.freeze.composing import read, since, told, written
from mtlkit.builtin.freeze.plateau import task_of
from mtlkit.builtin.freeze.triggers import Until, came_true, metrics_in
from mtlkit.contracts.freeze import Chosen, FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic


@frozen
class StageSpec:
    """A stage: which policy holds, and until when."""

    policy: Chosen = option("a policy as in [[freeze]], a table with use and its options")
    until: Until | None = option(
        'when the stage ends, as for the policy phases: "2ep" from the start of the run, { lasts = "2ep" }, '
        '{ metric = "TASK/NAME", patience = 3 }; the last stage has none',
        None,
    )


@frozen
class Sequence(FreezePolicy):
    """In each stage another policy holds, and counts its time from the start of the stage.

    So `gradual-unfreeze` in a second stage begins with frozen blocks there; a percentage among its options
    is still one of the whole run. Metrics measured before the stage count as what has to be beaten. A policy
    that holds for a time only is a stage before or after `{ use = "none" }`.

    Helps: whatever you mean to try; what is known depends on the policies.

    Does not help: no evidence known to us.
    """

    stretches: ClassVar[bool] = False  # policies that it is made of may not
    reads_names: ClassVar[bool] = True
    separates_tasks: ClassVar[bool] = False

    phases: tuple[StageSpec, ...] = option("the stages, in order of time")

    def __attrs_post_init__(self) -> None:
        if len(self.phases) < 2:
            raise ValueError(f"phases has {len(self.phases)} entries; write at least two")
        last = len(self.phases)
        for number, stage in enumerate(self.phases, start=1):
            if (stage.until is None) != (number == last):
                wanted = (
                    "the last one and may not have an until"
                    if number == last
                    else "not the last one and needs an until"
                )
                raise ValueError(f"phase {number} of {last} is {wanted}")

    def phase(self, progress: Progress) -> str:
        """The policy of the stage, with the stage's number where it has several, and its own phase but 0."""
        number, start = 0, 0
        while (until := self.phases[number].until) is not None:
            end = came_true(until, start, progress)
            if end is None:
                break
            number, start = number + 1, end
        chosen = self.phases[number].policy
        own = chosen.policy.phase(since(progress, start))
        label = self._labels[number]
        return label if own == 0 else f"{label} {written(own)}"

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the policy of the stage says so."""
        for label, stage in zip(self._labels, self.phases, strict=True):
            if phase == label or str(phase).startswith(f"{label} "):
                own = str(phase).removeprefix(label).removeprefix(" ")
                return stage.policy.policy.trainable(row, table, read(own) if own else 0)
        raise ValueError(f"there is no phase {phase!r}")

    def patterns(self) -> tuple[str, ...]:
        """The selectors of all policies."""
        return told(self._chosen, lambda policy: policy.patterns())

    def statistics(self) -> tuple[Statistic, ...]:
        """What the policies want measured."""
        return told(self._chosen, lambda policy: policy.statistics())

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the policies name, and those of the metrics that end stages."""
        return tuple(
            dict.fromkeys((*told(self._chosen, lambda policy: policy.tasks()), *map(task_of, self.metrics())))
        )

    def metrics(self) -> tuple[str, ...]:
        """The metrics that end stages and that the policies watch."""
        ends = [stage.until for stage in self.phases if stage.until is not None]
        own = [metric for until in ends for metric in metrics_in(until)]
        return tuple(dict.fromkeys((*own, *told(self._chosen, lambda policy: policy.metrics()))))

    @property
    def _labels(self) -> tuple[str, ...]:
        """What the stages are called; none begins with another and a space."""
        uses = [stage.policy.use for stage in self.phases]
        return tuple(
            use if uses.count(use) == 1 else f"{use}-{number}" for number, use in enumerate(uses, start=1)
        )

    @property
    def _chosen(self) -> tuple[Chosen, ...]:
        return tuple(stage.policy for stage in self.phases)

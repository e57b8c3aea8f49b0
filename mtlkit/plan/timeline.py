"""The timeline: which weights train at each step and how fast, as a pure function of the plan.

`moments` is the only place that asks policies and schedules. `mtlkit plan` draws what it yields
with an empty metric log; the training loop walks it with the metrics it has measured, so the plan
and the run cannot differ.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from math import isfinite
from numbers import Real

from attrs import define, evolve, field, frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.contracts.rates import Curve, LRSchedule
from mtlkit.contracts.selectors import parse
from mtlkit.errors import PluginError, returned
from mtlkit.plan.model import Plan
from mtlkit.plan.rot import decays, stale
from mtlkit.plan.selection import Objective, objectives

Stage = tuple[int | str, ...]
REST = "the rest"
REFIT = "refit"


@frozen
class Phase:
    """Steps `start` ≤ s < `end` with one trainable set; names are canonical weight names."""

    name: str
    start: int
    end: int
    trainable: tuple[str, ...]
    frozen: tuple[str, ...]


@frozen
class Moment:
    """What holds for one step: the trainable weights and the rate of each group, 0 where frozen."""

    progress: Progress
    trainable: frozenset[str]
    rates: Mapping[str, float]


@frozen
class Group:
    """Weights that share a rate: those of one group of the schedule that follow one curve.

    `of` is the schedule's name for it, `curve` the selector whose curve it follows, empty for the curve that
    is everybody's, and `weights` are canonical names in table order.
    """

    of: str
    curve: str
    weights: tuple[str, ...]


@frozen
class Refit:
    """How many steps at the end fit heads again that stood frozen, and which: see `plan/rot.py`.

    Those whose objective became worse by more than `tolerance`, and those of which it was not measured.
    """

    steps: int
    tolerance: float
    objectives: Mapping[str, Objective]


@define(slots=False)
class Timeline:
    """The policies and schedules of a plan over a table of weights and a length in steps.

    Where heads are fitted `again`, the last steps of the `total` are not the policies': they go by what came
    before, and rates by the length of that part alone, as if it were a run. `curves` are curves of single
    weights by selector: a weight follows that of the first selector which means it, and `curve` where none
    does.
    """

    policies: tuple[FreezePolicy, ...]
    schedule: LRSchedule
    curve: Curve
    table: ParamTable
    total: int
    steps_per_epoch: int
    curves: Mapping[str, Curve] = field(factory=dict)
    again: Refit | None = None
    _refits: dict[tuple[Measurement, ...], frozenset[str]] = field(factory=dict, init=False)
    _sets: dict[Stage, frozenset[str]] = field(factory=dict, init=False)

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Group name → weights, in table order: a partition, because it is a function of the row."""
        return {name: group.weights for name, group in self.parts.items()}

    @cached_property
    def parts(self) -> Mapping[str, Group]:
        """The groups by name.

        A group of the schedule whose weights follow several curves is one for each, called after both.
        """
        found: dict[str, dict[str, list[str]]] = {}
        for row in self.table:
            curve = next((text for text in self.curves if parse(text).matches(row, self.table)), "")
            group = returned(self.schedule.group(row, self.table), str, _called(self.schedule), "group")
            found.setdefault(group, {}).setdefault(curve, []).append(row.name)
        return {
            f"{name} · {curve or REST}" if len(split) > 1 else name: Group(name, curve, tuple(weights))
            for name, split in found.items()
            for curve, weights in split.items()
        }

    @property
    def main(self) -> int:
        """The steps of the run itself, without those that fit heads again."""
        return self.total - (self.again.steps if self.again else 0)

    def progress(self, step: int, log: Sequence[Measurement] = ()) -> Progress:
        """The moment before that step, with the metrics that were known then."""
        known = tuple(entry for entry in log if entry.step <= step)
        return Progress(step, self.main, self.steps_per_epoch, known)

    def stale(self, step: int, log: Sequence[Measurement] = ()) -> dict[str, int]:
        """The tasks whose heads stand still under a moving backbone before that step, and since when."""
        sets = (self.trainable(self.progress(at, log)) for at in range(min(step, self.main)))
        return stale(self.table, sets)

    def trainable(self, progress: Progress) -> frozenset[str]:
        """Names of the weights that train: where all policies agree and the author froze nothing."""
        if self.again is not None and progress.step >= self.main:
            return self._fitted_again(self.again, progress.metrics)
        stage = tuple(
            returned(policy.phase(progress), Hashable, _called(policy), "phase") for policy in self.policies
        )
        if stage not in self._sets:
            self._sets[stage] = frozenset(
                row.name
                for row in self.table
                if row.trainable
                and all(
                    policy.trainable(row, self.table, phase)
                    for policy, phase in zip(self.policies, stage, strict=True)
                )
            )
        return self._sets[stage]

    def moments(self, log: Callable[[], Sequence[Measurement]] = tuple, first: int = 0) -> Iterator[Moment]:
        """One moment per step from `first` on, in order; `log` is read anew before each.

        The steps before are walked too, because ages count from when a group thawed.
        """
        thawed: dict[str, int] = {}
        before: frozenset[str] | None = None
        for step in range(self.total):
            progress = self.progress(step, log())
            trainable = self.trainable(progress)
            if self.again is not None and step == self.main:
                if not trainable:
                    return
                thawed = {}
            if trainable is not before:
                training = [group for group, names in self.groups.items() if not trainable.isdisjoint(names)]
                thawed = {group: thawed.get(group, step) for group in training}
                before = trainable
            if step >= first:
                ages = {group: step - since for group, since in thawed.items()}
                yield Moment(progress, trainable, self._rates(progress, ages))

    def phases(self, moments: Sequence[Moment]) -> tuple[Phase, ...]:
        """The stretches of equal trainable sets among consecutive moments."""
        starts = [
            at
            for at, moment in enumerate(moments)
            if at == 0 or moment.trainable != moments[at - 1].trainable
        ]
        ends = [*starts[1:], len(moments)] if starts else []
        return tuple(
            self.phase(self.phase_name(moments[start].progress, number), start, end, moments[start].trainable)
            for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
        )

    def phase_name(self, progress: Progress, number: int) -> str:
        """What the policies call the phase that begins now, or its number where they have no name for it."""
        if self.again is not None and progress.step >= self.main:
            return REFIT
        names = [stage for policy in self.policies if isinstance(stage := policy.phase(progress), str)]
        return "+".join(names) or f"phase-{number}"

    def phase(self, name: str, start: int, end: int, trainable: frozenset[str]) -> Phase:
        """A phase with both of its sets in table order."""
        names = self.table.names
        return Phase(
            name,
            start,
            end,
            trainable=tuple(name for name in names if name in trainable),
            frozen=tuple(name for name in names if name not in trainable),
        )

    def _rates(self, progress: Progress, ages: Mapping[str, int]) -> dict[str, float]:
        """The rate of every group; those without an age are frozen.

        Groups of one curve and one age share a factor.
        """
        if self.again is not None and progress.step >= self.main:
            progress = evolve(progress, step=progress.step - self.main, total=self.again.steps)
        youngest = min(ages.values(), default=0)
        parts = self.parts
        rates = dict.fromkeys(parts, 0.0)
        factors: dict[tuple[str, int], float] = {}
        for name, age in ages.items():
            group = parts[name]
            curve = self.curves.get(group.curve, self.curve)
            key = group.curve, youngest if curve.rewarm_scope == "all" else age
            if key not in factors:
                factors[key] = returned(curve.factor(progress, key[1]), Real, _called(curve), "factor")
            rate = self.schedule.rate(group.of, progress, age)
            rate = returned(rate, Real, _called(self.schedule), "rate") * factors[key]
            if not isfinite(rate) or rate < 0:
                raise _unusable(name, progress.step, rate, self.schedule, curve)
            rates[name] = rate
        return rates

    def _fitted_again(self, again: Refit, log: Sequence[Measurement]) -> frozenset[str]:
        """The heads that were frozen under a training backbone, but for those that are as good as before."""
        known = tuple(entry for entry in log if entry.step <= self.main)
        if known not in self._refits:
            since = self.stale(self.main, known)
            held = {
                decay.task
                for decay in decays(again.objectives, since, known)
                if decay.worse <= again.tolerance
            }
            tasks = since.keys() - held
            self._refits[known] = frozenset(
                row.name for row in self.table if row.trainable and row.owner in tasks
            )
        return self._refits[known]


def _called(plugin: object) -> str:
    return f"{type(plugin).__name__} of {type(plugin).__module__}"


def _unusable(group: str, step: int, rate: float, schedule: LRSchedule, curve: Curve) -> PluginError:
    parts = f"{type(schedule).__name__}.rate and {type(curve).__name__}.factor"
    return PluginError(
        f"the rate of group {group!r} at step {step} is {rate}", f"{parts} must be finite and ≥ 0"
    )


def timeline(plan: Plan, table: ParamTable, total: int, steps_per_epoch: int) -> Timeline:
    """The timeline of a plan once the weights and the number of rows are known; `total` is `length`'s."""
    again = None
    if plan.guards.frozen_head == "refit":
        steps = max(1, plan.guards.refit.steps(total, steps_per_epoch))
        again = Refit(steps, plan.guards.tolerance, objectives(plan))
    return Timeline(
        policies=tuple(part.options for part in plan.freeze),
        schedule=plan.lr.options,
        curve=plan.curve.options,
        table=table,
        total=total + (again.steps if again else 0),
        steps_per_epoch=steps_per_epoch,
        again=again,
        curves={text: part.options for text, part in plan.curves.items()},
    )

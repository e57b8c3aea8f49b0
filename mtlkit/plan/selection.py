"""Which evaluation is the best, and when there have been enough: pure rules over the metric log.

The log has what was measured on validation rows, as `TASK/METRIC` after so many steps; what stands in it
at step 0 was measured before training. So a run that goes on knows again what one that never stopped knows.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isnan

from attrs import frozen

from mtlkit.contracts.progress import Measurement
from mtlkit.plan.model import Mode, Plan, SelectionPlan

RUN = ""
"""The name of what a run as a whole is selected by; others are names of tasks."""


@frozen
class Objective:
    """What evaluations are compared by.

    The score of an evaluation is Σ w·v / Σ |w| over its metrics v with their weights w, higher or lower being
    better as `mode` says. Where it is `relative`, each v counts as its way from the value s before training
    to p, the perfect one: (v - s) / |p - s|, with p = 1 where higher is better and 0 where lower is; where s
    is p already, v - s. A metric of negative weight is one of which the opposite of `mode` is better.
    """

    weights: Mapping[str, float]
    mode: Mode = "max"
    relative: bool = False

    def score(self, metrics: Mapping[str, float], start: Mapping[str, float]) -> float | None:
        """The score, None where a metric is missing or not a number, or would be infinitely good."""
        total = 0.0
        for name, weight in self.weights.items():
            value = metrics.get(name)
            if value is None or isnan(value):
                return None
            if self.relative:
                if isnan(before := start.get(name, float("nan"))):
                    return None
                value = _way(value, before, 1.0 if (weight > 0) == (self.mode == "max") else 0.0)
            total += weight * value
        score = total / sum(map(abs, self.weights.values()))
        return None if isnan(score) or score == (inf if self.mode == "max" else -inf) else score

    def better(self, value: float, than: float, by: float = 0.0) -> bool:
        """Whether a score is better than another, by more than `by`."""
        return value > than + by if self.mode == "max" else value < than - by

    def __str__(self) -> str:
        parts = [f"{weight:g}·{name}" for name, weight in self.weights.items()]
        shown = " + ".join(parts).replace("+ -", "- ") if len(parts) > 1 else next(iter(self.weights))
        return f"the relative {shown}" if self.relative else shown


@frozen
class Choice:
    """An evaluation after `step` steps, and its score."""

    step: int
    score: float


def objectives(plan: Plan) -> dict[str, Objective]:
    """What the run is selected by, where it is, and each task's own: its primary metric.

    A task whose head does not say what it measures has none.
    """
    found = {RUN: objective_of(plan.selection)} if plan.selection else {}
    for task in plan.tasks:
        options = task.head.options
        names = options.metrics() if hasattr(options, "metrics") else ()
        if names:
            mode: Mode = "min" if lower_is_better(names[0], options) else "max"
            found[task.name] = Objective({f"{task.name}/{names[0]}": 1.0}, mode)
    return found


def lower_is_better(metric: str, options: object) -> bool:
    """Whether lower is better of a head's metric: where its options name it so."""
    return metric in getattr(options, "lower_is_better", ())


def objective_of(selection: SelectionPlan) -> Objective:
    """What a run is selected by."""
    return Objective(selection.weights, selection.mode, selection.relative)


def choices(objective: Objective, log: Sequence[Measurement]) -> tuple[Choice, ...]:
    """The evaluations of the log with a score, in order, those before training left out."""
    by_step = dict(_by_step(objective.weights, log))
    start = by_step.pop(0, {})
    scored = ((step, objective.score(metrics, start)) for step, metrics in by_step.items())
    return tuple(Choice(step, score) for step, score in scored if score is not None)


def best(objective: Objective, log: Sequence[Measurement]) -> Choice | None:
    """The best evaluation, the earliest of equal ones; None where there is none with a score."""
    found: Choice | None = None
    for choice in choices(objective, log):
        if found is None or objective.better(choice.score, found.score):
            found = choice
    return found


def idle(objective: Objective, log: Sequence[Measurement], min_delta: float) -> int:
    """How many evaluations there have been since the last that was better than before by more than that."""
    held: float | None = None
    count = 0
    for choice in choices(objective, log):
        if held is None or objective.better(choice.score, held, min_delta):
            held, count = choice.score, 0
        else:
            count += 1
    return count


def enough(selection: SelectionPlan | None, log: Sequence[Measurement]) -> bool:
    """Whether a run stops early: `patience` evaluations in a row were no better by more than `min_delta`."""
    if selection is None or selection.patience is None:
        return False
    return idle(objective_of(selection), log, selection.min_delta) >= selection.patience


def evaluations(plan: Plan, total: int, steps_per_epoch: int) -> tuple[int, ...]:
    """The steps after which validation rows are evaluated in training."""
    every = plan.training.evaluate_every
    size = max(1, every.steps(total, steps_per_epoch)) if every else total + 1
    found = list(range(size, total + 1, size))
    if plan.selection is not None and total and found[-1:] != [total]:
        found.append(total)
    return tuple(found)


def _by_step(
    names: Mapping[str, float], log: Sequence[Measurement]
) -> Iterator[tuple[int, dict[str, float]]]:
    found: dict[int, dict[str, float]] = {}
    for entry in log:
        if entry.metric in names:
            found.setdefault(entry.step, {})[entry.metric] = entry.value
    yield from found.items()


def _way(value: float, start: float, perfect: float) -> float:
    return (value - start) / (abs(perfect - start) or 1.0)

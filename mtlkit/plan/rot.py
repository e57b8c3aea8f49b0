"""Frozen heads under a training backbone: since when they stand, and how much worse they have become.

Pure rules over trainable sets and the metric log, like those of selection: a run that goes on knows again
what one that never stopped knows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan

from attrs import frozen

from mtlkit.contracts.params import BACKBONE, ParamTable
from mtlkit.contracts.progress import Measurement
from mtlkit.plan.selection import Objective


@frozen
class Decay:
    """A task whose head stands, its primary metric when that began and in the last evaluation.

    `worse` is by how much it has become worse, below 0 where it is better.
    """

    task: str
    metric: str
    before: float
    now: float
    worse: float


def standing_heads(table: ParamTable, trainable: frozenset[str]) -> frozenset[str]:
    """The tasks of which no weight trains although some of the backbone's does."""
    training = {row.owner for row in table if row.name in trainable}
    return frozenset(table.tasks) - training if BACKBONE in training else frozenset()


def stale(table: ParamTable, sets: Iterable[frozenset[str]]) -> dict[str, int]:
    """The tasks whose heads have not trained since the backbone did, with the step at which that began.

    `sets` are what trains in each step, from the first on. A head that trains again is no longer stale.
    """
    owners = {row.name: row.owner for row in table}
    known: dict[frozenset[str], tuple[frozenset[str], frozenset[str]]] = {}
    found: dict[str, int] = {}
    for step, trainable in enumerate(sets):
        if trainable not in known:
            training = frozenset(owners[name] for name in trainable)
            known[trainable] = standing_heads(table, trainable), training
        standing, training = known[trainable]
        found = {task: since for task, since in found.items() if task not in training}
        for task in standing:
            found.setdefault(task, step)
    return found


def decays(
    objectives: Mapping[str, Objective], since: Mapping[str, int], log: Sequence[Measurement]
) -> Iterator[Decay]:
    """What became of the primary metric of each of these tasks, where it was measured twice.

    What counts is the last evaluation up to the step since which the head stands, or the first after it.
    """
    for task in sorted(since):
        objective = objectives.get(task)
        name = next(iter(objective.weights)) if objective else ""
        values = {entry.step: entry.value for entry in log if entry.metric == name and not isnan(entry.value)}
        steps = sorted(values)
        if objective is None or len(steps) < 2:
            continue
        first = max((step for step in steps if step <= since[task]), default=steps[0])
        if steps[-1] > first:
            before, now = values[first], values[steps[-1]]
            worse = before - now if objective.mode == "max" else now - before
            yield Decay(task, name, before, now, worse)

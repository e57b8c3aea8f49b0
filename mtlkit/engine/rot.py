"""Frozen-head rot: what a task loses whose head stood still while the backbone under it moved."""

from collections.abc import Iterator, Mapping

from mtlkit.contracts.params import BACKBONE, ParamTable


def standing_heads(table: ParamTable, trainable: frozenset[str]) -> frozenset[str]:
    """The tasks of which no weight trains although some of the backbone's does."""
    training = {row.owner for row in table if row.name in trainable}
    return frozenset(table.tasks) - training if BACKBONE in training else frozenset()


def decay_of(
    tasks: frozenset[str], start: Mapping[str, float], final: Mapping[str, float]
) -> Iterator[tuple[str, float, float]]:
    """For each of the tasks, its primary metric with the values before training and at the end."""
    for task in sorted(tasks):
        name = next((name for name in final if name.startswith(f"{task}/") and name in start), None)
        if name is not None:
            yield name, start[name], final[name]

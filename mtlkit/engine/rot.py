"""Frozen-head rot: what a task loses whose head stood still while the backbone under it moved."""

from collections.abc import Iterator, Mapping, Sequence

from mtlkit.contracts.progress import Measurement
from mtlkit.engine.session import Session
from mtlkit.plan.rot import decays
from mtlkit.plan.selection import objectives


def decay_of(
    tasks: frozenset[str], start: Mapping[str, float], final: Mapping[str, float]
) -> Iterator[tuple[str, float, float]]:
    """For each of the tasks, its primary metric with the values before training and at the end."""
    for task in sorted(tasks):
        name = next((name for name in final if name.startswith(f"{task}/") and name in start), None)
        if name is not None:
            yield name, start[name], final[name]


def watches(session: Session) -> bool:
    """Whether frozen heads are acted upon, so that their metrics are needed from the start."""
    validated = any(rows.splits["validation"] for rows in session.data.values())
    return session.plan.guards.frozen_head != "report" and validated


def rot_ends(session: Session, log: Sequence[Measurement], step: int, first: int) -> str:
    """Why frozen heads end the run before `step`, empty where it goes on.

    Asked before every step, it looks only where something has just been measured, or the run goes on.
    """
    guards, line = session.plan.guards, session.timeline
    if guards.frozen_head == "refit" and step == line.main:
        again = line.trainable(line.progress(step, log))
        limit = f"{guards.tolerance:g}"
        return "" if again else f"no frozen head became worse by more than {limit}, so none is fitted again"
    if guards.frozen_head != "stop" or not (step == first or (log and log[-1].step == step)):
        return ""
    for decay in decays(objectives(session.plan), line.stale(step, log), log):
        if decay.worse > guards.tolerance:
            return (
                f"the head of task {decay.task!r} is frozen while the backbone trains, and {decay.metric} "
                f"went from {decay.before:.3f} to {decay.now:.3f}"
            )
    return ""

"""Laws of freeze policies about what they tell of themselves: the metrics they wait for, their stages."""

from math import isnan

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.freeze_cases import (
    Log,
    Sets,
    Table,
    make,
    plain_runs,
    progress,
    rich_table,
    runs,
    whole,
    words_in,
)
from mtlkit.testing.laws.moments import moments
from mtlkit.testing.subject import Subject


def telling(subject: Subject) -> str:
    """Applies to policies that have a `metrics()` of their own."""
    own = getattr(subject.options_class, "metrics", FreezePolicy.metrics)
    return "it has no metrics() of its own" if own is FreezePolicy.metrics else ""


@law(
    "F32",
    why="a recipe with a misspelt metric is refused because plugins say which metrics their options name",
    mistake="one of two options forgotten in metrics(), or one text returned instead of a tuple",
    given=runs,
    corners=plain_runs,
    applies=telling,
)
def metrics_are_told(subject: Subject, options: Table, total: int, per_epoch: int, log: Log) -> None:
    """`metrics()` is a tuple of TASK/NAME, and has every metric of the options that changes what trains."""
    policy = make(subject, options)
    told = policy.metrics()
    good = isinstance(told, tuple | list) and all(isinstance(each, str) and "/" in each for each in told)
    require(good, f"metrics() returns {told!r}, not a tuple of TASK/NAME")
    words = words_in(whole(subject, options))
    sets = Sets(policy, rich_table(policy, depth=4))
    for metric in dict.fromkeys(entry.metric for entry in log if not isnan(entry.value)):
        spelt = metric in words or all(part in words for part in metric.split("/", 1))
        if metric in told or not spelt:
            continue
        without = tuple(entry for entry in log if entry.metric != metric)
        for step in moments(total):
            same = sets.at(progress(step, total, per_epoch, log)) == sets.at(
                progress(step, total, per_epoch, without)
            )
            require(
                same,
                f"what is measured of {metric!r} changes what trains at step {step} of {total}, and "
                f"metrics() returns {told!r}",
            )


@law(
    "F33",
    why="a plan warns of a stage that never begins, and it knows them from stages()",
    mistake="a stage added to phase() and not to stages(), or the number of stages in place of their list",
    given=runs,
    corners=plain_runs,
)
def stages_are_all_there_are(subject: Subject, options: Table, total: int, per_epoch: int, log: Log) -> None:
    """Where `stages()` lists any, each phase that there is at any moment is among them."""
    policy = make(subject, options)
    known = policy.stages()
    good = isinstance(known, tuple | list) and all(isinstance(each, int | str) for each in known)
    require(good, f"stages() returns {known!r}, not a tuple of phases")
    for step in moments(total) if known else ():
        found = policy.phase(progress(step, total, per_epoch, log))
        require(
            found in known,
            f"the phase at step {step} of {total} is {found!r}, and stages() returns {known!r}",
        )

"""Laws of balancers: what they declare of their factors, and what they say and do besides."""

from math import isclose
from types import MappingProxyType

from mtlkit.catalog.options import dump_options
from mtlkit.contracts.progress import Progress
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.balancer import (
    LITTLE,
    Losses,
    Table,
    build,
    close,
    losses_of,
    losses_to_try,
    weighed,
)
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.subject import Subject


def scale_free(subject: Subject) -> str:
    """Applies to balancers that declare that scale does not matter."""
    return "" if getattr(subject.options_class, "scale_free", False) else "it does not declare scale_free"


@law(
    "W14",
    why="a balancer that is scale-free makes the units of a loss not matter",
    mistake="an epsilon, a bound or a temperature that is added to losses of any scale",
    given=losses_of,
    corners=losses_to_try,
    applies=scale_free,
)
def scale_does_not_matter(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """With `scale_free`, all losses times the same number have the same factors."""
    balancer = build(subject, options)
    one = weighed(balancer, losses, progress)
    for times in (0.125, 3.0, 64.0):
        other = weighed(balancer, {task: loss * times for task, loss in losses.items()}, progress)
        for task, factor in one.items():
            require(
                isclose(factor, other[task], rel_tol=1e-4, abs_tol=1e-6),
                f"the factor of {task!r} with losses {dict(losses)} is {factor!r}, and "
                f"{other[task]!r} with all "
                f"losses times {times:g}",
            )


def normalised(subject: Subject) -> str:
    """Applies to balancers that declare what their factors add up to."""
    return "" if getattr(subject.options_class, "normalised", False) else "it does not declare normalised"


@law(
    "W17",
    why="factors that add up to the number of tasks leave the learning rate its meaning",
    mistake="factors that add up to 1, or to the number of all tasks when some are absent",
    given=losses_of,
    corners=losses_to_try,
    applies=normalised,
)
def factors_add_up(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """With `normalised`, the factors add up to how many tasks there are, losses of 0 or not."""
    balancer = build(subject, options)
    for each in (losses, dict.fromkeys(losses, 0.0), dict.fromkeys(losses, 1e30)):
        found = weighed(balancer, each, progress)
        require(
            isclose(sum(found.values()), len(each), rel_tol=1e-6, abs_tol=LITTLE),
            f"with losses {dict(each)} the factors {found} add up to {sum(found.values())!r}, not "
            f"{len(each)}",
        )


@law(
    "W18",
    why="a recipe with a misspelt task is refused because plugins say which tasks their options name",
    mistake="forgetting to override tasks(), or returning one text instead of a tuple",
    given=losses_of,
    corners=losses_to_try,
)
def tasks_are_told(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """`tasks()` is a tuple of texts among the options, and has every task with a factor of its own."""
    balancer = build(subject, options)
    told = balancer.tasks()
    require(
        not isinstance(told, str) and all(isinstance(task, str) for task in told),
        f"tasks() is {told!r}, not a tuple of names",
    )
    written = str(dump_options(subject.options(options)))
    for task in told:
        require(task in written, f"tasks() has {task!r}, which is not among the options {dict(options)}")
    for task in (each for each in (*subject_tasks(), *losses) if each not in told):
        values = {**losses, task: losses.get(task, 0.321)}
        one = weighed(balancer, values, progress)[task]
        name = "zzz-unheard"
        other = weighed(
            balancer, {name if key == task else key: loss for key, loss in values.items()}, progress
        )
        require(
            close(one, other[name]),
            f"the task {task!r} has a factor of its own ({one!r}, and {other[name]!r} when it is "
            f"called {name!r}), "
            f"and tasks() does not name it: {told!r}",
        )


@law(
    "W19",
    why="the engine uses the losses afterwards: they are what the log shows",
    mistake="losses.pop(...), or writing a smoothed value back into the mapping",
    given=losses_of,
    corners=losses_to_try,
    share=0.5,
)
def losses_are_left_alone(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """It takes any mapping, a read-only one too, and changes nothing in it."""
    balancer = build(subject, options)
    handed = dict(losses)
    found = balancer.weights(handed, progress)
    require(handed == dict(losses), f"it changed the losses from {dict(losses)} to {handed}")
    require(found is not handed, "it returns the mapping of losses that it was handed, not one of its own")
    weighed(balancer, MappingProxyType(dict(losses)), progress)

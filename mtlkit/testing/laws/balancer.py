"""Laws of balancers: factors of the losses."""

from collections.abc import Iterable, Mapping
from functools import partial
from math import isclose, isfinite
from typing import Any

from hypothesis import strategies as st

from mtlkit.contracts.balance import Balancer
from mtlkit.contracts.progress import Progress
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.moments import FAR, starts
from mtlkit.testing.strategies import progresses
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
Losses = Mapping[str, float]
TASKS = (*subject_tasks(), "x_1", "x_10", "loss", "A")
MIDDLE = Progress(30, 100, 10)
ASKED: tuple[dict[str, float], ...] = (
    {},
    {"sentiment": 0.7},
    {"x_1": 2.5},
    {"sentiment": 0.7, "news": 2.0},
    {"news": 0.3, "sentiment": 4.0, "x_1": 0.05},
    {"x_10": 1.5, "x_1": 0.2, "A": 3.0, "news": 0.9, "sentiment": 0.01},
    {"sentiment": 0.0, "news": 1.0, "x_1": 0.25},
    {"sentiment": 0.0, "news": 0.0},
    {"sentiment": 1.0, "news": 1.0, "x_1": 1.0},
)
EXTREMES = (1e30, 1e-30, 1.0, 709.0, 1000.0)
LITTLE = 1e-9


def build(subject: Subject, table: Table) -> Balancer:
    """The balancer with that options table."""
    made: Balancer = subject.make(table)
    return made


def questions(balancer: Balancer, subject: Subject) -> Questions:
    """Its weights for several sets of losses at several moments, and the tasks it names."""
    asked: dict[str, Any] = {"tasks": partial(balancer.tasks)}
    for total in (0, 1, 100):
        for step in sorted({0, 1, total // 2, total, FAR}):
            for number, losses in enumerate(ASKED):
                told = f"weights at step {step} of {total}, losses {number}"
                asked[told] = partial(balancer.weights, losses, Progress(step, total, 10))
    return asked


@st.composite
def losses_of(draw: st.DrawFn, subject: Subject) -> Values:
    """An options table, losses of no to six tasks, none of them alike, and a moment."""
    names = draw(st.lists(st.sampled_from(TASKS), max_size=6, unique=True))
    numbers = draw(st.lists(st.integers(1, 5000), min_size=len(names), max_size=len(names), unique=True))
    return {
        "options": draw(subject.tables(subject_tasks())),
        "losses": {name: number / 500 for name, number in zip(names, numbers, strict=True)},
        "progress": draw(progresses()),
    }


def losses_to_try(subject: Subject) -> Iterable[Values]:
    """Losses of no, one and several tasks at both ends of a run, and in runs of no and one step."""
    for table in starts(subject):
        for losses in ASKED[:6]:
            for progress in (
                MIDDLE,
                Progress(0, 100, 10),
                Progress(100, 100, 10),
                Progress(0, 0, 1),
                Progress(0, 1, 1),
            ):
                yield {"options": table, "losses": losses, "progress": progress}


def equal_losses_too(subject: Subject) -> Iterable[Values]:
    """The losses to try, and losses of which some are equal."""
    equal: tuple[Losses, ...] = ({"sentiment": 1.0, "news": 1.0}, {"x_1": 0.5, "news": 2.0, "A": 0.5})
    several = [
        {"options": table, "losses": losses, "progress": MIDDLE}
        for table in starts(subject)
        for losses in equal
    ]
    return [*losses_to_try(subject), *several]


@law(
    "W1",
    why="a factor that is negative or not finite turns the loss of a task against itself",
    mistake="1 - something above 1, a division by a sum that can be 0",
    given=losses_of,
    corners=losses_to_try,
)
def weights_are_finite(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """Every factor is a finite number ≥ 0."""
    _check(build(subject, options), losses, progress)


@law(
    "W2",
    why="what a task is called is the user's business",
    mistake="a default that depends on the name, a sort by name that decides who gets what",
    given=losses_of,
    corners=losses_to_try,
)
def names_do_not_matter(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """Tasks that the options do not name may change names: the factors go with their losses."""
    balancer = build(subject, options)
    declared = set(balancer.tasks())
    free = [task for task in losses if task not in declared]
    one = weighed(balancer, losses, progress)
    near = [name for name in _like(declared) if name not in (*losses, *declared)]
    swaps = [dict(zip(free, (*free[1:], *free[:1]), strict=True)), {task: f"zz {task}" for task in free}]
    swaps += [{task: name} for task in free[:1] for name in near]
    for swap in swaps:
        other = weighed(balancer, {swap.get(task, task): loss for task, loss in losses.items()}, progress)
        for task, factor in one.items():
            name = swap.get(task, task)
            require(
                close(factor, other[name]),
                f"the factor of {task!r} with losses {dict(losses)} is {factor!r}, and "
                f"{other[name]!r} when it is "
                f"called {name!r}",
            )


def _like(names: Iterable[str]) -> list[str]:
    """Names that a careless comparison takes for one of these."""
    near = [(f"{name}_10", f"my{name}", name.upper(), name[:-1], f"{name} ") for name in sorted(names)]
    return [each for names_of_one in near for each in names_of_one if each]


@law(
    "W3",
    why="a recipe with one task is plain training, whatever the balancer",
    mistake="weights that add up to something other than the number of tasks in this pass",
    given=losses_of,
    corners=losses_to_try,
)
def one_task_is_plain_training(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """A task that is alone, and that the options do not name, has the factor 1."""
    balancer = build(subject, options)
    declared = set(balancer.tasks())
    for task in (each for each in (*losses, "x_1") if each not in declared):
        for loss in (losses.get(task, 1.0), 0.5, 20.0):
            found = weighed(balancer, {task: loss}, progress)[task]
            require(
                isclose(found, 1, rel_tol=1e-6),
                f"alone, with a loss of {loss!r}, the task {task!r} has the factor {found!r}",
            )


@law(
    "W4",
    why="not every pass has rows of every task; a factor of an absent task means its loss was invented",
    mistake="weights for all tasks of the options, or no weight for a task that the options do not name",
    given=losses_of,
    corners=losses_to_try,
)
def the_tasks_are_those_of_the_losses(
    subject: Subject, options: Table, losses: Losses, progress: Progress
) -> None:
    """There is a factor for each task in `losses` and for no other, also when tasks are absent or all are."""
    balancer = build(subject, options)
    names = list(losses)
    for present in (names, names[1:], names[::2], []):
        found = balancer.weights({name: losses[name] for name in present}, progress)
        require(
            set(found) == set(present),
            f"with losses of {present} it gives factors of {sorted(found)}",
        )


@law(
    "W5",
    why="a task that has been learned has a loss of 0",
    mistake="1 / loss, log(loss), or loss / sum(losses) without a look at 0",
    given=losses_of,
    corners=losses_to_try,
)
def losses_may_be_0(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """With one loss 0, and with all of them 0, the factors are finite numbers ≥ 0."""
    balancer = build(subject, options)
    for task in losses:
        _check(balancer, {**losses, task: 0.0}, progress)
        _check(balancer, {task: 0.0}, progress)
    _check(balancer, dict.fromkeys(losses, 0.0), progress)


@law(
    "W6",
    why="losses explode and vanish before anybody looks",
    mistake="exp(loss), loss ** 2 or a product of losses, which overflow; 1 / loss of a tiny one",
    given=losses_of,
    corners=losses_to_try,
    share=0.5,
)
def losses_may_be_huge_or_tiny(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """With losses from 1e-30 to 1e30, alone and side by side, the factors are finite numbers ≥ 0."""
    balancer = build(subject, options)
    names = list(losses) or ["sentiment"]
    for start in range(len(EXTREMES)):
        values = [EXTREMES[(start + at) % len(EXTREMES)] for at in range(len(names))]
        _check(balancer, dict(zip(names, values, strict=True)), progress)
        _check(balancer, dict.fromkeys(names, EXTREMES[start]), progress)


@law(
    "W9",
    why="runs resume at any step; what the balancer remembers would be lost",
    mistake="a running mean of the losses in an attribute or a module variable",
    given=losses_of,
    corners=losses_to_try,
    share=0.5,
)
def earlier_losses_do_not_matter(
    subject: Subject, options: Table, losses: Losses, progress: Progress
) -> None:
    """The factors are the same after a walk through other losses, and of a new object."""
    balancer, walked = build(subject, options), build(subject, options)
    once = weighed(balancer, losses, progress)
    for step in range(5):
        weighed(walked, dict.fromkeys(TASKS[step:], 7.0 + step), Progress(step, 100, 10))
    for told, other in (("after other losses", walked), ("of a new object", build(subject, options))):
        found = weighed(other, losses, progress)
        require(found == once, f"with losses {dict(losses)} it gives {once}, and {found} {told}")


@law(
    "W15",
    why="tasks come in the order of the recipe, and that order decides nothing",
    mistake="zip(losses, factors), or ties of equal losses broken by position",
    given=losses_of,
    corners=equal_losses_too,
)
def factors_are_by_name(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """The losses in another order have the same factors by name."""
    balancer = build(subject, options)
    one = weighed(balancer, losses, progress)
    items = list(losses.items())
    for order in (items[::-1], items[1:] + items[:1]):
        other = weighed(balancer, dict(order), progress)
        for task, factor in one.items():
            require(
                close(factor, other[task]),
                f"the factor of {task!r} with losses {dict(losses)} is {factor!r}, and "
                f"{other[task]!r} with the "
                f"losses in the order {[name for name, _ in order]}",
            )


@law(
    "W16",
    why="factors go into the log as plain numbers, and may not keep a graph alive",
    mistake="numpy or torch scalars passed on instead of float(...)",
    given=losses_of,
    corners=losses_to_try,
    share=0.5,
)
def factors_are_python_numbers(subject: Subject, options: Table, losses: Losses, progress: Progress) -> None:
    """Every factor is a Python float, in a mapping by name."""
    found = build(subject, options).weights(losses, progress)
    require(
        isinstance(found, Mapping), f"it gives a {type(found).__name__}, not a mapping of tasks to factors"
    )
    for task, factor in found.items():
        require(
            type(factor) in (float, int),
            f"the factor of {task!r} is a {type(factor).__module__}.{type(factor).__name__}",
        )


def weighed(balancer: Balancer, losses: Losses, progress: Progress) -> dict[str, float]:
    """The factors, by task."""
    return dict(balancer.weights(losses, progress))


def _check(balancer: Balancer, losses: Losses, progress: Progress) -> None:
    for task, factor in weighed(balancer, losses, progress).items():
        require(
            isfinite(factor) and factor >= 0,
            f"the factor of {task!r} is {factor!r} with losses {dict(losses)}, not a finite number ≥ 0",
        )


def close(one: float, other: float) -> bool:
    """Whether two factors are the same, but for rounding."""
    return isclose(one, other, rel_tol=LITTLE, abs_tol=LITTLE)

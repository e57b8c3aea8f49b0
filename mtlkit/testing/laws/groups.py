"""Laws of schedules: groups are a partition of the weights, and a function of each weight alone."""

from attrs import evolve
from hypothesis import strategies as st

from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.lr_tables import (
    Table,
    built,
    groups_of,
    models,
    models_to_try,
    rates_of,
    reading_names,
    renamed_task,
)
from mtlkit.testing.subject import Subject

SOON = Progress(3, 100, 10)
NEW = "brand-new"


@law(
    "P1",
    why="a weight without a group has no rate, and the run can't start",
    mistake="a branch for some role that is missing, so that None comes back",
    given=models,
    corners=models_to_try,
)
def every_weight_has_a_group(subject: Subject, options: Table, table: ParamTable) -> None:
    """`group` returns a text that is not empty for every weight of any model."""
    schedule = built(subject, options)
    for row in table:
        found = schedule.group(row, table)
        require(isinstance(found, str) and found != "", f"the group of {row.name} is {found!r}, not a name")


@law(
    "P2",
    why="a weight is a place in memory; which of its names comes first is chance",
    mistake="looking at aliases, or at one of several names",
    given=models,
    corners=models_to_try,
)
def aliases_do_not_matter(subject: Subject, options: Table, table: ParamTable) -> None:
    """A tied weight stays in its group when its names change places; of several aliases order is nothing."""
    schedule = built(subject, options)
    reads = bool(reading_names(subject))
    for row in table:
        if not row.aliases:
            continue
        other = _names_turned(row) if reads else evolve(row, name=row.names[-1], aliases=row.names[:-1])
        changed = ParamTable(tuple(other if each is row else each for each in table), table.depth)
        one, two = schedule.group(row, table), schedule.group(other, changed)
        require(
            one == two,
            f"the group of the tied weight {row.name} is {one!r}, and {two!r} as {' = '.join(other.names)}",
        )
        if not reads:
            bare = evolve(row, aliases=())
            two = schedule.group(bare, ParamTable(tuple(bare if r is row else r for r in table), table.depth))
            require(
                one == two, f"the group of {row.name} is {one!r} when it is tied and {two!r} when it is not"
            )


@law(
    "P3",
    why="every process makes the rows anew; groups must come out the same",
    mistake="comparing rows with `is`, a dictionary keyed by id(row), or a counter",
    given=models,
    corners=models_to_try,
)
def groups_depend_on_values_only(subject: Subject, options: Table, table: ParamTable) -> None:
    """Equal rows of an equal table are in the same group, however often and in which order they are asked."""
    schedule = built(subject, options)
    once = groups_of(schedule, table)
    copied = ParamTable(tuple(evolve(row) for row in table), table.depth)
    again = {row.name: schedule.group(evolve(row), copied) for row in reversed(copied.rows)}
    _same(once, again, "asked again with an equal table, in reverse order")


@law(
    "P7",
    why="models name their weights differently; a schedule that goes by spelling works for one model only",
    mistake="a pattern on row.name where row.role, row.depth or row.kind says it; else declare reads_names",
    given=models,
    corners=models_to_try,
    applies=reading_names,
)
def names_do_not_matter(subject: Subject, options: Table, table: ParamTable) -> None:
    """Weights called otherwise, of the same owner, role, depth, kind and shape, are in the same groups."""
    schedule = built(subject, options)
    for told in ("w{}", "layer.1.bias.{}", "norm.embeddings.{}.weight"):
        rows = tuple(_called(row, told.format(number)) for number, row in enumerate(table))
        changed = ParamTable(rows, table.depth)
        for row, other in zip(table, changed, strict=True):
            one, two = schedule.group(row, table), schedule.group(other, changed)
            require(
                one == two, f"the group of {row.name} is {one!r}, and {two!r} when it is called {other.name}"
            )


@law(
    "P8",
    why="the order in which modules register their weights, and tasks stand in a recipe, decides nothing",
    mistake="an index into table.rows, the first or last weight seen, or the position of a task",
    given=lambda subject: st.tuples(models(subject), st.randoms(use_true_random=False)).map(
        lambda two: {**two[0], "order": _shuffled(two[0]["table"], two[1])}
    ),
    corners=lambda subject: (
        {**values, "order": list(reversed(values["table"].names))} for values in models_to_try(subject)
    ),
)
def order_does_not_matter(subject: Subject, options: Table, table: ParamTable, order: list[str]) -> None:
    """Weights of one module, and heads, in another order are in the same groups."""
    schedule = built(subject, options)
    places = {name: place for place, name in enumerate(order)}
    tasks = {row.owner: places[row.name] for row in table}
    rows = sorted(table, key=lambda row: (row.depth, tasks[row.owner], places[row.name]))
    _same(
        groups_of(schedule, table),
        groups_of(schedule, ParamTable(tuple(rows), table.depth)),
        "in another order",
    )


@law(
    "P9",
    why="adding a task to a recipe must not change how everything else trains",
    mistake="counting tasks, or numbering heads",
    given=models,
    corners=models_to_try,
)
def another_task_changes_no_other(subject: Subject, options: Table, table: ParamTable) -> None:
    """With one task more, every other weight keeps its group and rate, and the new head has a rate."""
    schedule = built(subject, options)
    head = (
        Row(f"heads.{NEW}.dense.weight", (4, 2), NEW, "head", table.depth + 2, "weight"),
        Row(f"heads.{NEW}.wide.weight", (10**4, 10**4), NEW, "head", table.depth + 2, "weight"),
        Row(f"heads.{NEW}.dense.bias", (), NEW, "head", table.depth + 2, "bias"),
    )
    backbone = sum(row.role != "head" for row in table)
    for at in (backbone, len(table)):
        rows = (*table.rows[:at], *head, *table.rows[at:])
        larger = ParamTable(rows, table.depth)
        found = groups_of(schedule, larger)
        _same(
            groups_of(schedule, table),
            {name: found[name] for name in table.names},
            f"with a task {NEW!r} more",
        )
        rates = rates_of(schedule, larger, SOON, 3)
        for name, rate in rates_of(schedule, table, SOON, 3).items():
            require(
                rate == rates[name],
                f"the rate of {name} is {rate!r}, and {rates[name]!r} with a task {NEW!r} more",
            )


def rising(subject: Subject) -> str:
    """Applies to schedules that declare rates that rise with depth."""
    declared = getattr(subject.options_class, "rises_with_depth", False)
    return "" if declared else "it does not declare rises_with_depth"


@law(
    "P10",
    why="layer-wise rates protect what lies near the input; one depth off and they protect the wrong layer",
    mistake="depth counted from the wrong end, or groups sorted as text (block 10 before block 2)",
    given=models,
    corners=models_to_try,
    applies=rising,
)
def rates_rise_with_depth(subject: Subject, options: Table, table: ParamTable) -> None:
    """With `rises_with_depth`, of two weights of the backbone of one kind the deeper has no lower rate."""
    schedule = built(subject, options)
    for step in (0, 3, 50, 99):
        rates = rates_of(schedule, table, Progress(step, 100, 10), step)
        lower: dict[str, Row] = {}
        for row in sorted((row for row in table if row.role != "head"), key=lambda row: row.depth):
            below = lower.get(row.kind, row)
            require(
                rates[row.name] >= rates[below.name] * (1 - 1e-12),
                f"{row.name} at depth {row.depth} has the rate {rates[row.name]!r}, and "
                f"{below.name} at depth "
                f"{below.depth} the rate {rates[below.name]!r} (step {step} of 100)",
            )
            lower[row.kind] = row


@law(
    "P12",
    why="what is frozen changes with time; if groups or rates followed, everything else would shift",
    mistake="counting only the trainable layers, so that a frozen one moves the scale of all others",
    given=models,
    corners=models_to_try,
)
def frozen_neighbours_do_not_matter(subject: Subject, options: Table, table: ParamTable) -> None:
    """Whether the authors froze other weights changes neither the group of a weight nor its rate."""
    schedule = built(subject, options)
    for state in (False, True):
        for parity in (0, 1):
            rows = tuple(
                row if number % 2 == parity else evolve(row, trainable=state)
                for number, row in enumerate(table)
            )
            changed = ParamTable(rows, table.depth)
            for number, row in enumerate(table):
                if number % 2 != parity:
                    continue
                one, two = schedule.group(row, table), schedule.group(row, changed)
                rates = [schedule.rate(group, SOON, 3) for group in (one, two)]
                require(
                    one == two and rates[0] == rates[1],
                    f"{row.name} is in group {one!r} (rate {rates[0]!r}), and in {two!r} (rate "
                    f"{rates[1]!r}) when "
                    f"the authors {'thawed' if state else 'froze'} other weights",
                )


@law(
    "P15",
    why="users call their tasks as they like, `final` or `news_1` too; a clash of names mixes up rates",
    mistake="group names without a prefix for tasks, startswith(task), or splitting a group name at "
    "a sign in it",
    given=models,
    corners=models_to_try,
    applies=reading_names,
)
def tasks_may_be_called_anything(subject: Subject, options: Table, table: ParamTable) -> None:
    """A task that the options do not name may have any name: the partition and all rates stay."""
    schedule = built(subject, options)
    declared = set(schedule.tasks())
    for task in (each for each in table.tasks if each not in declared):
        for name in _hostile(schedule, table, declared):
            changed = renamed_task(table, task, name)
            before, after = _partition(schedule, table), _partition(schedule, changed)
            require(before == after, f"other weights share a group when the task {task!r} is called {name!r}")
            one, two = (list(rates_of(schedule, each, SOON, 3).values()) for each in (table, changed))
            for row, old, new in zip(table, one, two, strict=True):
                require(
                    old == new,
                    f"the rate of {row.name} is {old!r}, and {new!r} when {task!r} is called {name!r}",
                )


def _hostile(schedule: LRSchedule, table: ParamTable, declared: set[str]) -> list[str]:
    others = [*declared, *table.tasks]
    named = [f"{other}{end}" for other in others for end in ("_1", "2")] + [other[:-1] for other in others]
    groups = [group for group in groups_of(schedule, table).values() if group.isidentifier()]
    known = ("final", "embeddings", "blocks", "block", "heads", "head", "all", "default", "block-1", "1")
    taken = {"", BACKBONE, *others}
    return [name for name in dict.fromkeys((*known, *groups, *named)) if name not in taken]


def _partition(schedule: LRSchedule, table: ParamTable) -> list[int]:
    """For each weight the number of its group, groups numbered as they come."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(schedule.group(row, table), len(numbers)) for row in table]


def _names_turned(row: Row) -> Row:
    return evolve(row, aliases=row.aliases[::-1])


def _called(row: Row, leaf: str) -> Row:
    prefix = "backbone" if row.role != "head" else f"heads.{row.owner}"
    return evolve(row, name=f"{prefix}.{leaf}", aliases=tuple(f"{prefix}.{leaf}.also" for _ in row.aliases))


def _shuffled(table: ParamTable, random: object) -> list[str]:
    names = list(table.names)
    random.shuffle(names)  # type: ignore[attr-defined]  # Hypothesis' Random
    return names


def _same(one: dict[str, str], other: dict[str, str], told: str) -> None:
    for name, group in one.items():
        require(group == other[name], f"the group of {name} is {group!r}, and {other[name]!r} {told}")

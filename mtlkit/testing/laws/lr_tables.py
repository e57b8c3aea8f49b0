"""Tables of weights to try schedules with, and what the laws of rates and of groups share."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule
from mtlkit.testing.law import Values
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.moments import starts
from mtlkit.testing.strategies import param_tables
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
FIRST = 3


def _row(name: str, role: Role, depth: int, kind: Kind, shape: tuple[int, ...] = (4, 2), **more: Any) -> Row:  # noqa: ANN401  fields of a row
    owner = name.split(".")[1] if role == "head" else BACKBONE
    return Row(name, shape, owner, role, depth, kind, **more)


def model(blocks: int, tasks: tuple[str, ...], final: bool = True) -> ParamTable:
    """A table of every kind of weight: tied, without dimensions, of size zero, frozen by its author."""
    tied = (f"heads.{tasks[0]}.decoder.weight", f"heads.{tasks[0]}.output.weight") if tasks else ()
    rows = [
        _row("backbone.embeddings.word.weight", "embeddings", 0, "embedding", aliases=tied),
        _row("backbone.embeddings.norm.weight", "embeddings", 0, "norm", (4,)),
    ]
    for number in range(blocks):
        place = f"backbone.encoder.layer.{number}"
        rows += [
            _row(f"{place}.scale", "block", number + 1, "weight", ()),
            _row(f"{place}.dense.weight", "block", number + 1, "weight", trainable=number != 1),
            _row(f"{place}.dense.bias", "block", number + 1, "bias", (2,)),
        ]
    if final:
        rows += [
            _row("backbone.norm.weight", "final", blocks + 1, "norm", (4,)),
            _row("backbone.norm.bias", "final", blocks + 1, "norm", (0,)),
        ]
    for task in tasks:
        rows += [
            _row(f"heads.{task}.dense.weight", "head", blocks + 2, "weight", aliases=(f"heads.{task}.twin",)),
            _row(f"heads.{task}.dense.bias", "head", blocks + 2, "bias", (2,), trainable=False),
        ]
    return ParamTable(tuple(rows), blocks)


MODELS = (
    model(11, ("sentiment", "news", "news_1")),
    model(2, ("final", "sentiment", "news", "embeddings", "blocks"), final=False),
    model(0, ("sentiment", "news", "head"), final=False),
    model(1, ("news", "sentiment"), final=True),
)


def models(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table and a table of weights that has the tasks which the options may name."""
    tables = param_tables(max_depth=12, max_tasks=5, tasks=subject_tasks())
    return st.fixed_dictionaries({"options": subject.tables(subject_tasks()), "table": tables})


def models_to_try(subject: Subject) -> Iterable[Values]:
    """The first options tables with models deep and shallow."""
    return [{"options": options, "table": table} for options in starts(subject)[:FIRST] for table in MODELS]


def model_runs(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, a table of weights and the length of a run."""
    lengths = {"total": st.integers(0, 200), "per_epoch": st.integers(1, 50)}
    return st.tuples(models(subject), st.fixed_dictionaries(lengths)).map(lambda two: {**two[0], **two[1]})


def short_model_runs(subject: Subject) -> Iterable[Values]:
    """The first options tables in the shortest runs and in one of ten epochs."""
    return [
        {"options": options, "table": table, "total": total, "per_epoch": per}
        for options in starts(subject)[:FIRST]
        for table in MODELS[:2]
        for total, per in ((0, 1), (1, 1), (2, 1), (100, 10))
    ]


def built(subject: Subject, options: Table) -> LRSchedule:
    """The schedule with that options table."""
    made: LRSchedule = subject.make(options)
    return made


def groups_of(schedule: LRSchedule, table: ParamTable) -> dict[str, str]:
    """The group of each weight, by name."""
    return {row.name: schedule.group(row, table) for row in table}


def rates_of(schedule: LRSchedule, table: ParamTable, progress: Progress, age: int) -> dict[str, float]:
    """The rate of each weight, by name."""
    return {row.name: schedule.rate(schedule.group(row, table), progress, age) for row in table}


def renamed_task(table: ParamTable, task: str, name: str) -> ParamTable:
    """The same model with one task called otherwise."""

    def told(weight: str) -> str:
        prefix = f"heads.{task}."
        return f"heads.{name}.{weight.removeprefix(prefix)}" if weight.startswith(prefix) else weight

    rows = (
        evolve(
            row,
            name=told(row.name),
            aliases=tuple(map(told, row.aliases)),
            owner=name if row.owner == task else row.owner,
        )
        for row in table
    )
    return ParamTable(tuple(rows), table.depth)


def reading_names(subject: Subject) -> str:
    """For `applies`: only schedules that do not look at names."""
    return "it declares reads_names" if getattr(subject.options_class, "reads_names", False) else ""

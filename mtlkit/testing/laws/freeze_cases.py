"""What freeze policies are asked about: a table with everything in it, runs, and metric logs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st

from mtlkit.catalog.options import dump_options
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.testing.law import Values
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.moments import RUNS, moments
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
Log = tuple[Measurement, ...]
Phases = list[int | str]

DEPTH, SMALL = 12, 100
OTHERS = ("aspect", "other", "third")
TABLES = 8
METRIC = "news/accuracy"
ADAPTER = "adapter.weight"
LENGTHS = ((0, 1), (1, 1), (7, 3), (60, 20))
SEVERAL = 6
FEW, METRICS = 3, 10
LEAVES: tuple[tuple[str, Kind, tuple[int, ...]], ...] = (
    ("dense.weight", "weight", (4, 2)),
    ("dense.bias", "bias", (4,)),
    ("norm.weight", "norm", (3,)),
    ("scale", "weight", ()),
)


def make(subject: Subject, table: Table) -> FreezePolicy:
    """The policy with that options table."""
    made: FreezePolicy = subject.make(table)
    return made


def rich_table(policy: FreezePolicy, tasks: Sequence[str] = OTHERS, depth: int = DEPTH) -> ParamTable:
    """Every kind of weight in every place, with heads for `tasks` and for those that the policy names."""
    parts: list[tuple[str, str, Role, int]] = [("backbone.embeddings", BACKBONE, "embeddings", 0)]
    parts += [(f"backbone.encoder.layer.{n}", BACKBONE, "block", n + 1) for n in range(depth)]
    parts += [("backbone.pooler", BACKBONE, "final", depth + 1)]
    owners = dict.fromkeys([*tasks, *named_tasks(policy)])
    parts += [(f"heads.{task}", task, "head", depth + 2) for task in owners]
    rows = [
        Row(f"{prefix}.{path}", shape, owner, role, at, kind, adapter=path == ADAPTER)
        for prefix, owner, role, at in parts
        for path, kind, shape in _leaves(role)
    ]
    return ParamTable(tuple(rows), depth)


def named_tasks(policy: FreezePolicy) -> tuple[str, ...]:
    """The tasks that the policy declares, in order; nothing where what it declares is no list of names."""
    declared = policy.tasks()
    if not isinstance(declared, tuple | list):
        return ()
    return tuple(each for each in declared if each and each != BACKBONE)  # which is no name for a task


def trained(policy: FreezePolicy, table: ParamTable, phase: int | str) -> frozenset[str]:
    """Names of the weights that the policy lets train in a phase."""
    return frozenset(row.name for row in table if policy.trainable(row, table, phase))


class Sets:
    """The trained set at each moment of runs over one table, each phase asked once."""

    def __init__(self, policy: FreezePolicy, table: ParamTable) -> None:
        self.policy, self.table = policy, table
        self._known: dict[int | str, frozenset[str]] = {}

    def at(self, progress: Progress) -> frozenset[str]:
        """What trains at that moment."""
        phase = self.policy.phase(progress)
        if phase not in self._known:
            self._known[phase] = trained(self.policy, self.table, phase)
        return self._known[phase]


def progress(step: int, total: int, per_epoch: int, log: Log = ()) -> Progress:
    """A moment of a run, with what was measured by then."""
    return Progress(step, total, per_epoch, tuple(entry for entry in log if entry.step <= step))


def phases_of(policy: FreezePolicy, log: Log = ()) -> Phases:
    """Different phases of many runs in the order they are met, at most `SEVERAL` of them."""
    found = dict.fromkeys(
        policy.phase(progress(step, total, per, log)) for total, per in RUNS for step in moments(total)
    )
    met = list(found)
    return met[:: max(1, -(-len(met) // SEVERAL))]


def known_tables(subject: Subject) -> list[dict[str, Any]]:
    """Options tables that are tried whatever the seed: the one given, and some drawn ones."""
    if "freeze tables" not in subject.memory:
        subject.memory["freeze tables"] = _drawn(subject)
    found: list[dict[str, Any]] = subject.memory["freeze tables"]
    return found


def option_tables(subject: Subject) -> st.SearchStrategy[dict[str, Any]]:
    """Options tables that a recipe could hold: no task is called as the backbone is."""
    return subject.tables(subject_tasks()).filter(lambda table: BACKBONE not in make(subject, table).tasks())


def just_tables(subject: Subject) -> st.SearchStrategy[Values]:
    """Values with nothing but an options table."""
    return st.fixed_dictionaries({"options": option_tables(subject)})


def whole(subject: Subject, table: Table) -> Table:
    """The table with every default written out."""
    return dump_options(subject.options(table))


def with_tables(subject: Subject) -> Iterable[Values]:
    """Corners with nothing but the known options tables."""
    return [{"options": table} for table in known_tables(subject)]


@st.composite
def runs(draw: st.DrawFn, subject: Subject) -> dict[str, Any]:
    """An options table, a run's length, and what is measured in it."""
    options = draw(option_tables(subject))
    total = draw(st.integers(0, 90))
    return {
        "options": options,
        "total": total,
        "per_epoch": draw(st.integers(1, max(1, total))),
        "log": draw(logs(whole(subject, options))),
    }


def plain_runs(subject: Subject) -> Iterable[Values]:
    """The known options in runs of no, one and several steps, with ordinary logs."""
    for options in known_tables(subject):
        for total, per_epoch in LENGTHS:
            yield {"options": options, "total": total, "per_epoch": per_epoch, "log": ()}
    for options in measured_tables(subject):
        for log in plain_logs(whole(subject, options)):
            yield {"options": options, "total": 60, "per_epoch": 20, "log": log}


def words_in(options: Table) -> list[str]:
    """All strings of an options table but the names of the options, each once."""
    return list(dict.fromkeys(_values(list(options.values()), str)))


def largest(options: Table) -> int:
    """The largest whole number in an options table that may be the number of a block."""
    return max((n for n in _values(options, int) if n is not True and 0 < n < SMALL), default=0)


def logs(options: Table) -> st.SearchStrategy[Log]:
    """Metric logs that a policy with these options may wait for, finite and in the order of their steps."""
    near = st.sampled_from(_likely(options))
    values = st.lists(st.one_of(near, st.floats(-2, 2, allow_subnormal=False)), max_size=6)
    return values.map(lambda drawn: evaluations(options, drawn))


def evaluations(options: Table, values: Sequence[float]) -> Log:
    """One evaluation every ten steps, all metrics with the same value."""
    return tuple(
        Measurement(10 * number, metric, value)
        for number, value in enumerate(values, start=1)
        for metric in metrics_in(options)
    )


def plain_logs(options: Table) -> Iterator[Log]:
    """The shortest logs that show something: level, rising and falling ones around the numbers in options."""
    likely = _likely(options)
    for count in (1, 2, 3, 6):
        yield evaluations(options, [0.5] * count)
    for values in (likely, likely[::-1], [likely[-1], likely[0]] * 2):
        yield evaluations(options, values)


def metrics_in(options: Table) -> list[str]:
    """Metrics that the strings in an options table may name, and an ordinary one."""
    words = words_in(options)
    tasks = [word for word in words if "/" not in word] + [*OTHERS[:1], *subject_tasks()[:1]]
    whole = [word for word in words if "/" in word]
    joined = [f"{task}/{name}" for task in tasks for name in (*words, "accuracy", "loss") if "/" not in name]
    return list(dict.fromkeys([*whole, *joined]))[: len(whole) + 2 if whole else METRICS]


def _likely(options: Table) -> list[float]:
    numbers = [float(each) for each in _values(options, int, float) if not isinstance(each, bool)]
    return sorted({0.0, 1.0, *(each + way for each in numbers[:4] for way in (-1.0, 0.0, 1.0))})


def _values(value: Any, *types: type) -> Iterator[Any]:  # noqa: ANN401  any TOML value
    if isinstance(value, types):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _values(key, *types)
            yield from _values(each, *types)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each, *types)


def _leaves(role: Role) -> tuple[tuple[str, Kind, tuple[int, ...]], ...]:
    more: dict[Role, tuple[str, Kind, tuple[int, ...]]] = {
        "embeddings": ("word.weight", "embedding", (8, 2)),
        "block": (ADAPTER, "weight", (2, 2)),
    }
    return (*LEAVES, more[role]) if role in more else LEAVES


def _drawn(subject: Subject) -> list[dict[str, Any]]:
    found = [subject.first_table] if subject.has_first_table else []

    @seed(0)
    @settings(
        max_examples=4 * TABLES,
        database=None,
        deadline=None,
        phases=(Stage.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(option_tables(subject))
    def draw(table: dict[str, Any]) -> None:
        if table not in found and len(found) < TABLES:
            found.append(table)

    draw()
    return found


def measured_tables(subject: Subject) -> list[dict[str, Any]]:
    """The first of the known options, and variants with the name of a metric where a string may be one."""
    tables = known_tables(subject)
    variants = (
        []
        if subject.table is not None
        else [each for table in tables[:1] for each in _measuring(subject, table)]
    )
    return [*tables[:FEW], *variants]


def _measuring(subject: Subject, table: Table) -> Iterator[dict[str, Any]]:
    """The table with a metric in each place where a string may be one."""
    for name, value in whole(subject, table).items():
        changed = {**table, name: METRIC}
        if isinstance(value, str) and "/" not in value:
            try:
                policy = make(subject, changed)
            except ValueError:
                continue
            if METRIC not in (*policy.tasks(), *policy.patterns()):
                yield changed


def renamed(row: Row, name: str, aliases: tuple[str, ...] = ()) -> Row:
    """The same weight under other names."""
    return attrs.evolve(row, name=name, aliases=aliases)


def with_row(table: ParamTable, number: int, row: Row) -> ParamTable:
    """The table with another row in one place."""
    return ParamTable((*table.rows[:number], row, *table.rows[number + 1 :]), table.depth)

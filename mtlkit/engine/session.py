"""Everything a run holds while it runs, put together from a plan."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import cast

import torch
from attrs import evolve, frozen
from torch.optim import Optimizer

from mtlkit.contracts.backbone import Backbone, Compilable
from mtlkit.contracts.columns import no_column, our_columns
from mtlkit.contracts.rows import SplitName
from mtlkit.contracts.sampling import Source
from mtlkit.engine.apply import Handles
from mtlkit.engine.build import Built, build, build_optimizer, make, outline, read_data
from mtlkit.engine.cache import Cache
from mtlkit.engine.deferring import is_deferred, keep_description
from mtlkit.engine.features import Encoder, boundary
from mtlkit.engine.heads import Readers
from mtlkit.engine.heap import keep_freed_memory
from mtlkit.engine.identity import identity
from mtlkit.engine.labels import check_labels
from mtlkit.engine.limits import limit_of
from mtlkit.engine.memory import check_memory
from mtlkit.engine.order import Buckets, Stream
from mtlkit.engine.precision import Choice, settled
from mtlkit.engine.rows import Rows
from mtlkit.engine.shelves import folder
from mtlkit.engine.soft import SoftFreeze
from mtlkit.engine.spans import spanned
from mtlkit.engine.store import Store
from mtlkit.engine.table_rows import TableRows
from mtlkit.engine.versions import OURS
from mtlkit.errors import PluginError, Problem, RecipeError
from mtlkit.plan.batches import length
from mtlkit.plan.checks import check_table, check_trains
from mtlkit.plan.guards import Guard, guards
from mtlkit.plan.model import Plan
from mtlkit.plan.timeline import Moment, Phase, Timeline, timeline

TRAIN: SplitName = "train"
MOST_STEPS = 2_000_000
MOST_ROWS = 10_000_000
HELD_OUT: tuple[SplitName, ...] = ("test", "validation")


@frozen(eq=False)
class Preview:
    """What can be known of a run without weights: its table, timeline and data.

    `precision` is the number format that `plan` has, and why.
    """

    plan: Plan
    data: Mapping[str, Rows]
    built: Built
    timeline: Timeline
    moments: tuple[Moment, ...]
    phases: tuple[Phase, ...]
    guards: tuple[Guard, ...] = ()
    precision: Choice | None = None


@frozen(eq=False)
class Session:
    """A run about to start: modules with weights, optimizer, encoder and row streams."""

    preview: Preview
    built: Built
    handles: Handles
    timeline: Timeline
    optimizer: Optimizer
    encoder: Encoder
    readers: tuple[Readers, ...]
    streams: Mapping[str, Stream]
    soft: tuple[SoftFreeze, ...]
    tables: TableRows
    device: torch.device

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return self.preview.plan

    @property
    def data(self) -> Mapping[str, Rows]:
        """The rows by source."""
        return self.preview.data

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources as samplers see them."""
        return tuple(Source(stream.name, stream.rows) for stream in self.streams.values())

    @property
    def held_out(self) -> SplitName | None:
        """The split that the final table is about: test where there is one, else validation."""
        for split in HELD_OUT:
            if any(rows.splits[split] for rows in self.data.values()):
                return split
        return None


def preview(plan: Plan) -> Preview:
    """Read the data, lay out the weights on the meta device and walk the timeline.

    Raises:
        RecipeError: when a source has no training rows, a pattern matches no weight, a step trains
            nothing though no policy asks for that, a label or column is not in the data, or the run would
            have more than two million steps, or ten million rows in one.
    """
    plan, precision = settled(plan, _device())
    data = read_data(plan)
    empty = [name for name, rows in data.items() if not rows.splits[TRAIN]]
    if empty:
        raise RecipeError(
            [
                Problem("no training rows are left", "check `where` and `split`", f"data.{name}")
                for name in empty
            ]
        )
    _check_columns(plan, data)
    _check_selection(plan, data)
    check_labels(plan, data)
    built = outline(plan, data, _cache(plan))
    check_table(plan, built.table)
    total, per_epoch = length(plan, {name: len(rows.splits[TRAIN]) for name, rows in data.items()})
    _check_length(total)
    _check_step(plan)
    line = timeline(plan, built.table, total, per_epoch)
    moments = tuple(line.moments())
    if len(moments) < line.total:  # no head is to be fitted again
        line = evolve(line, total=line.main, again=None)
    phases = line.phases(moments)
    check_trains(plan, phases)
    evaluated = {name for name, rows in data.items() if rows.splits["validation"]}
    warnings = (*guards(plan, line, moments, phases, evaluated), *_left_out(data), *_uncompiled(plan, built))
    return Preview(plan, data, built, line, moments, phases, warnings, precision)


def _check_length(total: int) -> None:
    """Every step is laid out before the first is taken, and of a length without end none ever would be."""
    if total > MOST_STEPS:
        message = f"the run would have {total:,} steps"
        raise RecipeError(Problem(message, f"make it shorter: at most {MOST_STEPS:,}", "training.length"))


def _check_step(plan: Plan) -> None:
    """The rows of a step are listed before the first is read."""
    sizes = [plan.training.batch_size, *(task.batch_size or 0 for task in plan.tasks)]
    rows = max(sizes) * plan.training.accumulate
    if rows > MOST_ROWS:
        message = f"a step would take {rows:,} rows"
        raise RecipeError(Problem(message, f"make it smaller: at most {MOST_ROWS:,}", "training.accumulate"))


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _check_columns(plan: Plan, data: Mapping[str, Rows]) -> None:
    """Of every source, those too whose columns were not known when the recipe was checked."""
    found = []
    for task in plan.tasks:
        rows = data[task.data]
        ours = our_columns(rows.source.columns(), rows.spec)
        named = task.head.options.columns() if hasattr(task.head.options, "columns") else {}
        found += [
            no_column(f"tasks.{task.name}.head.{option}", column, ours)
            for option, column in named.items()
            if column not in ours
        ]
    if found:
        raise RecipeError(found)


def _uncompiled(plan: Plan, built: Built) -> Iterator[Guard]:
    """Why the backbone is not compiled though the recipe asks for it."""
    if plan.training.compile and (why := why_uncompiled(built.backbone)):
        yield Guard(f"the backbone is not compiled: {why}", "training.compile")


def why_uncompiled(backbone: Backbone) -> str:
    """Why it can't be compiled; empty where it can."""
    ask = getattr(backbone, "uncompiled", None)
    return "it can't be" if ask is None else str(ask())


def _left_out(data: Mapping[str, Rows]) -> Iterator[Guard]:
    """What is not among the rows, and why."""
    for name, rows in data.items():
        yield from (Guard(warning, f"data.{name}") for warning in rows.warnings)


def _cache(plan: Plan) -> Cache | None:
    return Cache(folder(), plan.training.store_bytes) if plan.training.store_bytes else None


def _check_selection(plan: Plan, data: Mapping[str, Rows]) -> None:
    if plan.selection is None:
        return
    names = {plan.task(metric.partition("/")[0]).data for metric in plan.selection.weights}
    for name in sorted(name for name in names if not data[name].splits["validation"]):
        message = f"the best weights are chosen on validation rows, and data {name!r} has none"
        suggestion = f"add validation = 0.1 to the split of [data.{name}]"
        place = "metrics" if "metrics" in plan.recipe["selection"] else "metric"
        raise RecipeError(Problem(message, suggestion, f"selection.{place}"))


@spanned("start")
def open_session(prepared: Preview) -> Session:
    """Load the weights and build what trains them."""
    keep_freed_memory()
    plan, data = prepared.plan, prepared.data
    device = _device()
    check_memory(prepared.built.table)
    cache = _cache(plan)
    built = _built(prepared, device, cache)
    if plan.training.compile and not why_uncompiled(built.backbone):
        cast(Compilable, built.backbone).compile_blocks()
    handles = Handles.of(built.model)
    if len(handles.weights) != len(built.table):
        raise PluginError(
            f"weights tied by their memory came apart on the way to {device}",
            "tie them by sharing the parameter object",
        )
    phases = prepared.phases
    readers = tuple(_readers(plan, built, source.name, data[source.name]) for source in plan.sources)
    encoder = Encoder(
        backbone=built.backbone,
        data=data,
        boundaries=tuple(boundary(built.table, frozenset(phase.trainable)) for phase in phases),
        precision=plan.training.precision,
        device=device,
        store=Store(cache=cache),
        identity=identity(plan, built.backbone, device),
        located=frozenset((each.source, view) for each in readers for view in each.located()),
    )
    line = evolve(prepared.timeline, table=built.table)
    optimizer = build_optimizer(plan, built, handles, line)
    soft = tuple(SoftFreeze.of(part, make(part), built.table, handles) for part in plan.regularizers)
    # A regularizer has something to say of every row.
    by_rows = TableRows({}) if soft else TableRows.of(handles, optimizer, plan.optimizer.options)
    return Session(
        preview=prepared,
        built=built,
        handles=handles,
        timeline=line,
        optimizer=optimizer,
        encoder=encoder,
        readers=readers,
        streams={each.source: _stream(plan, each, encoder) for each in readers},
        soft=soft,
        tables=by_rows,
        device=device,
    )


def _built(prepared: Preview, device: torch.device, cache: Cache | None) -> Built:
    """The modules on that device; the backbone only laid out where, it may be, nothing computes with it."""
    deferrable = device.type == "cpu" and _reads_no_weight(prepared)
    built = build(prepared.plan, prepared.data, cache if deferrable else None)
    if not is_deferred(built.backbone):
        if cache is not None:
            keep_description(cache, prepared.plan.backbone, built.backbone, again=deferrable)
        for _, part in built.model.parts():
            part.to(device)
    return built


def _reads_no_weight(prepared: Preview) -> bool:
    """Whether, as far as one can know, all that the run needs of its backbone may be in the store."""
    plan, table = prepared.plan, prepared.built.table
    frozen = all(boundary(table, frozenset(phase.trainable)) > table.depth for phase in prepared.phases)
    measured = any(part.options.statistics() for part in (*plan.freeze, plan.lr))
    strange = plan.optimizer.distribution != OURS  # it may look at weights that never get a gradient
    return frozen and not (measured or strange or plan.regularizers or plan.training.compile)


def _stream(plan: Plan, readers: Readers, encoder: Encoder) -> Stream:
    rows = len(encoder.data[readers.source].splits[TRAIN])
    if plan.training.batching == "random":
        return Stream(readers.source, rows, plan.seed)
    size = plan.batch_size(readers.source) or plan.training.batch_size
    lengths = partial(readers.first_lengths, encoder, TRAIN)
    return Stream(readers.source, rows, plan.seed, Buckets(size, lengths))


def _readers(plan: Plan, built: Built, source: str, rows: Rows) -> Readers:
    tasks = plan.readers(source)
    limits = {task.name: limit_of(task, built.heads[task.name], rows) for task in tasks}
    return Readers(
        source,
        {task.name: built.heads[task.name] for task in tasks},
        {name: limit for name, limit in limits.items() if limit is not None},
    )

"""Looking through the rows of a plan, a few at a time, for what makes results worse or too good."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from mtlkit.contracts.audit import Audit, Example, Leak, SourceAudit, TaskAudit, ViewAudit
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import Head
from mtlkit.contracts.rows import SPLITS, SplitName
from mtlkit.engine.audit_texts import (
    Texts,
    View,
    by_name,
    contradictions,
    doubtful,
    label_hash,
    quoted,
    text_hash,
    text_of,
    whole_text,
)
from mtlkit.engine.audit_tokens import Lengths, example, rows_of
from mtlkit.engine.build import Built, outline, read_data
from mtlkit.engine.content import as_text, is_missing
from mtlkit.engine.growing import Growing
from mtlkit.engine.rows import Rows, skipped_of
from mtlkit.plan.model import Plan, TaskPlan

AT_ONCE = 256
MOST_LABELS = 1000
EXAMPLES = 2
HELD_OUT: tuple[SplitName, ...] = ("validation", "test")


def audit(plan: Plan) -> Audit:
    """Everything that is found in the rows of the sources that tasks read.

    Raises:
        RecipeError: as for a run, for what the data lacks.
        DataError: when rows can't be read.
    """
    data = read_data(plan)
    built = outline(plan, data)
    looked = {source.name: _look(plan, source.name, data[source.name], built) for source in plan.sources}
    units = [
        Unit(name, view, tuple(task.plan.name for task in found.tasks if task.reads(view)), texts)
        for name, found in looked.items()
        for view, texts in found.texts.items()
    ]
    return Audit(
        plan.name,
        tuple(_source(source.name, source.source.name, data[source.name]) for source in plan.sources),
        tuple(
            looked[task.data].task(task.name).report(looked[task.data], data[task.data], built)
            for task in plan.tasks
        ),
        tuple(_leaks(units, data)),
    )


@frozen(eq=False)
class Unit:
    """One view of one source, or one column of it, and the tasks that read it."""

    source: str
    view: View
    tasks: tuple[str, ...]
    texts: Texts


@define(eq=False)
class Task:
    """What is counted of one task."""

    plan: TaskPlan
    views: tuple[View, ...]
    label: str
    counts: dict[SplitName, Counter[str]] = field(factory=lambda: {split: Counter() for split in SPLITS})
    unlabelled: dict[SplitName, int] = field(factory=lambda: dict.fromkeys(SPLITS, 0))
    pairs: tuple[Growing, Growing] = field(factory=lambda: (Growing("Q"), Growing("Q")))
    seen: set[str] = field(factory=set)

    def reads(self, view: View) -> bool:
        """Whether this is one of its views, or one column of one."""
        return view in self.views or any(len(view) == 1 and view[0] in each for each in self.views)

    def add(self, split: SplitName, row: Record) -> None:
        """Count a row."""
        if not self.label:
            return
        value = row.get(self.label)
        labels = _labels(value)
        if not labels:
            self.unlabelled[split] += 1
            return
        if len(self.seen) <= MOST_LABELS:
            self.counts[split].update(labels)
            self.seen.update(labels)
        text = whole_text(row, self.views)
        if text:
            self.pairs[0].append(text_hash(text))
            self.pairs[1].append(label_hash(value))

    def report(self, found: "Looked", rows: Rows, built: Built) -> TaskAudit:
        """What was found."""
        several, held = contradictions(self.pairs[0].array(), self.pairs[1].array())
        shown = self.counts if self.label and len(self.seen) <= MOST_LABELS else {}
        return TaskAudit(
            name=self.plan.name,
            data=self.plan.data,
            head=self.plan.head.name,
            label=self.label,
            different=min(len(self.seen), MOST_LABELS + 1),
            labels={split: dict(counts.most_common()) for split, counts in shown.items()},
            unlabelled=by_name(self.unlabelled),
            views=tuple(found.view(view) for view in self.views),
            contradictions=doubtful(several, held, quoted(_all(rows), self.views, several)),
            examples=tuple(self._examples(rows, built)),
        )

    def _examples(self, rows: Rows, built: Built) -> Iterator[Example]:
        records = rows.records("train", range(min(EXAMPLES, len(rows.splits["train"]))))
        for record in records:
            if self.views and rows_of([record], self.views[0]):
                value = record.get(self.label) if self.label else None
                yield example(built.backbone, record, self.views[0], value)


@frozen(eq=False)
class Looked:
    """What was counted of one source."""

    tasks: tuple[Task, ...]
    texts: Mapping[View, Texts]
    lengths: Mapping[View, Lengths]

    def task(self, name: str) -> "Task":
        """The task of that name."""
        return next(task for task in self.tasks if task.plan.name == name)

    def view(self, view: View) -> ViewAudit:
        """What was found of a view."""
        texts, lengths = self.texts[view], self.lengths[view]
        return ViewAudit(
            view,
            len(lengths.tokens),
            lengths.quantiles(),
            lengths.cut_rows(),
            texts.duplicates(),
            by_name(texts.empty),
        )


def _look(plan: Plan, name: str, rows: Rows, built: Built) -> Looked:
    """Go through the rows of a source once."""
    tasks = tuple(_task(task, built.heads[task.name]) for task in plan.readers(name))
    views = tuple(dict.fromkeys(view for task in tasks for view in task.views))
    columns = tuple((column,) for view in views for column in view)
    texts = {view: Texts() for view in (*views, *columns)}
    looked = Looked(tasks, texts, {view: Lengths() for view in views})
    for split in SPLITS:
        count = len(rows.splits[split])
        for start in range(0, count, AT_ONCE):
            records = rows.records(split, range(start, min(start + AT_ONCE, count)))
            for view, found in texts.items():
                for record in records:
                    found.add(split, text_of(record, view))
            for view in views:
                encodable = rows_of(records, view)
                if encodable:
                    looked.lengths[view].add(built.backbone, encodable)
            for task in tasks:
                for record in records:
                    task.add(split, record)
    return looked


def _task(task: TaskPlan, head: Head) -> Task:
    label: Any = getattr(task.head.options, "label", None)
    return Task(task, tuple(dict.fromkeys(head.views)), label if isinstance(label, str) else "")


def _labels(value: Value) -> list[str]:
    cells = value if isinstance(value, list) else [value]
    return [as_text(cell) for cell in cells if not is_missing(cell)]


def _source(name: str, source: str, rows: Rows) -> SourceAudit:
    counts: dict[str, int] = {split: len(rows.splits[split]) for split in SPLITS}
    return SourceAudit(name, source, counts, skipped_of(rows.source).count, rows.warnings)


def _all(rows: Rows) -> Iterator[Record]:
    for split in SPLITS:
        yield from rows.each(split)


def _leaks(units: Sequence[Unit], data: Mapping[str, Rows]) -> Iterator[Leak]:
    """Texts of held-out rows that are in training rows, of the same task or of another."""
    for trained in units:
        for held in units:
            for split in HELD_OUT:
                shared, count = held.texts.also_in(split, trained.texts)
                if len(shared):
                    texts = quoted(data[held.source].each(split), [held.view], shared)
                    found = doubtful(shared, count, texts)
                    yield Leak(trained.tasks, trained.view, held.tasks, held.view, split, found)

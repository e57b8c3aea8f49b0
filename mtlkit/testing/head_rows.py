"""Rows that a head can learn from: its own examples, or rows made up from the columns that it reads.

Where a head's options have `examples(count, rng)`, those are its rows. Else each column that it reads gets
texts or lists of words, and `label` gets classes, a tag for each word or a number: the first kind that the
head learns from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, Literal, cast

from attrs import field, frozen

from mtlkit.catalog.options import dump_options
from mtlkit.contracts.card import load_address
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext
from mtlkit.engine.labels import training_labels
from mtlkit.engine.rows import Rows
from mtlkit.engine.seeds import seeded
from mtlkit.errors import MtlkitError
from mtlkit.testing.asking import plain
from mtlkit.testing.law import Broken
from mtlkit.testing.modules import undisturbed
from mtlkit.testing.subject import Subject
from mtlkit.testing.toy_tokens import toy_vocabulary

Table = Mapping[str, Any]
Form = Literal["text", "class", "tags", "number"]

POOL = 24
HIDDEN, DEPTH = 8, 3
TASK = "task"
CLASSES = (" A", "a", "É b", "e")
TAGS = ("O", "B-x", "I-x", "B-X", "I-X")
NUMBERS = (0.0, 0.25, 0.5, 0.75, 1.0)
WORDS = ("one", "two", "New", "York", "été", "x", "very", "long")
FORMS: tuple[tuple[Form, Form], ...] = tuple(product(("class", "tags", "number"), ("text", "number")))


@frozen(eq=False)
class Lesson:
    """Training rows of a head with one options table: `table` without what the head refused, and labels."""

    subject: Subject
    table: Table
    rows: tuple[Record, ...]
    labels: tuple[str, ...]
    memory: dict[str, Any] = field(factory=dict)

    def build(self, seed: int = 0, hidden: int = HIDDEN, task: str = TASK) -> Any:  # noqa: ANN401  a head
        """A new head in eval mode, its weights drawn as the engine draws them."""
        with undisturbed(), seeded(seed, "head"):
            head = self.make(self.context(hidden, task))
        return head.eval()

    def context(
        self, hidden: int = HIDDEN, task: str = TASK, labels: tuple[str, ...] | None = None
    ) -> HeadContext:
        """What the builder is told: of a backbone of `DEPTH` blocks with the toy vocabulary."""
        known = self.labels if labels is None else labels
        return HeadContext(task, hidden, known, DEPTH, toy_vocabulary(hidden))

    def make(self, context: HeadContext) -> Any:  # noqa: ANN401  a head
        """What the builder gives, as it is."""
        build = self.subject.card.build
        if build is None:
            raise Broken("its card has no `build`: the address of what is called as build(options, context)")
        return load_address(build)(self.subject.options(self.table), context)

    def sample(self, count: int, seed: int) -> list[Record]:
        """Some of the rows, each at most once, in any order."""
        return Random(seed).sample(self.rows, count)  # noqa: S311  reproducible on purpose

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that the head reads, by option."""
        return columns_of(self.subject.options(self.table))


def lesson_of(subject: Subject, table: Table) -> Lesson:
    """Rows for a head with that table, remembered for the laws of one run.

    A head may refuse options that don't fit its labels (`RecipeError`); then keys are left out.
    """
    known: dict[str, Lesson] = subject.memory.setdefault("lessons", {})
    key = repr(sorted(table.items()))
    if key not in known:
        known[key] = _accepted(subject, table)
    return known[key]


def label_columns(lesson: Lesson, head: Any) -> tuple[str, ...]:  # noqa: ANN401  a head
    """The columns without which there is nothing to learn from: those of labels, else all.

    Of a head with `inputs` a column that these need is none of labels, but for that of the option `label`.
    """
    read = {column for view in head.views for column in view}
    found = [name for option, name in lesson.columns.items() if option == "label" or name not in read]
    if hasattr(head, "inputs"):
        label = lesson.columns.get("label")
        found = [name for name in found if name == label or not _needed(lesson, head, name)]
    return tuple(dict.fromkeys(found or lesson.columns.values()))


def unlabelled(row: Record, columns: Sequence[str]) -> list[Record]:
    """The row with its labels missing, in every way in which they may be."""
    missing: list[Record] = [{**row, **dict.fromkeys(columns)}]
    cells = [row.get(column) for column in columns]
    if any(isinstance(cell, str) for cell in cells):
        missing.append({**row, **dict.fromkeys(columns, "")})
    lists = {
        column: [None] * len(row[column])
        for column in columns
        if isinstance(row.get(column), list) and any(_as_long(row[column], other) for other in row.values())
    }
    return [*missing, {**row, **lists}] if lists else missing


def relabelled(row: Record, column: str, label: Value) -> Record:
    """The row with another label, or with another tag for its first word."""
    cell = row.get(column)
    return {**row, column: [label, *cell[1:]] if isinstance(cell, list) and cell else label}


def columns_of(options: Any) -> Mapping[str, str]:  # noqa: ANN401  options of a head
    """Option → column.

    Raises:
        Broken: when the options don't say.
    """
    if not hasattr(options, "columns"):
        raise Broken("its options object has no `columns()`, so a plan can't check which columns it reads")
    return dict(options.columns())


def _accepted(subject: Subject, table: Table) -> Lesson:
    refused: MtlkitError | None = None
    for tried in _reduced(subject, table):
        try:
            return _learnable(subject, tried)
        except MtlkitError as error:
            refused = refused or error
    raise refused or Broken("its options are refused")


def _reduced(subject: Subject, table: Table) -> Iterator[Table]:
    """The table, then with fewer and fewer of its keys, as far as the options class allows."""
    yield table
    for name in table:
        yield from _possible(subject, {key: value for key, value in table.items() if key != name})
    for count in range(2, len(table) + 1):
        yield from _possible(subject, dict(list(table.items())[count:]))


def _possible(subject: Subject, table: Table) -> Iterator[Table]:
    try:
        subject.options(table)
    except ValueError:
        return
    yield table


def _learnable(subject: Subject, table: Table) -> Lesson:
    """The first rows that the head learns from; where there are none, the first that it can be built with."""
    options = subject.options(table)
    if hasattr(options, "examples"):
        given = _lesson(subject, table, options, options.examples(POOL, Random(0)))  # noqa: S311  as above
        given.build()  # it may refuse the options, such as layers that the backbone does not have
        return given
    found: list[Lesson] = []
    refusal: Exception | None = None
    for label, other in _forms(columns_of(options)):
        rows = _made_up(options, label, other)
        lesson = _lesson(subject, table, options, rows)
        try:
            head = lesson.build()
            found.append(lesson)
            if hasattr(head, "corrupt") or head.count(head.targets(rows)) > 0:
                return lesson
        except Exception as error:  # noqa: BLE001  a head may refuse rows in any way
            refusal = refusal or error
    if not found:
        raise refusal or Broken("no rows could be made up for it; give its options `examples(count, rng)`")
    return found[0]


def _lesson(subject: Subject, table: Table, options: Any, rows: Sequence[Record]) -> Lesson:  # noqa: ANN401
    labels = training_labels(options, cast(Rows, _Training(tuple(rows))))
    return Lesson(subject, table, tuple(rows), labels)


@frozen
class _Training:
    """Rows that are all for training."""

    records: tuple[Record, ...]

    def each(self, split: str) -> Iterator[Record]:
        return iter(self.records)


def _forms(columns: Mapping[str, str]) -> list[tuple[Form, Form]]:
    if not any(map(_wordy, columns)):
        return list(FORMS)
    return sorted(FORMS, key=lambda form: form[0] != "tags")


def _needed(lesson: Lesson, head: Any, column: str) -> bool:  # noqa: ANN401  a head
    """Whether the inputs of the head change, or can't be made, without that column."""
    rows = list(lesson.rows[:4])
    try:
        return bool(plain(head.inputs([{**row, column: None} for row in rows])) != plain(head.inputs(rows)))
    except Exception:  # noqa: BLE001  a head may refuse in any way what it needs
        return True


def _wordy(option: str) -> bool:
    return option.startswith(("token", "word"))


def _made_up(options: Any, label: Form, other: Form) -> list[Record]:  # noqa: ANN401  options of a head
    rng = Random(0)  # noqa: S311  as above
    columns = columns_of(options)
    listed = tuple(getattr(options, "labels", ()) or ())
    named = [key for value in _mappings(options) for key in value]
    names = listed or (TAGS if label == "tags" else tuple(dict.fromkeys([*CLASSES, *named])))
    rows: list[Record] = []
    for number in range(POOL):
        words = [rng.choice(WORDS) for _ in range(rng.randint(1, 6))]
        row: dict[str, Value] = {}
        for option, column in columns.items():
            if option == "label":
                continue
            text: Value = list(words) if _wordy(option) or label == "tags" else f"{number} {' '.join(words)}"
            wanted = "text" if _wordy(option) or not row else other
            row[column] = rng.choice(NUMBERS) if _extra(option) and wanted == "number" else text
        if "label" in columns:
            row[columns["label"]] = _label(label, names, words, rng, number)
        rows.append(row)
    return rows


def _extra(option: str) -> bool:
    """Whether a column may hold something else than text."""
    return not _wordy(option) and "text" not in option and option not in ("first", "second")


def _label(form: Form, names: Sequence[str], words: Sequence[str], rng: Random, number: int) -> Value:
    if form == "number":
        return rng.choice(NUMBERS)
    if form == "class":
        return names[number] if number < len(names) else rng.choice(names)
    tags: list[str] = []
    for _ in words:
        before = tags[-1][1:] if tags and tags[-1] != "O" else None
        fitting = [tag for tag in names if not tag.startswith("I-") or tag[1:] == before]
        tags.append(rng.choice(fitting or names))
    return tags


def _mappings(options: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401  options of a head
    return [value for value in dump_options(options).values() if isinstance(value, Mapping)]


def _as_long(cell: list[Value], other: Value) -> bool:
    return isinstance(other, list | tuple) and other is not cell and len(other) == len(cell)

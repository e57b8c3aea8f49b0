"""What `mtlkit data` finds in the rows of a recipe: plain numbers and texts."""

from collections.abc import Mapping

from attrs import frozen


@frozen
class Doubtful:
    """Texts that something is wrong with: how many, the rows that hold them, and a few of them."""

    texts: int = 0
    rows: int = 0
    examples: tuple[str, ...] = ()


@frozen
class SourceAudit:
    """One `[data.NAME]` table: rows per split, and how many could not be read and were skipped."""

    name: str
    source: str
    rows: Mapping[str, int]
    skipped: int
    warnings: tuple[str, ...]


@frozen
class ViewAudit:
    """Columns that a task encodes together.

    `lengths` are in tokens: "shortest", "median", "90 %", "99 %" and "longest" over all rows. `cut` is how
    many rows are longer than the backbone takes, None where it does not say. `duplicates` counts, per split,
    the rows whose text came up before, and `empty` those that have none.
    """

    columns: tuple[str, ...]
    rows: int
    lengths: Mapping[str, int]
    cut: int | None
    duplicates: Mapping[str, int]
    empty: Mapping[str, int]


@frozen
class Example:
    """A row as the head sees it: its tokens, the label of each where it has one, and the label of the row."""

    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    label: str | None


@frozen
class TaskAudit:
    """What one task learns from.

    `labels` are counts per split and label, the most frequent first, of the label column; empty where there
    are more than a thousand different ones. `different` is how many there are, 1,001 for more. `unlabelled`
    counts rows without a label. `contradictions` are texts with several labels.
    """

    name: str
    data: str
    head: str
    label: str
    different: int
    labels: Mapping[str, Mapping[str, int]]
    unlabelled: Mapping[str, int]
    views: tuple[ViewAudit, ...]
    contradictions: Doubtful
    examples: tuple[Example, ...]


@frozen
class Leak:
    """Texts that are in the training rows of some tasks and among the held-out rows of some.

    The columns are those that hold the texts: all that are encoded together, or one of them.
    """

    trained: tuple[str, ...]
    trained_columns: tuple[str, ...]
    held_out: tuple[str, ...]
    held_out_columns: tuple[str, ...]
    split: str
    found: Doubtful


@frozen
class Audit:
    """Everything that was found; texts are the same when they differ only in case and white space."""

    name: str
    sources: tuple[SourceAudit, ...]
    tasks: tuple[TaskAudit, ...]
    leaks: tuple[Leak, ...]

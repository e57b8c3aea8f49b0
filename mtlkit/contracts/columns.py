"""Columns that a data table names, held against those its source has."""

from collections.abc import Iterable, Sequence

from mtlkit.contracts.nearest import nearest
from mtlkit.contracts.rows import RowSpec
from mtlkit.errors import Problem


def column_problems(columns: Sequence[str], spec: RowSpec, name: str) -> list[Problem]:
    """Every column that a spec names and the source `name`, which has `columns`, lacks."""
    at = f"data.{name}"
    ours = our_columns(columns, spec)
    either = (*columns, *(our for our in spec.columns if our not in columns))
    asked = [(f"{at}.columns.{our}", theirs, columns) for our, theirs in spec.columns.items()]
    asked += [(f"{at}.where.{column}", column, columns) for column in spec.where]
    asked += [(f"{at}.labels.{column}", column, ours) for column in spec.labels]
    asked += [(f"{at}.split.by", column, either) for column in spec.split.by]
    if spec.split.column:
        asked.append((f"{at}.split.column", spec.split.column, either))
    if spec.pair:
        plain = _named(columns, spec)
        asked += [(f"{at}.pair.column", spec.pair.column, plain), (f"{at}.pair.by", spec.pair.by, plain)]
    return [no_column(path, column, known) for path, column, known in asked if column not in known]


def our_columns(columns: Sequence[str], spec: RowSpec) -> tuple[str, ...]:
    """The columns of the records made of a source that has `columns`."""
    named = _named(columns, spec)
    added = spec.pair.added if spec.pair else ()
    return (*named, *(name for name in added if name not in named))


def _named(columns: Sequence[str], spec: RowSpec) -> tuple[str, ...]:
    renamed = set(spec.columns.values())
    kept = (column for column in columns if column not in renamed and column not in spec.columns)
    return (*spec.columns, *kept)


def no_column(path: str, column: str, known: Sequence[str]) -> Problem:
    """The problem that a column is not among the known ones."""
    return Problem(f"the data has no column {column!r}", meant(column, known, "its columns are"), path)


def meant(word: str, known: Iterable[str], otherwise: str) -> str:
    """Which of the known words was meant, or `otherwise` and all of them."""
    known = list(known)
    close = nearest(word, known)
    if close:
        return f"did you mean {close!r}?"
    return f"{otherwise} {', '.join(map(repr, known))}" if known else ""

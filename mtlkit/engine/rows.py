"""What the engine makes of a source: named columns, labels, and splits that never move.

A row's split is a function of its content alone, so adding, removing or reordering other rows changes
nothing for it, and two equal rows are never on both sides of a split.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from hashlib import blake2b
from typing import Any

from attrs import frozen

from mtlkit.contracts.columns import column_problems, meant, our_columns
from mtlkit.contracts.data import SPLIT_COLUMN, DataSource, Record, Value
from mtlkit.contracts.rows import SPLITS, RowSpec, SplitName, Wanted
from mtlkit.errors import Problem, RecipeError

SALT = "mtlkit"
ROWS_AT_ONCE = 1024
VALUES_SHOWN = 5


@frozen
class Rows:
    """The rows of one `[data.NAME]` table.

    `splits` holds the numbers of each split's rows, in the order of the source.
    """

    source: DataSource
    spec: RowSpec
    splits: Mapping[SplitName, tuple[int, ...]]
    fingerprint: str

    @classmethod
    def load(cls, source: DataSource, spec: RowSpec, name: str) -> "Rows":
        """Read the source once, check it against the spec and divide it.

        Raises:
            RecipeError: for every column the source lacks; then for a `where` that keeps nothing,
                for every label value that has no label, for names in the split column that are no split.
            ResourceError: when a file of the source is missing.
            DataError: when a file of the source can't be read.
        """
        problems = column_problems(source.columns(), spec, name)
        if problems:
            raise RecipeError(problems)
        kept = _kept(source, spec, name)
        divided = _divided(source, spec, kept, name)
        splits = {split: tuple(_limited(source, spec, split, divided[split])) for split in SPLITS}
        return cls(source, spec, splits, _fingerprint(source, spec, splits))

    def records(self, split: SplitName, positions: Sequence[int]) -> list[Record]:
        """The rows at these positions (from 0) of a split, columns renamed and labels mapped."""
        numbers = self.splits[split]
        rows = self.source.rows([numbers[position] for position in positions])
        return [_record(row, self.spec) for row in rows]

    def numbers(self, split: SplitName, positions: Sequence[int]) -> list[int]:
        """The numbers in the source of the rows at these positions of a split."""
        return [self.splits[split][position] for position in positions]

    def all(self, split: SplitName) -> list[Record]:
        """Every row of a split."""
        return self.records(split, range(len(self.splits[split])))


def content_hash(
    row: Record, columns: Iterable[str] | None = None, salt: str = "", use: str = "split"
) -> int:
    """A keyed BLAKE2b (RFC 7693) of a row's cells, a number in [0, 2**64).

    The cells are those of `columns`, or all, written as JSON with sorted keys. `use` names what the
    number is for, so that hashes of different use are independent of each other.
    """
    cells = row if columns is None else {column: row[column] for column in columns}
    text = json.dumps(cells, sort_keys=True, separators=(",", ":"), default=str)
    key = (salt or SALT).encode()
    if len(key) > blake2b.MAX_KEY_SIZE:
        key = blake2b(key).digest()
    return int.from_bytes(blake2b(text.encode(), key=key, person=use.encode(), digest_size=8).digest())


def _numbered(source: DataSource, numbers: Sequence[int]) -> Iterator[tuple[int, Record]]:
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        chunk = numbers[start : start + ROWS_AT_ONCE]
        yield from zip(chunk, source.rows(chunk), strict=True)


def _kept(source: DataSource, spec: RowSpec, name: str) -> list[int]:
    """The numbers of the rows that meet `where`, their labels checked."""
    if not spec.where and not spec.labels:
        return list(range(len(source)))
    kept = []
    seen: dict[str, Counter[str]] = {column: Counter() for column in spec.where}
    met = dict.fromkeys(spec.where, False)
    unlabelled = {column: dict[str, int]() for column in spec.labels}
    for number, row in _numbered(source, range(len(source))):
        keep = True
        for column, wanted in spec.where.items():
            seen[column][_text(row[column])] += 1
            if _is_wanted(row[column], wanted):
                met[column] = True
            else:
                keep = False
        if keep:
            kept.append(number)
            for column, labels in spec.labels.items():
                for text in _unlabelled(row[spec.columns.get(column, column)], labels):
                    unlabelled[column].setdefault(text, number)
    if spec.where and not kept:
        raise RecipeError(_nothing_kept(spec, name, seen, met))
    problems = [
        _no_label(f"data.{name}.labels.{column}", text, number, spec.labels[column])
        for column, found in unlabelled.items()
        for text, number in found.items()
    ]
    if problems:
        raise RecipeError(problems)
    return kept


def _text(value: Value) -> str:
    """A value as a recipe writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_wanted(value: Value, wanted: tuple[Wanted, ...]) -> bool:
    """Whether a cell is one of the values: text by text, anything else exactly."""
    if isinstance(value, str):
        return any(value in (_text(want), str(want)) for want in wanted)
    return any(value == want and isinstance(value, bool) == isinstance(want, bool) for want in wanted)


def _nothing_kept(
    spec: RowSpec, name: str, seen: Mapping[str, Counter[str]], met: Mapping[str, bool]
) -> list[Problem]:
    path = f"data.{name}.where"
    if all(met.values()):
        return [Problem("no row meets all of these conditions at once", path=path)]
    problems = []
    for column in (column for column, found in met.items() if not found):
        wanted = spec.where[column]
        named = " or ".join(map(repr, wanted))
        frequent = [value for value, _ in seen[column].most_common(VALUES_SHOWN)]
        close = [get_close_matches(_text(want), seen[column], n=1) for want in wanted]
        advice = (
            f"its most frequent values are {', '.join(map(repr, frequent))}"
            if frequent
            else "the data has no rows"
        )
        if any(close):
            advice = f"did you mean {next(match[0] for match in close if match)!r}? {advice}"
        problems.append(Problem(f"no row has {named} in column {column!r}", advice, f"{path}.{column}"))
    return problems


def _record(row: Record, spec: RowSpec) -> dict[str, Value]:
    record = {our: row[spec.columns.get(our, our)] for our in our_columns(tuple(row), spec)}
    for column, labels in spec.labels.items():
        record[column] = _labelled(record[column], labels)
    return record


def _labelled(value: Value, labels: Mapping[str, str]) -> Value:
    if isinstance(value, list):
        return [_labelled(item, labels) for item in value]
    return None if value is None or value == "" else labels[_text(value)]


def _unlabelled(value: Value, labels: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unlabelled(item, labels)
    elif value is not None and value != "" and _text(value) not in labels:
        yield _text(value)


def _no_label(path: str, text: str, number: int, labels: Mapping[str, str]) -> Problem:
    advice = meant(text, labels, "it has labels for")
    return Problem(f"the value {text!r}, first in row {number} (from 0), has no label", advice, path)


def _divided(source: DataSource, spec: RowSpec, kept: Sequence[int], name: str) -> dict[SplitName, list[int]]:
    """The numbers of the rows of each split."""
    split = spec.split
    column = _split_column(source, spec)
    by = [spec.columns.get(our, our) for our in split.by] or _identity(source)
    test = split.share("test")
    held_out = test + split.share("validation")
    named: dict[str, SplitName] = {split.name(one): one for one in SPLITS}
    divided: dict[SplitName, list[int]] = {one: [] for one in SPLITS}
    unknown: Counter[str] = Counter()
    for number, row in _numbered(source, kept) if column or held_out else ():
        goes_to = named.get(_text(row[column])) if column else "train"
        if goes_to is None:
            unknown[_text(row[column or ""])] += 1
            continue
        if goes_to == "train" and held_out:
            share = (content_hash(row, by, split.salt) >> 11) / 2**53  # 53 bits: never rounds up to 1
            goes_to = "test" if share < test else "validation" if share < held_out else "train"
        divided[goes_to].append(number)
    if unknown:
        raise RecipeError(_not_splits(f"data.{name}.split", str(column), unknown, named))
    if not (column or held_out):
        divided["train"] = list(kept)
    return divided


def _identity(source: DataSource) -> tuple[str, ...] | None:
    """The columns that say which row a row is, None for all of them."""
    return getattr(source, "identity", None)


def _split_column(source: DataSource, spec: RowSpec) -> str | None:
    """The source's name of the column that says the split, None where rows are divided by hash."""
    asked = spec.split.column
    if asked is None:
        return SPLIT_COLUMN if SPLIT_COLUMN in source.columns() else None
    return spec.columns.get(asked, asked) or None


def _not_splits(path: str, column: str, unknown: Counter[str], named: Iterable[str]) -> Problem:
    shown = ", ".join(map(repr, sorted(unknown)[:VALUES_SHOWN]))
    more = f" and {len(unknown) - VALUES_SHOWN} more" if len(unknown) > VALUES_SHOWN else ""
    advice = f"the splits are called {', '.join(map(repr, named))}; name them in split, or drop rows in where"
    return Problem(f"column {column!r} has values that name no split: {shown}{more}", advice, path)


def _limited(source: DataSource, spec: RowSpec, split: SplitName, numbers: Sequence[int]) -> Sequence[int]:
    """At most `limit` of these rows: those with the lowest content hash, in the order of the source."""
    most = spec.limit.get(split)
    if most is None or len(numbers) <= most:
        return numbers
    ranked = sorted(
        (content_hash(row, _identity(source), salt=spec.split.salt, use="limit"), number)
        for number, row in _numbered(source, numbers)
    )
    return sorted(number for _, number in ranked[:most])


def _fingerprint(source: DataSource, spec: RowSpec, splits: Mapping[SplitName, tuple[int, ...]]) -> str:
    """A hex digest of the content and of all that is made of it."""
    made: list[Any] = [source.fingerprint(), source.columns()]
    made += [
        dict(spec.columns),
        {column: dict(labels) for column, labels in spec.labels.items()},
        dict(splits),
    ]
    return blake2b(json.dumps(made, sort_keys=True).encode(), digest_size=32).hexdigest()

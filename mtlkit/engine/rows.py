"""What the engine makes of a source: named columns, labels, and splits that never move.

A row's split is a function of its content alone, so adding, removing or reordering other rows changes
nothing for it, and two equal rows are never on both sides of a split.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import attrs
from attrs import field, frozen

from mtlkit.contracts.columns import column_problems
from mtlkit.contracts.data import DataSource, Record, Skipped, Value
from mtlkit.contracts.rows import SPLITS, RowSpec, SplitName
from mtlkit.engine.content import ROWS_AT_ONCE, as_text, content_hash, is_missing, rows_of
from mtlkit.engine.dividing import divided
from mtlkit.engine.filters import kept
from mtlkit.engine.pairs import Partners, partners
from mtlkit.engine.row_numbers import RowNumbers
from mtlkit.errors import RecipeError, returned

__all__ = ["Rows", "content_hash"]

REMEMBERED = 2048
"""Rows that are kept in memory; none with lists, which whoever gets one could change."""


@frozen(eq=False)
class Rows:
    """The rows of one `[data.NAME]` table.

    `splits` holds the numbers of each split's rows, in the order of the source; where rows are paired,
    `partners` the numbers of their partners. `warnings` say what is not among them. The first rows that
    are asked for are remembered, so that a small source is read once.
    """

    source: DataSource
    spec: RowSpec
    splits: Mapping[SplitName, Sequence[int]]
    fingerprint: str
    warnings: tuple[str, ...] = ()
    partners: Mapping[SplitName, "Partnered"] = {}
    _known: dict[int, Record] = field(factory=dict, init=False)

    @classmethod
    def load(cls, source: DataSource, spec: RowSpec, name: str) -> "Rows":
        """Read the source, check it against the spec and divide it.

        Raises:
            RecipeError: for every column the source lacks; then for a `where` that keeps nothing,
                for every label value that has no label, for names in the split column that are no split.
            ResourceError: when a file of the source is missing.
            DataError: when a file of the source can't be read.
        """
        problems = column_problems(source.columns(), spec, name)
        if problems:
            raise RecipeError(problems)
        splits = divided(source, spec, kept(source, spec, name), name)
        warnings = _skipped(source)
        paired: dict[SplitName, Partnered] = {}
        if spec.pair:
            plain = cls(source, attrs.evolve(spec, pair=None), splits, "")
            paired = {split: Partnered.of(plain, spec, split) for split in SPLITS}
            warnings += tuple(_unpaired(spec, paired, splits))
            splits = {split: paired[split].numbers for split in SPLITS}
        return cls(source, spec, splits, _fingerprint(source, spec, splits), warnings, paired)

    def records(self, split: SplitName, positions: Sequence[int]) -> list[Record]:
        """The rows at these positions (from 0) of a split, columns renamed and labels mapped."""
        rows = self._records(self.numbers(split, positions))
        if split in self.partners:
            pair, found = self.spec.pair, self.partners[split]
            column = pair.column if pair else ""
            first = self._records([found.first[position] for position in positions])
            for row, partner in zip(rows, first, strict=True):
                row[f"{column}_pair"] = partner[column]
            if pair and pair.kind == "triplet":
                second = self._records([found.second[position] for position in positions])
                for row, partner in zip(rows, second, strict=True):
                    row[f"{column}_negative"] = partner[column]
            if pair and pair.kind == "either":
                for row, position in zip(rows, positions, strict=True):
                    row["same"] = int(found.same[position])
        return list(rows)

    def numbers(self, split: SplitName, positions: Sequence[int]) -> list[int]:
        """The numbers in the source of the rows at these positions of a split."""
        return [self.splits[split][position] for position in positions]

    def all(self, split: SplitName) -> list[Record]:
        """Every row of a split, all in memory; `each` needs less."""
        return self.records(split, range(len(self.splits[split])))

    def each(self, split: SplitName) -> Iterator[Record]:
        """Every row of a split, read a few at a time."""
        count = len(self.splits[split])
        for start in range(0, count, ROWS_AT_ONCE):
            yield from self.records(split, range(start, min(start + ROWS_AT_ONCE, count)))

    def _records(self, numbers: Sequence[int]) -> list[dict[str, Value]]:
        unknown = [number for number in dict.fromkeys(numbers) if number not in self._known]
        read = rows_of(self.source, unknown) if unknown else []
        made = dict(zip(unknown, map(self._named, read), strict=True))
        for number, row in made.items():
            if len(self._known) < REMEMBERED and not any(isinstance(cell, list) for cell in row.values()):
                self._known[number] = row
        return [dict(made[number] if number in made else self._known[number]) for number in numbers]

    def _named(self, row: Record) -> Record:
        """A row with columns renamed and labels mapped."""
        spec, renamed = self.spec, set(self.spec.columns.values())
        record = {our: row[their] for our, their in spec.columns.items()}
        record |= {
            column: value
            for column, value in row.items()
            if column not in renamed and column not in spec.columns
        }
        for column, labels in spec.labels.items():
            record[column] = _labelled(record[column], labels)
        return record


@frozen(eq=False)
class Partnered:
    """The numbers of the rows of a split that have partners, and of these; see `Partners`."""

    numbers: RowNumbers
    first: RowNumbers
    second: RowNumbers
    same: bytes

    @classmethod
    def of(cls, plain: Rows, spec: RowSpec, split: SplitName) -> "Partnered":
        """The partners of the rows of a split."""
        if spec.pair is None:
            raise ValueError("these rows are not paired")
        found: Partners = partners(plain.each(split), spec.pair, spec.split.salt)
        numbers = plain.splits[split]

        def at(places: Any) -> RowNumbers:  # noqa: ANN401  an array of whole numbers
            return RowNumbers(numbers[int(place)] for place in places)

        second = found.second if spec.pair.kind == "triplet" else ()
        return cls(at(found.kept), at(found.first), at(second), found.same.tobytes())


def _labelled(value: Value, labels: Mapping[str, str]) -> Value:
    if isinstance(value, list):
        return [_labelled(item, labels) for item in value]
    return None if is_missing(value) else labels[as_text(value)]


def skipped_of(source: DataSource) -> Skipped:
    """The rows that the source left out because it could not read them."""
    ask = getattr(source, "skipped", None)
    return Skipped() if ask is None else ask()


def _skipped(source: DataSource) -> tuple[str, ...]:
    """What the user has to know of rows that the source left out."""
    found = skipped_of(source)
    if not found.count:
        return ()
    rows = (
        "1 row that can't be read is" if found.count == 1 else f"{found.count:,} rows that can't be read are"
    )
    more = f"; and {found.count - len(found.first):,} more" if found.count > len(found.first) else ""
    return (f"{rows} left out: {'; '.join(map(str, found.first))}{more}",)


def _unpaired(
    spec: RowSpec, paired: Mapping[SplitName, Partnered], before: Mapping[SplitName, Sequence[int]]
) -> Iterator[str]:
    for split, found in paired.items():
        lost = len(before[split]) - len(found.numbers)
        if lost and spec.pair:
            rows = "1 row" if lost == 1 else f"{lost:,} rows"
            yield f"{rows} of {split} found no other row to pair by {spec.pair.by!r}, and are left out"


def _fingerprint(source: DataSource, spec: RowSpec, splits: Mapping[SplitName, RowNumbers]) -> str:
    """A hex digest of the content and of all that is made of it."""
    made: list[Any] = [
        returned(source.fingerprint(), str, f"the data source {type(source).__name__}", "fingerprint"),
        source.columns(),
        dict(spec.columns),
    ]
    made += [{column: dict(labels) for column, labels in spec.labels.items()}]
    made += [attrs.asdict(spec.pair) if spec.pair else None, spec.split.salt if spec.pair else ""]
    whole = blake2b(json.dumps(made, sort_keys=True).encode(), digest_size=32)
    for split in SPLITS:
        whole.update(f"{split} {len(splits[split])}\n".encode())
        for part in splits[split].parts():
            whole.update(part)
    return whole.hexdigest()

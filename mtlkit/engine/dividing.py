"""Which split each row goes to: by the hash of its content, by a column, or as a fold of several."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest

from attrs import frozen

from mtlkit.contracts.data import SPLIT_COLUMN, DataSource
from mtlkit.contracts.rows import SPLITS, RowSpec, SplitName
from mtlkit.engine.content import as_text, content, hash_of, identity_of, numbered, share_of
from mtlkit.engine.filters import VALUES_SHOWN
from mtlkit.engine.row_numbers import RowNumbers
from mtlkit.errors import Problem, RecipeError


@frozen
class Draw:
    """What draws the split of a row that no column decides, from what the columns `by` hold, or all."""

    by: tuple[str, ...] | None
    split: Callable[[str], SplitName]


def divided(
    source: DataSource, spec: RowSpec, kept: Sequence[int], name: str
) -> Mapping[SplitName, RowNumbers]:
    """The numbers of the rows of each split, in the order of the source, at most `limit` of each.

    Raises:
        RecipeError: when the split column has a value that names no split, or there is one beside `fold`.
    """
    column = _split_column(source, spec)
    if column and spec.fold:
        message = f"fold divides the rows, and so does the column {column!r}"
        advice = 'to leave the column aside write split = { column = "" }'
        raise RecipeError(Problem(message, advice, f"data.{name}.fold"))
    draw = _draw(source, spec)
    if column or draw or spec.limit:
        return _by_row(source, spec, kept, (column, draw), f"data.{name}.split")
    return {"train": RowNumbers(kept), "validation": RowNumbers(), "test": RowNumbers()}


def _draw(source: DataSource, spec: RowSpec) -> Draw | None:
    """What draws the split of a row that no column decides; None where all are for training."""
    split, fold = spec.split, spec.fold
    by = tuple(spec.columns.get(our, our) for our in split.by) or identity_of(source)
    test = split.share("test")
    held_out = test + split.share("validation")
    if not (held_out or fold):
        return None

    def drawn(text: str) -> SplitName:
        if fold and int(share_of(hash_of(text, split.salt, "fold")) * fold.of) == fold.k - 1:
            return "test"
        share = share_of(hash_of(text, split.salt)) if held_out else 1.0
        return "test" if share < test else "validation" if share < held_out else "train"

    return Draw(by, drawn)


def _by_row(
    source: DataSource, spec: RowSpec, kept: Sequence[int], how: tuple[str | None, Draw | None], path: str
) -> dict[SplitName, RowNumbers]:
    column, draw = how
    named: dict[str, SplitName] = {spec.split.name(one): one for one in SPLITS}
    found: dict[str, array[int]] = {split: array("Q") for split in SPLITS}
    ranks = {split: array("Q") for split in spec.limit}
    identity = identity_of(source)
    unknown: Counter[str] = Counter()
    for number, row in numbered(source, kept):
        told = named.get(as_text(row[column])) if column else "train"
        if told is None:
            unknown[as_text(row[column or ""])] += 1
            continue
        text = content(row, draw.by) if draw else ""
        split = draw.split(text) if told == "train" and draw else told
        found[split].append(number)
        if split in ranks:
            text = text if draw and draw.by == identity else content(row, identity)
            ranks[split].append(hash_of(text, spec.split.salt, "limit"))
    if unknown:
        raise RecipeError(_not_splits(path, str(column), unknown, named))
    for limited, most in spec.limit.items():
        found[limited] = _lowest(most, ranks[limited], found[limited])
    return {one: RowNumbers(found[one]) for one in SPLITS}


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


def _lowest(most: int, ranks: "array[int]", numbers: "array[int]") -> "array[int]":
    """At most so many numbers: those with the lowest ranks, in their order."""
    if len(numbers) <= most:
        return numbers
    lowest = nsmallest(most, zip(ranks, numbers, strict=True))
    return array("Q", sorted(number for _, number in lowest))

"""Laws of data sources, held against the sample that the plugin's options class writes."""

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from mtlkit.contracts.data import DataSource
from mtlkit.errors import DataError, MtlkitError, ResourceError
from mtlkit.testing.asking import Questions, plain
from mtlkit.testing.law import law, require
from mtlkit.testing.samples import Sample, offers, sampled
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
PLAIN = (str, int, float, bool, type(None))
NEAR = 5
LISTS = [{"text": ["a", "b"], "label": "x"}, {"text": ["c"], "label": "y"}]


def build(subject: Subject, table: Table) -> DataSource:
    """The source with that options table."""
    source: DataSource = subject.make(table)
    return source


def questions(source: DataSource, subject: Subject) -> Questions:
    """Its columns, length, fingerprint, and rows one by one, all at once and backwards."""
    count = len(source)
    asked: dict[str, Callable[[], Any]] = {
        "columns": source.columns,
        "len": partial(len, source),
        "fingerprint": source.fingerprint,
        "all rows": partial(source.rows, range(count)),
        "rows backwards": partial(source.rows, range(count)[::-1]),
    }
    return asked | {f"row {number}": partial(source.rows, [number]) for number in range(min(count, 8))}


def samples(subject: Subject) -> str:
    """Applies to sources that can write a sample."""
    return offers(subject)


@law(
    "D1",
    why="stored activations and exact resume trust the fingerprint to tell whether the data is the same",
    mistake="hashing the path, the file time or the size; hashing part of the content",
    applies=samples,
    given=lambda subject: st.fixed_dictionaries({"place": st.floats(0, 1)}),
    corners=lambda subject: [{"place": 0.0}, {"place": 0.5}, {"place": 1.0}],
    share=0.3,
)
def fingerprint_is_of_the_content(subject: Subject, place: float) -> None:
    """The same files moved or touched have one fingerprint; with a row changed, another."""
    with sampled(subject) as sample, TemporaryDirectory() as folder:
        before = build(subject, sample.table).fingerprint()
        require(isinstance(before, str) and len(before) >= 16, f"the fingerprint {before!r} is no hex digest")
        moved = sample.moved(Path(folder, "elsewhere"))
        after = build(subject, moved.table).fingerprint()
        require(before == after, "the same files elsewhere, with other times, have another fingerprint")
        rows = plain(read(build(subject, moved.table))["rows"])
        for path in moved.files():
            whole = path.read_bytes()
            for told, changed in _changes(whole, place):
                path.write_bytes(changed)
                try:
                    source = build(subject, moved.table)
                    same = source.fingerprint() == before and plain(read(source)["rows"]) != rows
                except (DataError, ResourceError):
                    same = False
                require(not same, f"{told} of {path.name} and with it a row changed, the fingerprint did not")
            path.write_bytes(whole)


@law(
    "D2",
    why="batches ask for rows in any order, epochs after epoch; evaluation reads them in file order",
    mistake="an iterator inside, a cache keyed wrongly, sorting the numbers, dropping repeated ones",
    applies=samples,
    given=lambda subject: st.fixed_dictionaries({"numbers": st.lists(st.integers(0, 10**6), max_size=12)}),
    corners=lambda subject: [{"numbers": []}, {"numbers": [0, 0, 0]}, {"numbers": [3, 1, 2, 1, 10**6]}],
)
def random_access_equals_reading_through(subject: Subject, numbers: list[int]) -> None:
    """`rows(numbers)` gives exactly those rows, in the order asked for, repeats included."""
    with sampled(subject) as sample:
        source = build(subject, sample.table)
        count = len(source)
        require(count > 0, "its sample has no rows")
        whole = plain(source.rows(range(count)))
        require(len(whole) == count, f"len is {count}, and reading all rows gives {len(whole)}")
        wanted = [number % count for number in numbers]
        found = plain(source.rows(wanted))
        require(
            found == [whole[number] for number in wanted],
            f"rows({wanted}) are not the rows with these numbers, in this order",
        )


@law(
    "D3",
    why="a head or a filter that changes a record in place must not change the next epoch",
    mistake="handing out the records that are kept",
    applies=samples,
)
def records_are_the_callers(subject: Subject) -> None:
    """A record may be changed, lists in it too, without changing what is read next."""
    _check_records_are_the_callers(subject, None)
    if not offers(subject, "write") and _holds_lists(subject):
        _check_records_are_the_callers(subject, LISTS)


def _check_records_are_the_callers(subject: Subject, rows: list[dict[str, Any]] | None) -> None:
    with sampled(subject, rows) as sample:
        source = build(subject, sample.table)
        before = plain(source.rows(range(len(source))))
        for record in source.rows(range(len(source))):
            for value in record.values():
                if isinstance(value, list):
                    value.append("changed")
            if isinstance(record, dict):
                record.clear()
        require(
            plain(source.rows(range(len(source)))) == before,
            "records changed by their taker stay changed inside",
        )


@law(
    "D12",
    why="the sampler, the split and the cost estimate all count on len",
    mistake="counting lines instead of rows, negative numbers counted from the end, a slice for an index",
    applies=samples,
)
def length_is_true(subject: Subject) -> None:
    """There are exactly `len` rows: the next number, and a negative one, raise IndexError."""
    with sampled(subject) as sample:
        source = build(subject, sample.table)
        count = len(source)
        require(type(count) is int and count > 0, f"len of the sample is {count!r}")
        try:
            source.rows([count - 1])
        except IndexError as error:
            require(False, f"len is {count}, and rows([{count - 1}]) raises IndexError: {error}")
        for number in (count, count + 10, -1):
            try:
                found = source.rows([number])
            except (IndexError, MtlkitError):
                continue
            require(False, f"rows([{number}]) of {count} rows gives {found!r}; raise IndexError")


@law(
    "D16",
    why="recipes are checked against `columns` before any row is read",
    mistake="columns from one file only, an optional key left out of a record, numpy numbers",
    applies=samples,
)
def records_have_the_columns(subject: Subject) -> None:
    """Every record has exactly the columns, all values plain: text, numbers, truth values, None, lists."""
    with sampled(subject) as sample:
        source = build(subject, sample.table)
        columns = source.columns()
        require(
            isinstance(columns, tuple) and all(isinstance(name, str) for name in columns),
            f"columns() gives {columns!r}, not a tuple of names",
        )
        require(len(set(columns)) == len(columns), f"columns() names one twice: {columns}")
        for number, record in enumerate(source.rows(range(len(source)))):
            require(
                set(record) == set(columns),
                f"row {number} has the keys {sorted(record)}, not {sorted(columns)}",
            )
            for name, value in record.items():
                require(
                    _is_plain(value),
                    f"row {number}, column {name!r}: a {type(value).__name__} is no plain value",
                )


@law(
    "D17",
    why="`mtlkit validate` asks for the columns of every source in a recipe",
    mistake="reading everything in the constructor or in columns(), or a length known only after reading",
    applies=samples,
)
def order_of_questions_does_not_matter(subject: Subject) -> None:
    """Whatever is asked first, columns, length, rows or fingerprint, all answers are the same."""
    with sampled(subject) as sample:
        wanted = read(build(subject, sample.table))
        names = list(wanted)
        for start in range(len(names)):
            source = build(subject, sample.table)
            found = {name: asked(source)[name]() for name in names[start:] + names[:start]}
            for name in names:
                require(
                    plain(found[name]) == plain(wanted[name]),
                    f"{name} differs when {names[start]} is asked first",
                )


@law(
    "D18",
    why="a run reads its data for hours; nothing may write to it",
    mistake="an index or cache file beside the data, opening with mode r+",
    applies=samples,
)
def reading_writes_nothing(subject: Subject) -> None:
    """The files are the same after reading, and no file is added beside them."""
    with sampled(subject) as sample:
        before = _bytes(sample)
        read(build(subject, sample.table))
        require(_bytes(sample) == before, "reading changed the data folder")


@law(
    "D19",
    why="the same data in another folder must be divided into the same train, validation and test rows",
    mistake="a path or a file time in a record, and no attribute `identity` that leaves it out",
    applies=samples,
)
def rows_are_the_same_elsewhere(subject: Subject) -> None:
    """In a copy of the files, rows are equal in the columns of `identity`, all where there is none."""
    with sampled(subject) as sample, TemporaryDirectory() as folder:
        source = build(subject, sample.table)
        identity = tuple(getattr(source, "identity", source.columns()))
        unknown = [name for name in identity if name not in source.columns()]
        require(not unknown, f"identity names {unknown}, which are no columns")
        moved = build(subject, sample.moved(Path(folder, "elsewhere")).table)
        require(len(moved) == len(source), f"{len(source)} rows here are {len(moved)} rows elsewhere")
        for number, (here, there) in enumerate(
            zip(source.rows(range(len(source))), moved.rows(range(len(moved))), strict=True)
        ):
            for name in identity:
                require(
                    here[name] == there[name],
                    f"row {number}, column {name!r}: {here[name]!r} here and {there[name]!r} elsewhere",
                )


def _holds_lists(subject: Subject) -> bool:
    """Whether lists of words that are written with `write` are lists when they are read."""
    try:
        with sampled(subject, LISTS) as sample:
            return [dict(each) for each in build(subject, sample.table).rows([0, 1])] == LISTS
    except Exception:  # noqa: BLE001  it is told to take texts only
        return False


def asked(source: DataSource) -> dict[str, Callable[[], Any]]:
    """What there is to ask of a source, by name."""
    return {
        "columns": source.columns,
        "len": partial(len, source),
        "rows": lambda: [copy.deepcopy(dict(record)) for record in source.rows(range(len(source)))],
        "fingerprint": source.fingerprint,
    }


def read(source: DataSource) -> dict[str, Any]:
    """Every answer of a source."""
    return {name: question() for name, question in asked(source).items()}


def _changes(whole: bytes, place: float) -> Iterator[tuple[str, bytes]]:
    """The content with a byte changed at a few places beside each other, and with two lines exchanged."""
    first = int(place * len(whole))
    for at in range(max(0, min(first, len(whole) - NEAR)), min(len(whole), first + NEAR)):
        changed = bytearray(whole)
        changed[at] ^= 1
        yield "one byte", bytes(changed)
    lines = whole.splitlines(keepends=True)
    if len(lines) > 2:
        yield "the order of two lines", b"".join([*lines[:-2], lines[-1], lines[-2]])


def _bytes(sample: Sample) -> dict[str, str]:
    return {
        str(path.relative_to(sample.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sample.files()
    }


def _is_plain(value: object) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, list | tuple) else type(value) in PLAIN

"""Laws of data sources about their files: broken, cut short, missing, and read back exactly."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from mtlkit.errors import DataError, ResourceError
from mtlkit.testing.asking import plain
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.data import build, read, samples
from mtlkit.testing.samples import Sample, offers, sampled
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
HOSTILE = (
    "",
    " left and right ",
    'quotes " and "" more',
    "comma, semicolon; tab\t.",
    "two\nlines",
    "carriage\r\nreturn",
    "ünïcödé ☃ 漢字 \U0001f600",
    "\ufefffirst",
    "007",
    "NA",
    "null",
    "1e5",
    "trailing\\",
)


def writes(subject: Subject) -> str:
    """Applies to sources that can write given rows."""
    return offers(subject, "write")


@law(
    "D5",
    why="a broken file is found by its name, and the line in it, or not at all",
    mistake="letting UnicodeDecodeError, KeyError or StopIteration out, or an error without the file's name",
    applies=samples,
    given=lambda subject: st.fixed_dictionaries(
        {"garbage": st.binary(min_size=1, max_size=40), "place": st.floats(0, 1)}
    ),
    corners=lambda subject: [
        {"garbage": garbage, "place": place}
        for garbage in (b"\xff\xfe\x00", b"\x00", b'"', b"{", b"\n\n\n", b"\x80abc\n")
        for place in (0.0, 0.5, 1.0)
    ],
    share=0.5,
)
def broken_files_are_named(subject: Subject, garbage: bytes, place: float) -> None:
    """Garbage in a file gives a `DataError` or `ResourceError` naming the file, or is seen in the rows."""
    with sampled(subject) as sample:
        before = plain(read(build(subject, sample.table))["rows"])
        for path in sample.files():
            whole = path.read_bytes()
            at = round(place * len(whole))
            broken = whole[:at] + garbage + whole[at:]
            path.write_bytes(broken)
            error = _reading_error(subject, sample)
            if error is None and _is_text(whole) and not _is_text(broken):
                after = plain(read(build(subject, sample.table))["rows"])
                require(
                    after != before,
                    f"{garbage!r} in {path.name}, not text in UTF-8, is dropped without a word",
                )
            if error is not None:
                require(
                    isinstance(error, DataError | ResourceError),
                    f"with garbage in {path.name} it raises {type(error).__name__}: {error}; "
                    "raise mtlkit.DataError naming file and line",
                )
                _require_named(error, path, sample)
            path.write_bytes(whole)


@law(
    "D6",
    why="an offline run opens no connection, and a recipe reads only what it names",
    mistake="looking for a newer version, a licence server, or a schema on the network",
    applies=samples,
)
def no_network(subject: Subject) -> None:
    """Local data is read without opening a socket."""

    def refused(*_: object) -> None:
        raise OSError("the kit refuses connections")

    with sampled(subject) as sample, mock.patch.object(socket.socket, "connect", refused):
        read(build(subject, sample.table))


@law(
    "D8",
    why="training on a part of the data without knowing it is the worst way to be wrong",
    mistake="stopping at the first unreadable row, or catching the error and going on",
    applies=samples,
    given=lambda subject: st.fixed_dictionaries({"kept": st.floats(0, 1)}),
    corners=lambda subject: [{"kept": 0.0}, {"kept": 0.3}, {"kept": 0.5}, {"kept": 0.97}],
    share=0.5,
)
def truncation_is_noticed(subject: Subject, kept: float) -> None:
    """A truncated file gives an error, or other content with another fingerprint; no other exception."""
    with sampled(subject) as sample:
        before = build(subject, sample.table).fingerprint()
        for path in sample.files():
            whole = path.read_bytes()
            cut = whole[: min(len(whole) - 1, int(kept * len(whole)))] if whole else whole
            path.write_bytes(cut)
            error = _reading_error(subject, sample)
            if error is None:
                changed = cut == whole or build(subject, sample.table).fingerprint() != before
                require(
                    changed, f"{path.name} cut to {len(cut)} of {len(whole)} bytes has the same fingerprint"
                )
            else:
                require(
                    isinstance(error, DataError | ResourceError),
                    f"with {path.name} cut short it raises {type(error).__name__}: {error}",
                )
            path.write_bytes(whole)


@law(
    "D9",
    why="the model must see the text that is in the file: a label ' A' is not 'A', and '007' is not 7",
    mistake="strip(), guessed types, universal newlines, NA turned into None, a BOM taken for text",
    applies=writes,
    given=lambda subject: st.fixed_dictionaries({"rows": _row_lists()}),
    corners=lambda subject: [{"rows": _hostile_rows()}, *({"rows": [row]} for row in _hostile_rows())],
)
def text_comes_back_as_written(subject: Subject, rows: list[dict[str, str]]) -> None:
    """Rows written with `write` are read back equal, every character, or refused with a `DataError`."""
    with sampled(subject, rows) as sample:
        try:
            source = build(subject, sample.table)
            found = source.rows(range(len(source)))
        except DataError:
            return
        require(len(found) == len(rows), f"{len(rows)} rows were written and {len(found)} read")
        for number, (row, record) in enumerate(zip(rows, found, strict=True)):
            for name, value in row.items():
                require(
                    record.get(name) == value,
                    f"row {number}, column {name!r}: written {value!r}, read {record.get(name)!r}",
                )


@law(
    "D15",
    why="a misspelt path is the most common mistake of all",
    mistake="letting FileNotFoundError out, or an empty data set where the file is missing",
    applies=samples,
)
def missing_files_are_named(subject: Subject) -> None:
    """A file that is gone gives a `ResourceError` that names it."""
    with sampled(subject) as sample:
        files = sample.files()
        if not files:
            return
        for path in files:
            path.unlink()
        error = _reading_error(subject, sample)
        require(error is not None, "with all its files gone it reads as if nothing were wrong")
        require(
            isinstance(error, ResourceError | DataError),
            f"with its files gone it raises {type(error).__name__}: {error}; raise mtlkit.ResourceError",
        )
        if error is not None:
            _require_named(error, files[0], sample)


def _reading_error(subject: Subject, sample: Sample) -> Exception | None:
    try:
        read(build(subject, sample.table))
    except Exception as error:  # noqa: BLE001  which one it is is what the laws are about
        return error
    return None


def _require_named(error: Exception, path: Path, sample: Sample) -> None:
    places = [str(path), path.name, str(sample.folder), sample.folder.name]
    require(
        any(place in str(error) for place in places), f"the error does not name the file {path.name}: {error}"
    )


def _hostile_rows() -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in zip(HOSTILE, reversed(HOSTILE), strict=True)]


def _row_lists() -> st.SearchStrategy[list[dict[str, str]]]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    row = st.fixed_dictionaries({"text": text, "label": text})
    return st.lists(row, min_size=1, max_size=5)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True

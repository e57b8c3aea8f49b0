"""Laws of data sources about their files: broken, cut short, missing, and read back exactly."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from mtlkit.errors import DataError, ResourceError
from mtlkit.testing.asking import plain
from mtlkit.testing.law import Broken, law, require
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
    "next\x85line, line\u2028separator, paragraph\u2029separator",
    "decomposed e\u0301, \u212bngstr\xf6m, \ufb01ligature",
)
REPLACED, GARBLED = "\ufffd", b"{garbled"
FEW_LINES = 4
LINES = ("first", "second", "third")


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
                require(
                    REPLACED in str(before) or REPLACED not in str(after),
                    f"{garbage!r} in {path.name}, not text in UTF-8, is read as U+FFFD without a word",
                )
            if error is not None:
                require(
                    isinstance(error, DataError | ResourceError),
                    f"with garbage in {path.name} it raises {type(error).__name__}: {error}; "
                    "raise mtlkit.DataError naming file and line",
                )
                _require_named(error, path, sample)
            _check_no_line_is_lost(subject, sample, path, place, len(before))
            path.write_bytes(whole)


def _check_no_line_is_lost(subject: Subject, sample: Sample, path: Path, place: float, rows: int) -> None:
    """A line of text with something else in its place is a row still, an error, or counted as skipped."""
    lines = path.read_bytes().splitlines(keepends=True)
    at = min(len(lines) - 1, 1 + int(place * len(lines)))
    if len(lines) < FEW_LINES or not _is_text(b"".join(lines)) or not lines[at].strip():
        return
    lines[at] = GARBLED + lines[at][len(lines[at].rstrip(b"\r\n")) :]
    path.write_bytes(b"".join(lines))
    error = _reading_error(subject, sample)
    if error is not None:
        return
    source = build(subject, sample.table)
    skipped = source.skipped().count if hasattr(source, "skipped") else 0
    require(
        len(source) + skipped >= rows,
        f"with {GARBLED!r} in place of line {at + 1} of {path.name} it has {len(source)} rows instead of "
        f"{rows}, without a word",
    )


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
        before, rows = build(subject, sample.table).fingerprint(), len(build(subject, sample.table))
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
            if whole.endswith(b"\n") and not whole.endswith(b"\r\n"):
                path.write_bytes(whole[:-1])
                same = _reading_error(subject, sample) or len(build(subject, sample.table)) >= rows
                require(bool(same), f"without the line end at the end of {path.name} its last row is lost")
            path.write_bytes(whole)


@law(
    "D9",
    why="the model must see the text that is in the file: a label ' A' is not 'A', and '007' is not 7",
    mistake="strip(), guessed types, universal newlines, NA turned into None, a BOM taken for text",
    applies=writes,
    given=lambda subject: st.fixed_dictionaries({"rows": _row_lists()}),
    corners=lambda subject: [
        {"rows": _hostile_rows()},
        *({"rows": [row]} for row in _hostile_rows()),
        {"rows": [{"text": "again", "label": "a"}] * 3},
    ],
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
    "D20",
    why="a blank line between texts is an empty text, and a data set is never shorter than its file",
    mistake="`if line.strip()`, or a reader of tables that leaves out blank lines",
    applies=writes,
)
def blank_lines_are_rows_or_errors(subject: Subject) -> None:
    """Where each line of a file is a text, a blank one is an empty text, an error, or counted as skipped."""
    try:
        with sampled(subject, [{"text": text} for text in LINES]) as sample:
            _check_blank_line(subject, sample)
    except Broken:
        raise
    except Exception:  # noqa: BLE001  rows of one column are none that it can write
        return


def _check_blank_line(subject: Subject, sample: Sample) -> None:
    source = build(subject, sample.table)
    if source.columns() != ("text",):
        return
    for path in sample.files():
        lines = path.read_bytes().splitlines(keepends=True)
        if [line.decode().strip() for line in lines[-len(LINES) :]] != list(LINES):
            continue  # a line is more than a text, so that a blank one may be none
        path.write_bytes(b"".join([*lines[:-1], b"\n", lines[-1]]))
        if _reading_error(subject, sample) is not None:
            continue
        source = build(subject, sample.table)
        skipped = source.skipped().count if hasattr(source, "skipped") else 0
        require(
            len(source) + skipped > len(LINES),
            f"a blank line between the texts of {path.name} is left out without a word",
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

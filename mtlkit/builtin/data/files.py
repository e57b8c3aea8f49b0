"""Finding, decoding and digesting data files, with every failure named by file and line."""

import codecs
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any

from attrs import frozen

from mtlkit.contracts.data import SPLIT_COLUMN
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, Problem, ResourceError


@frozen
class Part:
    """One file of a source and the split its rows belong to, None where the source is one file."""

    split: str | None
    path: Path


def parts(path: Place | Mapping[str, Place]) -> tuple[Part, ...]:
    """The files of a `path` option, in the order written.

    Raises:
        ResourceError: when one is missing or is not a file.
    """
    if isinstance(path, Place):
        return (Part(None, _file(path)),)
    return tuple(Part(split, _file(place)) for split, place in path.items())


def with_split(names: tuple[str, ...], part: Part) -> tuple[str, ...]:
    """Column names of the source: those of the file, and `split` where files are split.

    Raises:
        DataError: when two columns have one name.
    """
    columns = names if part.split is None else (*names, SPLIT_COLUMN)
    twice = sorted(name for name, times in Counter(columns).items() if times > 1)
    if twice:
        named = ", ".join(map(repr, twice))
        raise DataError(Problem(f"more than one column is named {named}", file=str(part.path), line=1))
    return columns


def same_columns(found: Iterable[tuple[Part, tuple[str, ...]]]) -> tuple[str, ...]:
    """The columns of the first file, once all files are known to have the same.

    Raises:
        DataError: when the files of a source differ in their columns.
    """
    (first, columns), *others = found
    for part, names in others:
        if set(names) != set(columns):
            raise DataError(
                Problem(
                    f"has the columns {', '.join(map(repr, names))}",
                    f"{first.path.name} has {', '.join(map(repr, columns))}",
                    file=str(part.path),
                )
            )
    return columns


def text(path: Path, encodings: tuple[str, ...]) -> str:
    """The whole text of a file in the first of these encodings that fits.

    Raises:
        DataError: when none fits, or the text holds a NUL character.
        ResourceError: when the file can't be read.
    """
    with reading(path):
        content = path.read_bytes()
    failures = []
    for encoding in encodings:
        try:
            found = content.decode(_skipping_mark(encoding))
        except UnicodeError as error:
            failures.append(error)
            continue
        if "\0" in found:
            raise DataError(nul(path, found[: found.index("\0")].count("\n") + 1))
        return found
    raise DataError(undecodable(path, encodings, failures[0]))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to read `path` into a `ResourceError`."""
    try:
        yield
    except OSError as error:
        raise ResourceError(Problem(f"can't be read: {error.strerror or error}", file=str(path))) from error


def digest(facts: Any, files: Iterable[tuple[str, Path]]) -> str:  # noqa: ANN401  any JSON value
    """A hex digest of named files and of the facts that say how they are read.

    The names are relative to the source, so that a copy elsewhere has the same digest.
    """
    whole = blake2b(json.dumps(facts).encode(), digest_size=32)
    for name, path in files:
        with reading(path), path.open("rb") as file:
            whole.update(json.dumps([name, file_digest(file, "sha256").hexdigest()]).encode())
    return whole.hexdigest()


def digest_of_parts(facts: Any, path: Place | Mapping[str, Place]) -> str:  # noqa: ANN401  any JSON value
    """`digest` of the files of a `path` option, each named by its split."""
    return digest(facts, [(part.split or "", part.path) for part in parts(path)])


def _file(place: Place) -> Path:
    path = place.existing()
    if not path.is_file():
        raise ResourceError(f"{place.address!r} is not a file", f"looked at {path}")
    return path


def _skipping_mark(encoding: str) -> str:
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def nul(path: Path, line: int) -> Problem:
    """The problem that a line holds NUL."""
    advice = "a text file has none; is it compressed, or encoded as utf-16?"
    return Problem("holds a NUL character", advice, file=str(path), line=line)


def undecodable(path: Path, encodings: tuple[str, ...], error: UnicodeError, line: int = 0) -> Problem:
    """The problem that a byte fits none of the encodings, at that line or, for 0, where the error says."""
    named = " or ".join(encodings)
    advice = 'say how it is encoded, for example encoding = "cp1252"'
    if not isinstance(error, UnicodeDecodeError):
        return Problem(f"is not {named}: {error}", advice, file=str(path), line=line or 1)
    before = error.object[: error.start].decode(encodings[0], "ignore")
    message = f"byte 0x{error.object[error.start]:02x} is not {named}"
    return Problem(message, advice, file=str(path), line=line or before.count("\n") + 1)

"""Data sources over a file of two columns separated by a bar: one that is right, and broken ones."""

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from unicodedata import normalize

from attrs import frozen

from mtlkit import Card, DataError, Place, ResourceError, option

COLUMNS = ("text", "label")
ROWS = [("a fine film", "good"), (" spaces ", "bad"), ("Zürich ☃", "good"), ("007", "NA"), ("the end", "bad")]


@frozen
class Bars:
    """Lines of `text|label`."""

    path: Place = option("the file")

    @staticmethod
    def write(folder: Path, rows) -> dict:
        path = folder / "rows.bars"
        lines = [f"{_escaped(row['text'])}|{_escaped(row['label'])}\n" for row in rows]
        path.write_bytes("".join(lines).encode())
        return {"path": str(path)}

    @classmethod
    def sample(cls, folder: Path) -> dict:
        return cls.write(folder, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("|", "\\p")


def _plain(text: str) -> str:
    found, rest = "", iter(text)
    for character in rest:
        found += (
            {"n": "\n", "r": "\r", "p": "|"}.get(letter := next(rest, "?"), letter)
            if character == "\\"
            else character
        )
    return found


class Source:
    """The one that is right."""

    def __init__(self, options: Bars) -> None:
        self.path = options.path.existing()

    def content(self) -> bytes:
        return self.path.read_bytes()

    def lines(self) -> list[str]:
        try:
            text = self.content().decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path} is not UTF-8: {error}") from error
        if text and not text.endswith("\n"):
            raise DataError(f"{self.path} ends in the middle of a line")
        return text.split("\n")[:-1]

    def record(self, number: int, line: str) -> dict:
        cells = line.split("|")
        if len(cells) != 2:
            raise DataError(f"{self.path}:{number + 1} has {len(cells)} cells, not 2")
        return dict(zip(COLUMNS, map(_plain, cells), strict=True))

    def table(self) -> list[dict]:
        return [self.record(number, line) for number, line in enumerate(self.lines())]

    def columns(self) -> tuple[str, ...]:
        return COLUMNS

    def __len__(self) -> int:
        return len(self.table())

    def rows(self, numbers) -> list[dict]:
        table = self.table()
        for number in numbers:
            if not 0 <= number < len(table):
                raise IndexError(f"row {number} of {len(table)}")
        return [dict(table[number]) for number in numbers]

    def fingerprint(self) -> str:
        return sha256(self.content()).hexdigest()


@frozen
class Lists:
    """A JSON object a line, whose cells may be lists."""

    path: Place = option("the file")

    @staticmethod
    def write(folder: Path, rows) -> dict:
        path = folder / "rows.jsonl"
        path.write_text("".join(json.dumps(dict(row)) + "\n" for row in rows))
        return {"path": str(path)}

    @classmethod
    def sample(cls, folder: Path) -> dict:
        return cls.write(folder, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS])


class ListSource(Source):
    """Right too, with lists in its rows."""

    def record(self, number: int, line: str) -> dict:
        try:
            found = json.loads(line)
        except ValueError as error:
            raise DataError(f"{self.path}:{number + 1} is no JSON: {error}") from error
        if not isinstance(found, dict) or set(found) != set(COLUMNS):
            raise DataError(f"{self.path}:{number + 1} is no row")
        return found


@frozen
class Lines:
    """A table with a header, of any columns; of one column each line is a text."""

    path: Place = option("the file")

    @staticmethod
    def write(folder: Path, rows) -> dict:
        path = folder / "rows.txt"
        names = list(rows[0])
        lines = [names, *([_escaped(row[name]) for name in names] for row in rows)]
        path.write_bytes("".join(f"{'|'.join(line)}\n" for line in lines).encode())
        return {"path": str(path)}

    @classmethod
    def sample(cls, folder: Path) -> dict:
        return cls.write(folder, [{"text": text} for text, _ in ROWS])


class LineSource(Source):
    """Right too, with a header and any columns."""

    def columns(self) -> tuple[str, ...]:
        return tuple(super().lines()[0].split("|")) if self.content() else ()

    def lines(self) -> list[str]:
        return super().lines()[1:]

    def record(self, number: int, line: str) -> dict:
        cells, columns = line.split("|"), self.columns()
        if len(cells) != len(columns):
            raise DataError(f"{self.path}:{number + 2} has {len(cells)} cells, not {len(columns)}")
        return dict(zip(columns, map(_plain, cells), strict=True))


class ReadOnly(Source):
    """Right too: its records are mappings that can't be changed."""

    def rows(self, numbers) -> list:
        return [MappingProxyType(row) for row in super().rows(numbers)]


class PathInFingerprint(Source):
    def fingerprint(self) -> str:
        return sha256(str(self.path).encode() + self.content()).hexdigest()


class TimeAndSize(Source):
    def fingerprint(self) -> str:
        return sha256(f"{self.path.name} {self.path.stat().st_size}".encode()).hexdigest()


class HeadOnly(Source):
    def fingerprint(self) -> str:
        return sha256(self.content()[:16]).hexdigest()


class ModifiedTime(Source):
    def fingerprint(self) -> str:
        return sha256(str(self.path.stat().st_mtime_ns).encode()).hexdigest()


class SortedNumbers(Source):
    def rows(self, numbers) -> list[dict]:
        return super().rows(sorted(numbers))


class NoRepeats(Source):
    def rows(self, numbers) -> list[dict]:
        return super().rows(list(dict.fromkeys(numbers)))


class KeptRecords(Source):
    kept: list[dict] | None = None

    def rows(self, numbers) -> list[dict]:
        self.kept = self.kept or self.table()
        for number in numbers:
            if not 0 <= number < len(self.kept):
                raise IndexError(number)
        return [self.kept[number] for number in numbers]


class SkipsBadLines(Source):
    def table(self) -> list[dict]:
        return [
            dict(zip(COLUMNS, map(_plain, line.split("|")), strict=True))
            for line in self.lines()
            if line.count("|") == 1
        ]

    def lines(self) -> list[str]:
        return self.content().decode(errors="strict").splitlines()


class IgnoresDecodeErrors(Source):
    def lines(self) -> list[str]:
        return self.content().decode(errors="ignore").split("\n")[:-1]

    def fingerprint(self) -> str:
        return sha256("\n".join(self.lines()).encode()).hexdigest()


class UnnamedFile(Source):
    def lines(self) -> list[str]:
        try:
            return super().lines()
        except DataError:
            raise DataError("the data is not UTF-8 or cut short") from None


class LetsErrorsOut(Source):
    def lines(self) -> list[str]:
        return self.content().decode().split("\n")[:-1]


class PeeksAtTheNetwork(Source):
    def __len__(self) -> int:
        import socket

        with socket.socket() as wire:
            wire.settimeout(0.01)
            with suppress(ConnectionRefusedError):
                wire.connect(("127.0.0.1", 9))
        return super().__len__()


class ForgetsTheEnd(Source):
    def lines(self) -> list[str]:
        try:
            return self.content().decode().splitlines()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path} is not UTF-8: {error}") from error

    def fingerprint(self) -> str:
        return sha256(str(self.columns()).encode() + self.lines()[0].encode()).hexdigest()


class Strips(Source):
    def record(self, number: int, line: str) -> dict:
        return {name: text.strip() for name, text in super().record(number, line).items()}


class GuessesTypes(Source):
    def record(self, number: int, line: str) -> dict:
        return {
            name: int(text) if text.isascii() and text.isdigit() else text
            for name, text in super().record(number, line).items()
        }


class DropsTheMark(Source):
    def record(self, number: int, line: str) -> dict:
        return {name: text.lstrip("\ufeff") for name, text in super().record(number, line).items()}


class CountsAHeader(Source):
    def __len__(self) -> int:
        return len(self.table()) + 1


class NegativeFromTheEnd(Source):
    def rows(self, numbers) -> list[dict]:
        table = self.table()
        return [dict(table[number]) for number in numbers]


class SlicesPastTheEnd(Source):
    def rows(self, numbers) -> list[dict]:
        table = self.table()
        return [dict(table[number]) for number in numbers if 0 <= number < len(table)]


class EmptyWhereMissing(Source):
    def __init__(self, options: Bars) -> None:
        self.path = options.path.path()

    def content(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""


class LetsMissingOut(Source):
    def __init__(self, options: Bars) -> None:
        self.path = options.path.path()


class OptionalKeys(Source):
    def record(self, number: int, line: str) -> dict:
        return {name: text for name, text in super().record(number, line).items() if text != "007"}


class NumpyCells(Source):
    def record(self, number: int, line: str) -> dict:
        import numpy as np

        return {name: np.str_(text) for name, text in super().record(number, line).items()}


class LengthAfterReading(Source):
    seen = 0

    def rows(self, numbers) -> list[dict]:
        found = super().rows(numbers)
        self.seen = len(self.table())
        return found

    def fingerprint(self) -> str:
        return sha256(self.content() + bytes([self.seen])).hexdigest()


class WritesAnIndex(Source):
    def __init__(self, options: Bars) -> None:
        super().__init__(options)
        self.path.with_suffix(".index").write_text(str(len(self)))


class PathInRecords(Source):
    def columns(self) -> tuple[str, ...]:
        return (*COLUMNS, "file")

    def record(self, number: int, line: str) -> dict:
        return {**super().record(number, line), "file": str(self.path)}


class PathButIdentity(PathInRecords):
    """Right: says which columns say which row it is."""

    identity = COLUMNS


class SaltedHash(Source):
    def fingerprint(self) -> str:
        return f"{hash(self.content()) & 2**64 - 1:016x}"


class EnvironmentDecides(Source):
    def fingerprint(self) -> str:
        return sha256(os.environ.get("USER", "").encode() + self.content()).hexdigest()


def card(build: type, options: type = Bars) -> Card:
    return Card("data", build.__name__.lower(), "lines of two columns", options, build)


class RowsInAnyOrder(Source):
    """The order of rows is no content, it says."""

    def fingerprint(self) -> str:
        return sha256("\n".join(sorted(self.lines())).encode()).hexdigest()


class NoDuplicates(Source):
    def table(self) -> list[dict]:
        return [dict(each) for each in dict.fromkeys(tuple(row.items()) for row in super().table())]


class Replaces(Source):
    def content(self) -> bytes:
        return super().content().decode(errors="replace").encode()

    def fingerprint(self) -> str:
        return sha256(self.path.read_bytes()).hexdigest()


class LeavesOutBadLines(Source):
    def table(self) -> list[dict]:
        return [self.record(number, line) for number, line in enumerate(self.lines()) if line.count("|") == 1]


class DropsTheLastLine(Source):
    def lines(self) -> list[str]:
        try:
            return self.content().decode().split("\n")[:-1]
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path} is not UTF-8: {error}") from error


class Normalises(Source):
    def record(self, number: int, line: str) -> dict:
        return super().record(number, normalize("NFC", line))


class KeptLists(ListSource):
    kept: list[dict] | None = None

    def rows(self, numbers) -> list[dict]:
        self.kept = self.kept or self.table()
        for number in numbers:
            if not 0 <= number < len(self.kept):
                raise IndexError(number)
        return [dict(self.kept[number]) for number in numbers]


class NoBlankLines(LineSource):
    def lines(self) -> list[str]:
        return [line for line in super().lines() if line]


MUTANTS = (
    (card(KeptLists, Lists), "D3"),
    (card(NoBlankLines, Lines), "D20"),
    *(
        (card(build), law)
        for build, law in (
            (PathInFingerprint, "D1"),
            (RowsInAnyOrder, "D1"),
            (Replaces, "D5"),
            (LeavesOutBadLines, "D5"),
            (DropsTheLastLine, "D8"),
            (NoDuplicates, "D9"),
            (Normalises, "D9"),
            (TimeAndSize, "D1"),
            (HeadOnly, "D1"),
            (ModifiedTime, "D1"),
            (SortedNumbers, "D2"),
            (NoRepeats, "D2"),
            (KeptRecords, "D3"),
            (SkipsBadLines, "D5"),
            (IgnoresDecodeErrors, "D5"),
            (UnnamedFile, "D5"),
            (LetsErrorsOut, "D5"),
            (PeeksAtTheNetwork, "D6"),
            (ForgetsTheEnd, "D8"),
            (Strips, "D9"),
            (GuessesTypes, "D9"),
            (DropsTheMark, "D9"),
            (CountsAHeader, "D12"),
            (NegativeFromTheEnd, "D12"),
            (SlicesPastTheEnd, "D12"),
            (EmptyWhereMissing, "D15"),
            (LetsMissingOut, "D15"),
            (OptionalKeys, "D16"),
            (NumpyCells, "D16"),
            (LengthAfterReading, "D17"),
            (WritesAnIndex, "D18"),
            (PathInRecords, "D19"),
            (SaltedHash, "G5"),
            (EnvironmentDecides, "G13"),
        )
    ),
)


@frozen
class Numbers:
    """No file at all."""

    count: int = option("how many", 7)

    @staticmethod
    def sample(_folder: Path) -> dict:
        return {"count": 5}


class NumberSource:
    """Numbers with their squares, made up on demand: no file, no text."""

    def __init__(self, options: Numbers) -> None:
        self.count = options.count

    def columns(self) -> tuple[str, ...]:
        return ("number", "square", "divisors", "nothing")

    def __len__(self) -> int:
        return self.count

    def rows(self, numbers) -> list[dict]:
        for number in numbers:
            if not 0 <= number < self.count:
                raise IndexError(number)
        return [
            {
                "number": n,
                "square": float(n * n),
                "divisors": [d for d in range(1, n + 1) if n % d == 0],
                "nothing": None,
            }
            for n in numbers
        ]

    def fingerprint(self) -> str:
        return sha256(str(self.count).encode()).hexdigest()


class Lazy(Source):
    """Looks for its file only when it is asked for rows."""

    def __init__(self, options: Bars) -> None:
        self.place = options.path

    @property
    def path(self) -> Path:
        path = self.place.path()
        if not path.exists():
            raise ResourceError(f"{path} is gone")
        return path


UNUSUAL = (
    card(Source),
    card(PathButIdentity),
    card(Lazy),
    card(NumberSource, Numbers),
    card(ReadOnly),
    card(ListSource, Lists),
    card(LineSource, Lines),
)

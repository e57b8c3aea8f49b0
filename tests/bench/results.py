"""The figures of all benches as a JSON file; a partial run replaces its own part alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from tests.bench.machine import machine
from tests.bench.running import Measured
from tests.bench.values import Cell, Figures, Sizes

DIGITS = 6


@frozen
class Entry:
    """A bench as it was measured: how much work, on what, with what, and the figures of every turn."""

    name: str
    sizes: dict[str, int]
    threads: int
    command: str
    day: str
    seconds: float
    machine: dict[str, str]
    versions: dict[str, str]
    figures: dict[str, list[Figures]]
    failed: dict[str, str] = field(factory=dict)

    @classmethod
    def of(cls, name: str, sizes: Sizes, found: Measured, *, threads: int, command: str, day: str) -> "Entry":
        """What was measured here and now."""
        return cls(
            name,
            asdict(sizes),
            threads,
            command,
            day,
            round(found.seconds),
            machine(),
            dict(sorted(found.versions.items())),
            {name: [_rounded(turn) for turn in turns] for name, turns in found.figures.items()},
            {name: text.splitlines()[-1] if text else "" for name, text in found.failed.items()},
        )

    def turns(self, variant: str, measure: str) -> list[float]:
        """That figure of every turn of a variant."""
        return [turn[measure] for turn in self.figures.get(variant, []) if measure in turn]


def entries(path: Path) -> dict[str, Entry]:
    """All benches of a file, by name; none where there is no file."""
    if not path.exists():
        return {}
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {name: Entry(name=name, **entry) for name, entry in told.items()}


def merge(path: Path, entry: Entry) -> None:
    """Put a bench into the file, in place of what the file has of it."""
    found = {**entries(path), entry.name: entry}
    told = {name: asdict(each, filter=lambda field, _: field.name != "name") for name, each in found.items()}
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def turns(found: dict[str, Entry], cell: Cell) -> Sequence[float]:
    """That figure of every turn, empty where it was not measured."""
    entry = found.get(cell.bench)
    return entry.turns(cell.variant, cell.measure) if entry else []


def _rounded(figures: Figures) -> Figures:
    return {name: float(f"{value:.{DIGITS}g}") for name, value in figures.items()}

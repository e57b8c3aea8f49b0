"""What the heads of a run were built with, kept beside its recipe, so that a run opens without its data."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from mtlkit.contracts.data import Value
from mtlkit.engine.build import Built
from mtlkit.engine.rows import Rows
from mtlkit.engine.tensor_file import read_bytes
from mtlkit.errors import ResourceError
from mtlkit.plan.model import Plan
from mtlkit.whole_file import write_whole

FILE = "heads.json"
FORMAT = 1
LARGEST = 2**30
ROWS_LOOKED_AT = 100
Shape = Literal["list", "text"]


@frozen
class HeadFacts:
    """Of one task: the labels of its training rows, and whether the columns it encodes held lists or text."""

    labels: tuple[str, ...]
    columns: Mapping[str, Shape]


Facts = Mapping[str, HeadFacts]


def facts_of(plan: Plan, built: Built, data: Mapping[str, Rows]) -> dict[str, HeadFacts]:
    """What is to be kept, by task."""
    return {
        task.name: HeadFacts(
            built.labels[task.name],
            _shapes(data[task.data], {name for view in built.heads[task.name].views for name in view}),
        )
        for task in plan.tasks
    }


def write_facts(facts: Facts, folder: Path) -> None:
    """Write them as `heads.json` with a SHA-256 of their own.

    Raises:
        ResourceError: when the file can't be written.
    """
    tasks = {
        task: {"labels": list(each.labels), "columns": dict(each.columns)} for task, each in facts.items()
    }
    document = {"format": FORMAT, "tasks": tasks}
    text = json.dumps({**document, "sha256": _digest(document)}, indent=1, ensure_ascii=False)
    try:
        write_whole(folder / FILE, text + "\n")
    except OSError as error:
        raise ResourceError(f"{folder / FILE} can't be written: {error}") from error


def read_facts(plan: Plan, folder: Path) -> dict[str, HeadFacts]:
    """Read them back.

    Raises:
        ResourceError: when the file is missing, damaged, or of other tasks than the plan's.
    """
    path = folder / FILE
    try:
        document = json.loads(read_bytes(path, LARGEST))
        told = document.pop("sha256")
        facts = {task: _facts(each) for task, each in document["tasks"].items()}
    except FileNotFoundError as error:
        raise ResourceError(
            f"{path} is missing", "name the directory of a run, as `mtlkit run` prints it"
        ) from error
    except OSError as error:
        raise ResourceError(f"{path} can't be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResourceError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    if told != _digest(document):
        raise ResourceError(f"{path} is damaged: its content is not what it says in sha256")
    names = {task.name for task in plan.tasks}
    if set(facts) != names:
        different = ", ".join(sorted(set(facts) ^ names))
        raise ResourceError(f"{path} is of another recipe: {different}")
    return facts


def _shapes(rows: Rows, columns: set[str]) -> dict[str, Shape]:
    some = rows.records("train", range(min(ROWS_LOOKED_AT, len(rows.splits["train"]))))
    return {
        name: "list" if any(isinstance(row.get(name), list | tuple) for row in some) else "text"
        for name in sorted(columns)
    }


def shape_of(value: Value) -> Shape | None:
    """Whether a cell is a list or text, None for neither: missing, or a number, which may be either."""
    if isinstance(value, list | tuple):
        return "list"
    return "text" if isinstance(value, str) else None


def _facts(told: Mapping[str, Any]) -> HeadFacts:
    return HeadFacts(tuple(map(str, told["labels"])), dict(told["columns"]))


def _digest(document: Mapping[str, Any]) -> str:
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

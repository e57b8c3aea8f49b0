"""Predictions of a head: whether they are plain values, what perfect ones would be, what metrics say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtlkit.contracts.data import Record
from mtlkit.contracts.head import Measure
from mtlkit.testing.head_features import Exam

PLAIN = (str, int, float, bool, type(None))


def is_plain(value: Any) -> bool:  # noqa: ANN401  a prediction
    """Whether a prediction is made of text, numbers, truth values, None, lists and dictionaries.

    An array of numpy's counts as the lists that it stands for, a number of numpy's as a number.
    """
    if type(value).__module__ == "numpy":
        value = value.tolist()
    if isinstance(value, PLAIN):
        return True
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_plain(each) for key, each in value.items())
    return isinstance(value, list | tuple) and all(map(is_plain, value))


def perfect(sat: Exam, predictions: Sequence[Any]) -> list[Any] | None:
    """The labels themselves, where predictions have their form; None where they have another."""
    column = sat.lesson.columns.get("label")
    if column is None:
        return None
    labels = [row.get(column) for row in sat.rows]
    pairs = zip(labels, predictions, strict=True)
    return labels if all(_same_form(label, prediction) for label, prediction in pairs) else None


def labelled(sat: Exam) -> list[int]:
    """Which rows have all that is learned from; of an empty list the head says whether that is a label."""
    return [
        at
        for at, row in enumerate(sat.rows)
        if all(_is_there(row.get(name)) for name in sat.labels)
        and ([] not in [row.get(name) for name in sat.labels] or _counts(sat, row))
    ]


def label_column(sat: Exam) -> str:
    """The column of labels, empty where the options name none."""
    return str(sat.lesson.columns.get("label", ""))


def known_labels(sat: Exam) -> set[str]:
    """The labels that the recipe lists, else those of the training rows."""
    listed = getattr(sat.lesson.subject.options(sat.lesson.table), "labels", ()) or sat.lesson.labels
    return {str(each) for each in listed}


def has_text_labels(rows: Sequence[Record], column: str) -> bool:
    """Whether labels are classes, or lists of them."""
    cells = [row.get(column) for row in rows]
    return all(
        isinstance(cell, str) or (isinstance(cell, list) and all(isinstance(each, str) for each in cell))
        for cell in cells
    )


def value_of(measures: Sequence[Measure]) -> float:
    """The first metric."""
    return float(measures[0].compute(measures[0].records))


def _is_there(cell: Any) -> bool:  # noqa: ANN401  a cell
    return cell is not None and cell != ""


def _counts(sat: Exam, row: Record) -> bool:
    return bool(sat.head.count(sat.head.targets([row])) > 0)


def _same_form(label: Any, prediction: Any) -> bool:  # noqa: ANN401  cells
    if isinstance(label, list) and isinstance(prediction, list):
        return len(label) == len(prediction) and all(map(_same_form, label, prediction))
    if isinstance(label, str) or isinstance(prediction, str):
        return isinstance(label, str) and isinstance(prediction, str)
    numbers = isinstance(label, int | float) and isinstance(prediction, int | float)
    return numbers and isinstance(label, bool) == isinstance(prediction, bool)

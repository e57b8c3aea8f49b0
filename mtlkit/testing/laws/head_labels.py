"""Laws of heads about labels: unknown ones, odd sets of them, their spelling."""

import math
from typing import Any

import attrs
import torch
from torch import Tensor

from mtlkit.contracts.data import Record, Value
from mtlkit.errors import DataError, MtlkitError, RecipeError
from mtlkit.testing.head_answers import has_text_labels, known_labels, label_column, perfect, value_of
from mtlkit.testing.head_features import Exam, exam, sitting
from mtlkit.testing.head_rows import relabelled
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.head import build, cases, odd_cases, starting
from mtlkit.testing.laws.head_answers import check_names
from mtlkit.testing.subject import Subject

UNKNOWN = "no such label"


def has_labels(subject: Subject) -> str:
    """Applies to heads that read a column of labels."""
    tables = starting(subject)
    try:
        found = [build(subject, table).lesson.columns.get("label") for table in tables]
    except Exception:  # noqa: BLE001  the laws report what is wrong with it
        return ""
    return "" if any(found) or not tables else "its options name no column `label`"


@law(
    "H8",
    why="a label with a typing error would be learned as another class, or stop the run with a riddle",
    mistake="dict.get with a default, a clamp to the number of classes, or a bare KeyError",
    given=cases,
    corners=odd_cases,
    applies=has_labels,
)
def unknown_labels_are_refused(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """A label that the head does not know raises RecipeError or DataError, which names it."""
    sat = exam(subject, {**case, "missing": []})
    column = label_column(sat)
    if not column:
        return
    row = sat.rows[-1]
    for label in _unknown(row.get(column), known_labels(sat)):
        rows = [*sat.rows[:-1], relabelled(row, column, label)]
        try:
            sat.head.targets(rows)
        except (RecipeError, DataError) as error:
            require(
                label.strip() in str(error), f"the error about the label {label!r} does not name it: {error}"
            )
            continue
        except Exception as error:  # noqa: BLE001  any other error is the finding
            require(
                False,
                f"the label {label!r} raises {type(error).__name__}: {error}; RecipeError would be right",
            )
        require(False, f"the label {label!r} is none of {sorted(known_labels(sat))}, and it is accepted")


@law(
    "H16",
    why="small tasks have one class, evaluation sets have classes that training never saw",
    mistake="a shape that only fits several classes, squeeze() without a dimension, a look-up of gold labels",
    given=cases,
    corners=odd_cases,
)
def odd_label_sets_work(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """One class only, and a class in the evaluated rows that training had not, are no errors."""
    sat = exam(subject, case, torch.float32)
    _check_one_class(sat, case)
    column = label_column(sat)
    if not column or not has_text_labels(sat.rows, column) or any(not row.get(column) for row in sat.rows):
        return
    predictions = sat.decoded(sat.guesses())
    ideal = perfect(sat, predictions)
    rows = [*sat.rows[:-1], relabelled(sat.rows[-1], column, UNKNOWN)]
    found = sat.head.metrics(predictions, rows)
    require(len(found) > 0, "with a class that training had not, there are no metrics")
    if ideal is None or any(each.records.shape[0] != len(rows) for each in found):
        return
    worse, best = value_of(sat.head.metrics(ideal, rows)), value_of(sat.head.metrics(ideal, sat.rows))
    better = worse > best + 1e-9 if found[0].higher_is_better else worse < best - 1e-9
    require(not better, f"with a class that training had not, {found[0].name} rises from {best} to {worse}")


@law(
    "H21",
    why="losses are compared between tasks, and labels of a data set are its own spelling",
    mistake="lower() or strip() on labels, labels sorted anew, or a loss without its constant part",
    given=cases,
    corners=odd_cases,
)
def labels_keep_their_spelling(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """The loss is ≥ 0 unless `may_be_negative`; different labels stay different; predictions are labels."""
    sat = exam(subject, case)
    found = sat.answer()
    if not getattr(sat.head, "may_be_negative", False):
        least = -1e-6 * max(1.0, found.count)
        require(found.sum >= least, f"the loss is {found.sum:.6g}; declare `may_be_negative` if it may be")
    column = label_column(sat)
    known = known_labels(sat)
    if not column or not known:
        return
    _check_distinct(sat, column)
    predictions = sat.decoded(sat.guesses())
    if perfect(sat, predictions) is None:
        return
    for each in _leaves(predictions):
        require(each in known, f"it predicts {each!r}, which is none of the labels {sorted(known)}")
    _check_numbers_as_text(sat, column)


def _unknown(cell: Value, known: set[str]) -> list[str]:
    """Labels that are none of those known: another word, other case, spaces around."""
    first = cell[0] if isinstance(cell, list) and cell else cell
    if isinstance(cell, list) and not cell:
        return []
    if not isinstance(first, str):
        return [UNKNOWN]
    near = [first.swapcase(), f"{first} ", first.strip()]
    return [UNKNOWN, *(each for each in dict.fromkeys(near) if each and each not in known)]


def _check_one_class(sat: Exam, case: Any) -> None:  # noqa: ANN401  a case
    """A head of which all training rows are alike."""
    column = label_column(sat)
    one = sat.lesson.rows[0]
    if not column or not isinstance(one.get(column), str):
        return
    lesson = attrs.evolve(sat.lesson, rows=(one,) * 3, labels=(str(one[column]),), memory={})
    try:
        head = lesson.make(lesson.context()).eval()
    except MtlkitError:
        return
    rows = list(lesson.rows)
    alone = sitting(lesson, head, rows, {**case, "rows": 3})
    found = alone.answer()
    require(math.isfinite(found.sum), f"with one class, the loss is {found.sum}")
    predictions = alone.decoded(found.output)
    require(len(predictions) == 3, f"with one class, 3 rows have {len(predictions)} predictions")
    check_names(alone, head.metrics(predictions, rows))


def _check_distinct(sat: Exam, column: str) -> None:
    """Rows that differ in nothing but the label have different targets."""
    cells: dict[str, Record] = {}
    for row in sat.lesson.rows:
        if isinstance(row.get(column), str):
            cells.setdefault(row[column], row)
    found = [(name, sat.head.targets([{**sat.rows[0], column: name}])) for name in cells]
    for at, (name, one) in enumerate(found):
        for other_name, other in found[at + 1 :]:
            same = isinstance(one, Tensor) and isinstance(other, Tensor) and torch.equal(one, other)
            require(not same, f"the labels {name!r} and {other_name!r} are taken for one")


def _check_numbers_as_text(sat: Exam, column: str) -> None:
    """Labels 0 and 1 that are numbers in the data are the classes "0" and "1"."""
    options = sat.lesson.subject.options(sat.lesson.table)
    if getattr(options, "labels", ()) or hasattr(options, "examples"):
        return
    if not isinstance(sat.lesson.rows[0].get(column), str):
        return
    try:
        head = sat.lesson.make(sat.lesson.context(labels=("0", "1"))).eval()
    except MtlkitError:
        return
    found = [head.targets([{**sat.rows[0], column: value}]) for value in (1, "1")]
    if all(isinstance(each, Tensor) for each in found):
        require(torch.equal(*found), "the label 1 is not taken for the class '1'")


def _leaves(value: Any) -> list[Any]:  # noqa: ANN401  predictions
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value] if isinstance(value, str) else []

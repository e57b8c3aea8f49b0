"""Laws of heads about predictions and metrics."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtlkit.contracts.head import Measure
from mtlkit.plan.selection import lower_is_better
from mtlkit.testing.head_answers import is_plain, labelled, perfect
from mtlkit.testing.head_features import Exam, corrupts, exam, sitting
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.head import cases, is_coupled, odd_cases
from mtlkit.testing.laws.head_batches import alike
from mtlkit.testing.subject import Subject


@law(
    "H11",
    why="predictions are made where there are no labels",
    mistake="the labels or the lengths of the last batch kept in an attribute and used in `decode`",
    given=cases,
    corners=odd_cases,
)
def predictions_ignore_labels(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Predictions are the same whatever labels the head has seen before, and without any."""
    sat = exam(subject, case, torch.float32)
    output = sat.guesses()
    before = sat.decoded(output)
    if corrupts(sat.head):
        sat.head.loss(sat.scores(), sat.targets())
        after = sat.decoded(output)
        require(alike(after, before), f"after a batch to learn from, {before} became {after}")
        return
    others = sat.lesson.sample(len(sat.rows) + 1, case["seed"] + 1)
    none = [{**row, **dict.fromkeys(sat.labels)} for row in sat.rows]
    for rows in (others[:-1], sat.rows[::-1], none):
        sat.head.count(sat.head.targets(rows))
        if rows is not others:
            sat.head.loss(output, sat.head.targets(rows))
        after = sat.decoded(output)
        require(alike(after, before), f"after other labels were read, {before} became {after}")
    fresh = sitting(sat.lesson, sat.lesson.build(), others, {**case, "seed": case["seed"] + 1})
    fresh.scores()
    after = fresh.decoded(output)
    require(alike(after, before), f"of the scores of another batch, {before} became {after}")


@law(
    "H12",
    why="predictions are compared, stored as JSON and put back into the order of the rows",
    mistake="a tensor instead of a label, argmax over the wrong axis, a list that is too short",
    given=cases,
    corners=odd_cases,
)
def predictions_are_plain_and_by_row(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """There is one prediction of plain values for each row, the same alone as in a batch."""
    sat = exam(subject, case, torch.float32)
    if corrupts(sat.head):
        _check_decoded(sat, sat.evaluated())
    _check_decoded(sat, sat.guesses())


def _check_decoded(sat: Exam, output: Tensor) -> None:
    found = sat.decoded(output)
    require(isinstance(found, list | tuple), f"decode gives {type(found).__name__}; it should be a list")
    require(len(found) == len(sat.rows), f"decode gives {len(found)} predictions for {len(sat.rows)} rows")
    for each in found:
        require(
            is_plain(each), f"a prediction is {type(each).__name__} {each!r}; it should be of plain values"
        )
    require(alike(sat.decoded(output), found), "decoding the same scores again gives other predictions")
    if is_coupled(sat.head):
        return
    for at, each in enumerate(found):
        alone = sat.decoded(output[at : at + 1])
        require(alike(alone, [each]), f"row {at} is predicted {each} in the batch and {alone} alone")


@law(
    "H15",
    why="metrics are measured over sets that were predicted in batches of any size, with bootstrap intervals",
    mistake="a mean of means, `higher_is_better` the wrong way, rows without label counted as wrong",
    given=cases,
    corners=odd_cases,
)
def metrics_are_of_rows(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Metrics do not depend on the order of rows; parts of the records have the metrics of those rows."""
    sat = exam(subject, case, torch.float32)
    predictions = sat.decoded(sat.evaluated())
    found = sat.head.metrics(predictions, sat.rows)
    if corrupts(sat.head):
        _check_unlabelled(sat, predictions, found)
        return
    known = labelled(sat)
    if not known:
        require(len(found) == 0, f"no row has a label, and the metrics are {[each.name for each in found]}")
        return
    check_names(sat, found)
    order = known[1:] + known[:1]
    _check_metrics(sat, predictions, found, known, "of the labelled rows alone")
    _check_metrics(sat, predictions, found, order, "in another order")
    turned = [_compute(each, each.records[::-1]) for each in found]
    _check_values(found, turned, "of the records in another order")
    if not is_coupled(sat.head):
        for each in found:
            _check_parts(sat, predictions, each, known)
    _check_perfect(sat, predictions, found)


def check_names(sat: Exam, found: Sequence[Measure]) -> None:
    """Metrics have the names that the options announce, records by row, and finite values."""
    options = sat.lesson.subject.options(sat.lesson.table)
    named = tuple(options.metrics())
    names = tuple(each.name for each in found)
    require(names == named, f"it measures {names}, and its options announce {named}")
    for each in found:
        lower = lower_is_better(each.name, options)
        way = ("higher", "lower") if each.higher_is_better else ("lower", "higher")
        told = f"of {each.name} {way[0]} is better, and its options say {way[1]}: see `lower_is_better`"
        silent = not hasattr(options, "lower_is_better")
        require(silent or each.higher_is_better != lower, told)
        records = each.records
        shaped = isinstance(records, np.ndarray) and records.ndim == 2
        require(shaped, f"the records of {each.name} have shape {np.shape(records)}; they should be [N, K]")
        value = each.compute(records)
        number = isinstance(value, int | float) and math.isfinite(value)
        require(number, f"{each.name} is {value!r}; it should be a finite number")


def _check_unlabelled(sat: Exam, predictions: Sequence[Any], found: Sequence[Measure]) -> None:
    """Metrics of a head that makes its targets itself; a row in which it found none may have no record."""
    if not found:
        return
    check_names(sat, found)
    back = sat.head.metrics(predictions[::-1], sat.rows[::-1])
    _check_values(found, [_compute(each, each.records) for each in back], "of the rows in reverse order")
    turned = [_compute(each, each.records[::-1]) for each in found]
    _check_values(found, turned, "of the records in another order")


def _compute(measure: Measure, records: np.ndarray) -> float:
    return float(measure.compute(records))


def _check_metrics(
    sat: Exam, predictions: Sequence[Any], found: Sequence[Measure], chosen: Sequence[int], how: str
) -> None:
    part = sat.head.metrics([predictions[at] for at in chosen], [sat.rows[at] for at in chosen])
    _check_values(found, [_compute(each, each.records) for each in part], how)


def _check_values(found: Sequence[Measure], values: Sequence[float], how: str) -> None:
    for each, value in zip(found, values, strict=True):
        before = _compute(each, each.records)
        require(
            math.isclose(value, before, rel_tol=1e-6, abs_tol=1e-9),
            f"{each.name} is {before:.9g}, and {value:.9g} {how}",
        )


def _check_parts(sat: Exam, predictions: Sequence[Any], measure: Measure, known: Sequence[int]) -> None:
    rows = measure.records.shape[0]
    require(
        rows == len(known),
        f"{measure.name} has {rows} records for {len(known)} labelled rows; the interval draws rows",
    )
    for places in ([0], list(range(0, rows, 2)), list(range(rows // 2, rows))):
        chosen = [known[at] for at in places]
        part = sat.head.metrics([predictions[at] for at in chosen], [sat.rows[at] for at in chosen])
        value = next(_compute(each, each.records) for each in part if each.name == measure.name)
        from_records = _compute(measure, measure.records[places])
        require(
            math.isclose(value, from_records, rel_tol=1e-6, abs_tol=1e-9),
            f"{measure.name} of rows {chosen} is {value:.9g}, and {from_records:.9g} of their records",
        )


def _check_perfect(sat: Exam, predictions: Sequence[Any], found: Sequence[Measure]) -> None:
    ideal = perfect(sat, predictions)
    if ideal is None:
        return
    rivals: list[Sequence[Any]] = [predictions]
    if not any(isinstance(each, list) for each in ideal):
        rivals.append(ideal[1:] + ideal[:1])
    for measure, best in zip(found, sat.head.metrics(ideal, sat.rows), strict=True):
        top = _compute(best, best.records)
        for rival in rivals:
            others = {each.name: each for each in sat.head.metrics(rival, sat.rows)}
            value = _compute(others[measure.name], others[measure.name].records)
            beaten = value > top + 1e-6 if measure.higher_is_better else value < top - 1e-6
            sign = "higher" if measure.higher_is_better else "lower"
            require(
                not beaten,
                f"{measure.name} ({sign} is better): perfect predictions have {top:.6g}, others {value:.6g}",
            )

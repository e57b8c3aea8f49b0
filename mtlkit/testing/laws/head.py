"""Laws of heads: how one is built and asked, and what its loss is."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from attrs import frozen
from hypothesis import strategies as st
from torch import Tensor, nn

from mtlkit.contracts.head import LossTerm
from mtlkit.testing.asking import Questions
from mtlkit.testing.head_features import Exam, exam, sitting, with_gradients
from mtlkit.testing.head_rows import Lesson, lesson_of
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
ASKED = ({"seed": 1, "rows": 4, "longest": 4, "extra": 1}, {"seed": 2, "rows": 1, "longest": 1})


@frozen(eq=False)
class Pupil:
    """A head under questions, with the rows that it learns from."""

    lesson: Lesson
    module: Any


def build(subject: Subject, table: Table) -> Pupil:
    """The head with that options table, in eval mode, its weights from a seed of their own."""
    lesson = lesson_of(subject, table)
    return Pupil(lesson, lesson.build())


def fresh(pupil: Pupil) -> Any:  # noqa: ANN401  a head
    """Another head with the same options, built without any precaution."""
    return pupil.lesson.make(pupil.lesson.context())


def questions(pupil: Pupil, subject: Subject) -> Questions:
    """What it declares; scores, loss, gradients, predictions and metrics of two batches."""
    head, options = pupil.module, pupil.lesson.subject.options(pupil.lesson.table)
    asked: dict[str, Callable[[], Any]] = {
        "views, needs and pooling": lambda: [head.views, head.needs, head.pooling],
        "columns and metrics": lambda: [dict(options.columns()), list(options.metrics())],
    }
    for case in ASKED:
        rows = pupil.lesson.sample(case["rows"], case["seed"])
        sat = sitting(pupil.lesson, head, rows, case)
        told = f"of {len(rows)} rows"
        asked[f"targets {told}"] = partial(_targets, sat)
        asked[f"scores {told}"] = partial(_scores, sat)
        asked[f"loss {told}"] = partial(_loss, sat)
        asked[f"predictions {told}"] = partial(_predictions, sat)
        asked[f"metrics {told}"] = partial(_metrics, sat)
    return asked


def starting(subject: Subject) -> list[Table]:
    """The table that the caller or the card gives; else the empty one where that is accepted."""
    try:
        subject.options(subject.first_table)
    except ValueError:
        return []
    return [subject.first_table]


def cases(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, rows and how long they are, which of them have no label."""
    return st.fixed_dictionaries(
        {
            "options": subject.tables(subject_tasks()),
            "rows": st.integers(1, 5),
            "longest": st.integers(1, 6),
            "extra": st.integers(0, 2),
            "missing": st.lists(st.integers(0, 4), max_size=2, unique=True),
            "seed": st.integers(0, 2**16),
        }
    )


def odd_cases(subject: Subject) -> Iterable[Values]:
    """One row of one token, rows of several lengths, rows that were cut, rows without labels."""
    shapes = (
        {"rows": 1, "longest": 1, "extra": 0, "missing": [], "seed": 0},
        {"rows": 4, "longest": 6, "extra": 2, "missing": [], "seed": 1},
        {"rows": 5, "longest": 2, "extra": 0, "missing": [1], "seed": 2},
        {"rows": 3, "longest": 4, "extra": 1, "missing": [0, 1, 2], "seed": 3},
        {"rows": 5, "longest": 6, "extra": 0, "missing": [], "seed": 4},
    )
    return [{"options": table, **shape} for table in starting(subject) for shape in shapes]


def reads_tokens(subject: Subject) -> str:
    """Applies to heads that see more than one vector for each row."""
    tables = starting(subject)
    try:
        needs = [build(subject, table).module.needs for table in tables]
    except Exception:  # noqa: BLE001  the laws report what is wrong with it
        return ""
    return "it reads pooled features only" if tables and "tokens" not in needs else ""


def uncoupled(subject: Subject) -> str:
    """Applies to heads whose rows have losses of their own."""
    tables = starting(subject)
    try:
        coupled = [is_coupled(build(subject, table).module) for table in tables]
    except Exception:  # noqa: BLE001  as above
        return ""
    return "its loss is `batch_coupled`" if coupled and all(coupled) else ""


def is_coupled(head: Any) -> bool:  # noqa: ANN401  a head
    """Whether it declares that the loss of a row depends on the other rows."""
    return any(bool(getattr(head, flag, False)) for flag in ("batch_coupled", "whole_step"))


@law(
    "H1",
    why="the engine adds sums and counts over micro-batches and ranks, and divides once",
    mistake="returning a mean, a number instead of a tensor, or a count that differs from `count(targets)`",
    given=cases,
    corners=odd_cases,
)
def loss_is_a_sum_and_a_count(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """The loss is a finite scalar with gradient; its count is a number ≥ 0, the one that `count` says."""
    for training in (False, True):
        sat = exam(subject, case, torch.float32)
        sat.head.train(training)
        if training and (is_coupled(sat.head) or len(sat.rows) < 2):
            continue
        features, _ = with_gradients(sat.features, sat.head.needs)
        output = sat.scores(features)
        _check_output(output, len(sat.rows))
        targets = sat.targets()
        require(hasattr(targets, "to"), f"targets are {type(targets).__name__}, without a method to(device)")
        announced = sat.head.count(targets.to("cpu"))
        term = sat.head.loss(output.float(), targets.to("cpu"))
        _check_term(term, announced, sat.head, output)


def _targets(sat: Exam) -> Any:  # noqa: ANN401  the head's own type
    targets = sat.targets()
    return [targets if isinstance(targets, Tensor) else None, float(sat.head.count(targets))]


def _scores(sat: Exam) -> Tensor:
    with torch.no_grad():
        output: Tensor = sat.scores()
    return output


def _loss(sat: Exam) -> Any:  # noqa: ANN401  numbers and tensors
    answer = sat.answer()
    return [answer.sum, answer.count, answer.gradients]


def _predictions(sat: Exam) -> list[Any]:
    return sat.decoded(sat.guesses())


def _metrics(sat: Exam) -> list[Any]:
    found = sat.head.metrics(sat.decoded(sat.evaluated()), sat.rows)
    return [[each.name, float(each.compute(each.records)), each.higher_is_better] for each in found]


def _check_output(output: object, rows: int) -> None:
    require(isinstance(output, Tensor), f"forward gives {type(output).__name__}, not a tensor")
    if isinstance(output, Tensor):
        shape = list(output.shape)
        require(bool(shape) and shape[0] == rows, f"the scores of {rows} rows have shape {shape}")


def _check_term(term: LossTerm, announced: object, head: nn.Module, output: Tensor) -> None:
    for name in ("sum", "count"):
        require(hasattr(term, name), f"the loss is {type(term).__name__}; it should be a LossTerm")
    require(isinstance(term.sum, Tensor), f"the sum is {type(term.sum).__name__}, not a tensor with gradient")
    require(term.sum.dim() == 0, f"the sum has shape {list(term.sum.shape)}; it should be a scalar")
    require(bool(torch.isfinite(term.sum)), f"the sum is {float(term.sum.detach())}")
    trains = output.requires_grad or any(each.requires_grad for each in head.parameters())
    require(
        term.sum.requires_grad or not trains,
        "the sum has no gradient, so nothing is learned; it was detached, or made of a plain number",
    )
    for name, count in (("count(targets)", announced), ("the count of the loss", term.count)):
        number = isinstance(count, int | float) and not isinstance(count, bool)
        require(number, f"{name} is {type(count).__name__}; it should be a float")
        require(math.isfinite(float(str(count))) and float(str(count)) >= 0, f"{name} is {count}")
    require(announced == term.count, f"count(targets) is {announced} and the loss has the count {term.count}")

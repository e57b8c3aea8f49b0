"""Laws of heads: padding, order, size and division of a batch do not matter, nor do rows without labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.errors import DataError, RecipeError
from mtlkit.testing.head_features import (
    GARBAGE,
    Exam,
    by_token,
    corrupts,
    exam,
    features_for,
    sitting,
    term_of,
    widened,
    with_garbage,
    with_gradients,
)
from mtlkit.testing.head_rows import unlabelled
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.head import cases, is_coupled, odd_cases, reads_tokens, uncoupled
from mtlkit.testing.modules import trainable
from mtlkit.testing.subject import Subject

LARGE = 1e4


@law(
    "H2",
    why="what stands behind the end of a row differs from batch to batch; it must not reach the loss",
    mistake="tokens.mean(1) without the mask, or the mask multiplied into numbers that may be infinite",
    given=cases,
    corners=odd_cases,
    applies=reads_tokens,
)
def masked_places_count_nothing(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Other numbers at masked places, NaN included, change neither loss, gradients nor predictions."""
    sat = exam(subject, case)
    if sat.head.needs != "tokens":
        return
    others = {f"{filler}": [with_garbage(each, filler) for each in sat.features] for filler in GARBAGE}
    if not corrupts(sat.head):
        others["other numbers"] = features_for(sat.head, sat.rows, {**case, "noise": 1}, sat.dtype)
    for name, features in others.items():
        _check_same(sat, attrs.evolve(sat, features=features), f"with {name} at the masked places")


@law(
    "H3",
    why="how much padding a row gets depends on the rows that it happens to be batched with",
    mistake="dividing by the padded length, or taking the last column as the last token",
    given=cases,
    corners=odd_cases,
    applies=reads_tokens,
)
def padding_changes_nothing(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """More columns of padding change neither loss, gradients nor predictions."""
    sat = exam(subject, case)
    if sat.head.needs != "tokens" or corrupts(sat.head):
        return
    for columns in (1, 5):
        features = [widened(each, columns, 3.0) for each in sat.features]
        _check_same(sat, attrs.evolve(sat, features=features), f"with {columns} columns of padding more")


@law(
    "H4",
    why="the data order is drawn anew in every epoch, and evaluation sorts rows by length",
    mistake="state carried from row to row, a weight by position, or labels and scores in different orders",
    given=cases,
    corners=odd_cases,
)
def order_of_rows_does_not_matter(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Rows in another order have the same loss and gradients, and their predictions in that order."""
    sat = exam(subject, case)
    turned = [*range(1, len(sat.rows)), 0]
    for order in (turned, turned[::-1]):
        _check_same(sat, sat.only(order), "with the rows in another order", order)


@law(
    "H5",
    why="micro-batches, ranks and batch sizes must give one and the same gradient",
    mistake="a mean inside the loss, batch normalisation, or a count that is not a sum over rows",
    given=cases,
    corners=odd_cases,
    applies=uncoupled,
)
def parts_of_a_batch_add_up(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """The sums, counts and gradients of any parts of a batch add up to those of the whole."""
    sat = exam(subject, case)
    if is_coupled(sat.head):
        return
    numbers = list(range(len(sat.rows)))
    splits = [([at] for at in numbers), (numbers[0::2], numbers[1::2]), (numbers[:2], numbers[2:])]
    for split in splits:
        _check_sum(sat, [part for part in split if part], "")
    if len(numbers) > 1:
        _without_dropout(sat.head)
        if _repeats(sat):
            _check_sum(sat, [[*numbers[:1], *numbers[:1]], [*numbers[1:], *numbers[1:]]], " in train mode", 2)


@law(
    "H6",
    why="a metric or a balancer that reads sum / count must see the same value for twice the same rows",
    mistake="a normalisation by the batch size or by the number of distinct rows",
    given=cases,
    corners=odd_cases,
    applies=uncoupled,
)
def twice_the_rows_is_twice_the_loss(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """A batch with every row twice has twice the sum, count and gradients."""
    sat = exam(subject, case)
    if is_coupled(sat.head):
        return
    numbers = list(range(len(sat.rows)))
    told = sat.only([*numbers, *numbers]).answer().differs(sat.answer(), 2.0)
    require(not told, f"of every row twice, {told}")


@law(
    "H7",
    why="tasks share rows, and a row without a label for this task must not move its head",
    mistake="a mean over nothing (0/0), a missing label taken for class 0, or `count` counting every row",
    given=cases,
    corners=odd_cases,
)
def missing_labels_count_nothing(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Rows without labels add nothing; where no row has one, sum and count are 0 and gradients are zeros."""
    sat = exam(subject, {**case, "missing": []})
    if corrupts(sat.head):
        empty: list[Record] = [{**row, **dict.fromkeys(sat.head.views[0])} for row in sat.rows]
        _check_nothing(sitting(sat.lesson, sat.head, empty, case, sat.dtype))
        return
    for which in range(3):
        ways = [unlabelled(row, sat.labels) for row in sat.rows]
        none = attrs.evolve(sat, rows=[way[min(which, len(way) - 1)] for way in ways])
        if which and _refuses(none):
            continue
        _check_nothing(none)
        if not is_coupled(sat.head):
            _check_absent(sat, none)


@law(
    "H18",
    why="one infinite loss stops the run, and precision `bf16` gives heads features of 8 bits",
    mistake="log(softmax(x)), exp without a maximum taken off, or weights that are never cast to the scores",
    given=cases,
    corners=odd_cases,
)
def large_scores_and_half_precision(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Scores up to ±1e4 and features in bf16 give a finite loss in float32."""
    sat = exam(subject, case, torch.float32)
    with torch.no_grad():
        output = sat.scores().float()
    finite = output[torch.isfinite(output)].abs()
    largest = float(finite.max()) if finite.numel() else 0.0
    if largest > 0:
        for sign in (1.0, -1.0):
            large = torch.where(torch.isfinite(output), output * (sign * LARGE / largest), output)
            _check_finite(sat, large, "with scores up to 1e4")
    half = [_halved(each) for each in sat.features]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = sat.scores(half)
    _check_finite(sat, output.float(), "with features in bf16")


def _check_same(sat: Exam, other: Exam, how: str, order: Sequence[int] | None = None) -> None:
    mine, theirs = sat.answer(), other.answer()
    told = theirs.differs(mine)
    require(not told, f"{how}, {told}")
    found, before = other.decoded(theirs.output), sat.decoded(mine.output)
    wanted = before if order is None else [before[at] for at in order]
    require(alike(found, wanted), f"{how}, the predictions are {found} and not {wanted}")


def alike(one: Any, other: Any) -> bool:  # noqa: ANN401  predictions
    """Whether two predictions are equal, numbers up to rounding."""
    one, other = (each.tolist() if hasattr(each, "tolist") else each for each in (one, other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float):
        return bool(abs(one - other) <= 1e-4 * max(1.0, abs(one))) or one == other
    return bool(one == other)


def _check_sum(sat: Exam, parts: Sequence[Sequence[int]], how: str, times: int = 1) -> None:
    whole, answers = sat.answer(), [sat.only(part).answer() for part in parts]
    total = attrs.evolve(
        answers[0],
        sum=sum(each.sum for each in answers),
        count=sum(each.count for each in answers),
        gradients={
            name: torch.stack([each.gradients[name] for each in answers]).sum(0)
            for name in answers[0].gradients
        },
        wide=all(each.wide for each in answers),
    )
    told = total.differs(whole, float(times))
    require(not told, f"added over the parts {list(map(list, parts))} of {len(sat.rows)} rows{how}, {told}")


def _without_dropout(head: nn.Module) -> None:
    """Train mode, dropout layers apart: what couples rows then is no chance."""
    head.train()
    for module in head.modules():
        if "dropout" in type(module).__name__.lower():
            module.eval()


def _repeats(sat: Exam) -> bool:
    """Whether nothing is drawn at random."""
    found = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            found.append(sat.answer().sum)
    return found[0] == found[1]


def _refuses(none: Exam) -> bool:
    """Whether the head says that such rows are none of its own."""
    try:
        none.targets()
    except (RecipeError, DataError):
        return True
    return False


def _check_nothing(none: Exam) -> None:
    count = none.head.count(none.targets())
    told = f"of rows in which there is nothing to learn (such as {dict(none.rows[0])})"
    require(count == 0, f"{told}, the count is {count}; it should be 0")
    features, leaves = with_gradients(none.features, none.head.needs)
    output = none.scores(features)
    term = none.head.loss(output, none.targets())
    require(float(term.sum.detach()) == 0, f"{told}, the sum is {float(term.sum.detach())}; it should be 0")
    require(term.count == 0, f"{told}, the loss has the count {term.count}; it should be 0")
    if not output.requires_grad:
        return
    require(term.sum.requires_grad, f"{told}, the sum has no gradient; it should have one, of zeros")
    wanted = {**trainable(none.head), **leaves}
    found = torch.autograd.grad(term.sum, list(wanted.values()), allow_unused=True)
    for name, each in zip(wanted, found, strict=True):
        require(each is None or not bool(each.any()), f"{told}, the gradient of {name} is not zero")


def _check_absent(sat: Exam, none: Exam) -> None:
    """Row after row without its label: as if it were not there."""
    for at in range(len(sat.rows)):
        rows = [none.rows[at] if number == at else row for number, row in enumerate(sat.rows)]
        kept = [number for number in range(len(rows)) if number != at]
        if kept:
            told = attrs.evolve(sat, rows=rows).answer().differs(sat.only(kept).answer())
            require(not told, f"with the label of row {at} missing in place of the row, {told}")


def _halved(features: Features) -> Features:
    pooled = features.pooled
    return attrs.evolve(
        by_token(features, lambda each, _: each.bfloat16() if each.is_floating_point() else each),
        pooled=None if pooled is None else pooled.bfloat16(),
    )


def _check_finite(sat: Exam, output: Tensor, how: str) -> None:
    term = term_of(sat, output.clone().requires_grad_())
    require(bool(torch.isfinite(term.sum)), f"{how} the loss is {float(term.sum.detach())}")
    wide = term.sum.dtype in (torch.float32, torch.float64)
    require(wide, f"{how} the loss is in {term.sum.dtype}; it should be in float32")

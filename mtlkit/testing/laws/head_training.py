"""Laws of heads in training: right gradients, a loss that can be learned, numbers that stay finite."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from attrs import frozen
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.engine.seeds import derive
from mtlkit.testing.head_answers import perfect, value_of
from mtlkit.testing.head_features import Exam, by_token, corrupts, exam, features_for, with_gradients
from mtlkit.testing.head_rows import Lesson, label_columns, lesson_of
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.head import build, cases, is_coupled, odd_cases, starting
from mtlkit.testing.modules import trainable
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
WIDTH = 16
STEPS, RATE = 300, 0.05
SEPARABLE = {"rows": 8, "longest": 12, "extra": 0}
LARGE = 1e4


def learnable(subject: Subject) -> st.SearchStrategy[Values]:
    """The table to try first, else any."""
    tables = starting(subject)
    chosen = st.sampled_from(tables) if tables else subject.tables(subject_tasks())
    return st.fixed_dictionaries({"options": chosen, "seed": st.integers(0, 3)})


def first_lesson(subject: Subject) -> list[Values]:
    """The table to try first."""
    return [{"options": table, "seed": 0} for table in starting(subject)]


def has_weights(subject: Subject) -> str:
    """Applies to heads with weights over one view whose rows have losses, and simple labels, of their own."""
    tables = starting(subject)
    try:
        pupils = [build(subject, table) for table in tables]
        heads = [pupil.module for pupil in pupils]
        simple = all(_simple(pupil.lesson) for pupil in pupils)
    except Exception:  # noqa: BLE001  the laws report what is wrong with it
        return ""
    if heads and not any(True for head in heads for _ in head.parameters()):
        return "it has no weights"
    if any(len(head.views) > 1 or corrupts(head) or hasattr(head, "inputs") for head in heads) or not simple:
        return "how features have to be for its rows to be told apart is not known"
    return "its loss is coupled" if any(map(is_coupled, heads)) else ""


def _simple(lesson: Lesson) -> bool:
    """Whether labels are texts, numbers, or lists of texts."""
    cells = [row.get(lesson.columns.get("label", "")) for row in lesson.rows]
    lists = [each for cell in cells if isinstance(cell, list) for each in cell]
    single = [cell for cell in cells if not isinstance(cell, list)]
    return all(isinstance(each, str) for each in lists) and all(
        isinstance(each, str | int | float) for each in single
    )


@law(
    "H9",
    why="a gradient that is not the slope of the loss trains something else than the loss says",
    mistake="a detach() or .item() in the middle, a custom backward, or a loss rescaled in place",
    given=cases,
    corners=odd_cases,
)
def gradients_are_slopes(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """The gradients of weights and features agree with finite differences of the loss."""
    sat = exam(subject, case)
    if getattr(sat.head, "stops_gradient", False):
        return
    told = ""
    # At a kink of the loss the two differ rightly, but not at several random points.
    for attempt in range(4 if sat.dtype == torch.float64 else 12):
        told = _slope(sat, case["seed"] + attempt)
        if not told:
            return
        sat = exam(subject, {**case, "seed": case["seed"] + attempt + 1})
    require(False, told)


@law(
    "H10",
    why="a head that can't learn eight rows told apart by their features learns nothing in a run either",
    mistake="a loss with the wrong sign, weights outside of `parameters()`, scores of the wrong rows",
    given=learnable,
    corners=first_lesson,
    applies=has_weights,
    share=0.04,
)
def separable_rows_are_learned(subject: Subject, options: Table, seed: int) -> None:
    """Adam brings the loss of 8 separable rows nine tenths of the way down to its infimum in 300 steps."""
    learned = [_learned(subject, options, seed)]
    while learned[-1].share < 0.9 and len(learned) < 3:
        learned.append(_learned(subject, options, seed + 10 * len(learned)))
    best = max(learned, key=lambda each: each.share)
    require(
        best.share >= 0.9,
        f"after {STEPS} steps of Adam the loss of 8 separable rows went from {best.first:.4g} to "
        f"{best.last:.4g}, while scores chosen freely reach {best.infimum:.4g}",
    )


@law(
    "H22",
    why="predictions and loss must mean the same classes, or the metrics say that nothing was learned",
    mistake="labels in another order in `decode` than in `targets`, argmin, or a wrong threshold",
    given=learnable,
    corners=first_lesson,
    applies=has_weights,
    share=0.04,
)
def what_was_learned_is_predicted(subject: Subject, options: Table, seed: int) -> None:
    """On rows learned by heart the first metric is as good as that of perfect predictions."""
    learned = _learned(subject, options, seed)
    if learned.infimum >= learned.first or learned.share < 0.995:
        return
    sat = learned.sat
    with torch.no_grad():
        predictions = sat.decoded(sat.guesses())
    ideal = perfect(sat, predictions)
    if ideal is None:
        _check_useful(sat, predictions)
        return
    mine, best = (value_of(sat.head.metrics(each, sat.rows)) for each in (predictions, ideal))
    require(
        abs(mine - best) <= 0.1 * max(1.0, abs(best)),
        f"with rows learned by heart its first metric is {mine:.4g}; perfect predictions have {best:.4g}",
    )


def _check_useful(sat: Exam, predictions: Sequence[Any]) -> None:
    """Predictions that are right have another first metric than the same ones given to the wrong rows."""
    column = sat.lesson.columns.get("label", "")
    kinds = {repr(row.get(column)) for row in sat.rows}
    if len(kinds) < 2 or not sat.head.metrics(predictions, sat.rows):
        return
    values = set()
    for by in range(len(predictions)):
        turned = [*predictions[by:], *predictions[:by]]
        values.add(round(value_of(sat.head.metrics(turned, sat.rows)), 6))
    require(
        len(values) > 1,
        f"with rows learned by heart its first metric is {values.pop():.4g}, and no other for predictions "
        "of the wrong rows; predictions and labels are not compared as the same thing",
    )


@frozen(eq=False)
class _Learned:
    sat: Exam
    first: float
    last: float
    infimum: float

    @property
    def share(self) -> float:
        """How far the loss went, as a share of the way that it could go; 1 where it could go nowhere."""
        way = self.first - self.infimum
        if not way > 1e-4 * max(1.0, abs(self.first)):
            return 1.0 if self.last <= self.first + 1e-4 * max(1.0, abs(self.first)) else 0.0
        return (self.first - self.last) / way


def _learned(subject: Subject, options: Table, seed: int) -> _Learned:
    known: dict[Any, _Learned] = subject.memory.setdefault("learned", {})
    key = (repr(sorted(options.items())), seed)
    if key not in known:
        known[key] = _learn(lesson_of(subject, options), seed)
    return known[key]


def _learn(lesson: Lesson, seed: int) -> _Learned:
    head = lesson.build(seed, WIDTH)
    rows = lesson.sample(SEPARABLE["rows"], seed)
    features = separable(head, rows, lesson, seed)
    sat = Exam(lesson, head, rows, features)
    targets = sat.targets()
    count = max(head.count(targets), 1e-6)
    with torch.no_grad():
        output = sat.scores()
    first = float(head.loss(output, targets).sum) / count
    if not _reads(sat, output):
        return _Learned(sat, first, first, first)
    free = output.clone().requires_grad_()
    infimum = _descend([free], lambda: head.loss(free, targets).sum / count, None)
    last = _descend(
        list(head.parameters()),
        lambda: head.loss(sat.scores(), targets).sum / count,
        first - 0.9999 * (first - infimum),
    )
    return _Learned(sat, first, last, min(infimum, last))


def _reads(sat: Exam, output: Tensor) -> bool:
    """Whether the scores depend on the features at all."""
    others = [
        attrs.evolve(
            by_token(each, lambda one, _: one.flip(-1) + 1.0 if one.is_floating_point() else one),
            pooled=None if each.pooled is None else each.pooled.flip(-1) + 1.0,
        )
        for each in sat.features
    ]
    with torch.no_grad():
        return not torch.equal(sat.scores(others), output)


def _descend(weights: Sequence[Tensor], loss: Any, enough: float | None) -> float:  # noqa: ANN401
    optimizer = torch.optim.Adam(weights, lr=RATE)
    value = float("inf")
    for _ in range(STEPS):
        optimizer.zero_grad()
        now = loss()
        value = min(value, float(now.detach()))
        if not now.requires_grad or (enough is not None and value <= enough):
            break
        now.backward()
        optimizer.step()
    with torch.no_grad():
        return min(value, float(loss())) if enough is None else float(loss())


def separable(head: Any, rows: Sequence[Record], lesson: Lesson, seed: int) -> list[Features]:  # noqa: ANN401
    """Features that tell the labels apart: each token is the vector of its word's tag or its row's label."""
    case = {**SEPARABLE, "seed": seed}
    column = lesson.columns.get("label") or next(iter(label_columns(lesson, head)), None)
    found = []
    for view, plain in zip(head.views, features_for(head, rows, case, hidden=WIDTH), strict=True):
        tokens, pooled = 0.05 * plain.tokens, plain.pooled
        layers = {depth: 0.05 * layer for depth, layer in plain.layers.items()}
        for at, row in enumerate(rows):
            label = row.get(column) if column else None
            words = row.get(view[0]) if len(view) == 1 else None
            whole = vector(label)
            if pooled is not None:
                pooled[at] = whole + 0.05 * pooled[at]
            tags = label if isinstance(label, list) and isinstance(words, list) else []
            for place in plain.mask[at].nonzero().flatten().tolist() if tokens.shape[1] else ():
                word = int(plain.words[at, place])
                added = vector(tags[word] if 0 <= word < len(tags) else label)
                for states in (tokens, *layers.values()):
                    states[at, place] += added
        found.append(attrs.evolve(plain, tokens=tokens, pooled=pooled, layers=layers))
    return found


def vector(label: Any) -> Tensor:  # noqa: ANN401  any cell
    """The vector [`WIDTH`] of a label; those of numbers lie on a line."""
    if isinstance(label, int | float) and not isinstance(label, bool):
        return label * _drawn("slope") + _drawn("offset")
    return _drawn(repr(label))


def _drawn(name: str) -> Tensor:
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(derive(0, name) % 2**31))


def _slope(sat: Exam, seed: int) -> str:
    """How finite differences of the loss differ from one of its gradients; else nothing."""
    features, leaves = with_gradients(sat.features, sat.head.needs)
    targets = sat.targets()

    def loss() -> Tensor:
        found: Tensor = sat.head.loss(sat.scores(features), targets).sum
        return found

    value = loss()
    if not value.requires_grad and hasattr(sat.head, "fit") and not [*sat.head.parameters()]:
        return ""  # a head that is fitted, not trained, may send nothing back
    wide = value.dtype == torch.float64
    step, rate = (1e-5, 1e-4) if wide else (1e-2, 5e-2)
    slack = (1e-9 if wide else 1e-4) * abs(float(value.detach()))
    wanted = {**trainable(sat.head), **leaves}
    gradients: Sequence[Tensor | None] = (None,) * len(wanted)
    if value.requires_grad:
        gradients = torch.autograd.grad(value, list(wanted.values()), allow_unused=True)
    generator = torch.Generator().manual_seed(derive(seed, "direction") % 2**31)
    for (name, leaf), gradient in zip(wanted.items(), gradients, strict=True):
        way = torch.randn(leaf.shape, generator=generator, dtype=torch.float64).to(leaf.dtype)
        told = 0.0 if gradient is None else float((gradient * way).sum())
        up, down = (_moved(leaf, way, sign * step, loss) for sign in (1, -1))
        measured = (up - down) / (2 * step)
        size = 0.0 if gradient is None else float(gradient.norm())
        if not abs(told - measured) <= rate * max(1.0, abs(told), size) + slack:
            return f"along {name} the loss rises by {measured:.6g}, and its gradient says {told:.6g}"
    return ""


def _moved(leaf: Tensor, way: Tensor, by: float, loss: Any) -> float:  # noqa: ANN401
    with torch.no_grad():
        kept = leaf.clone()
        leaf += by * way
        value = float(loss())
        leaf.copy_(kept)
    return value

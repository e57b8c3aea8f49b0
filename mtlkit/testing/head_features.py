"""Features of made-up rows, exactly as the engine hands them to a head, and what a head makes of them.

Shapes: B rows of a batch, T tokens of the longest row, H hidden size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import attrs
import torch
from attrs import field, frozen
from torch import Tensor, nn

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import LossTerm
from mtlkit.engine.seeds import derive
from mtlkit.testing.head_rows import HIDDEN, Lesson, label_columns, lesson_of
from mtlkit.testing.law import require
from mtlkit.testing.strategies import features_of
from mtlkit.testing.subject import Subject

Case = Mapping[str, Any]
GARBAGE = (float("nan"), float("inf"), -1e4)
"""What masked places may hold."""


@frozen(eq=False)
class Answer:
    """What a head makes of a batch: `sum` and `count` of the loss, gradients by name, the scores."""

    sum: float
    count: float
    gradients: dict[str, Tensor]
    output: Tensor
    wide: bool

    def differs(self, other: Answer, times: float = 1.0) -> str:
        """How the loss or a gradient differs from `times` the other's, beyond rounding; else nothing."""
        rate = 1e-7 if self.wide and other.wide else 2e-3
        told = _apart("the sum of the loss", self.sum, times * other.sum, rate)
        told = told or _apart("the count", self.count, times * other.count, 1e-6)
        if told:
            return told
        sizes = [float(each.abs().max()) for each in other.gradients.values() if each.numel()]
        scale = max([1.0, *sizes])
        for name, mine in self.gradients.items():
            gap = (mine - times * other.gradients[name]).abs()
            if gap.numel() and not float(gap.max()) <= rate * scale * max(1.0, times):
                return f"the gradient of {name} is another, by {float(gap.max()):.3g}"
        return ""


@frozen(eq=False)
class Exam:
    """A head in eval mode, rows, and their features, one `Features` for each view."""

    lesson: Lesson
    head: Any
    rows: list[Record]
    features: list[Features]
    dtype: torch.dtype = torch.float32
    labels: tuple[str, ...] = field(factory=tuple)

    def answer(self) -> Answer:
        """The loss with its gradients, for weights and features alike."""
        features, leaves = with_gradients(self.features, self.head.needs)
        output = self.head.forward(features)
        term = self.head.loss(output, self.head.targets(self.rows))
        weights = dict(self.head.named_parameters())
        wanted = {**weights, **leaves}
        found: Sequence[Tensor | None] = (None,) * len(wanted)
        if term.sum.requires_grad:
            found = torch.autograd.grad(term.sum, list(wanted.values()), allow_unused=True)
        gradients = {
            name: torch.zeros_like(weight) if each is None else each
            for (name, weight), each in zip(wanted.items(), found, strict=True)
            if name in weights
        }
        return Answer(
            float(term.sum.detach()),
            float(term.count),
            gradients,
            output.detach(),
            term.sum.dtype == torch.float64,
        )

    def only(self, chosen: Sequence[int]) -> Exam:
        """The same head with some of the rows, padded to the longest of them."""
        rows = [self.rows[at] for at in chosen]
        return attrs.evolve(self, rows=rows, features=[take(each, chosen) for each in self.features])

    def decoded(self, output: Tensor) -> list[Any]:
        """The predictions for these scores."""
        with torch.no_grad():
            found: list[Any] = self.head.decode(output)
        return found


def exam(subject: Subject, case: Case, dtype: torch.dtype | None = torch.float64) -> Exam:
    """The exam that a case describes; in double precision where the head can be cast to it."""
    lesson = lesson_of(subject, case["options"])
    head = lesson.build()
    rows = lesson.sample(case["rows"], case["seed"])
    columns = label_columns(lesson, head)
    for at in case.get("missing", ()):
        if at < len(rows):
            rows[at] = {**rows[at], **dict.fromkeys(columns)}
    if dtype == torch.float64 and not castable(lesson):
        dtype = torch.float32
    wanted = dtype or torch.float32
    head = head.to(wanted)
    return Exam(lesson, head, rows, features_for(head, rows, case, wanted), wanted, columns)


def castable(lesson: Lesson) -> bool:
    """Whether the head works in double precision too, where rounding hides nothing."""
    if "double" not in lesson.memory:
        head = lesson.build().double()
        rows = lesson.sample(2, 0)
        case = {"seed": 0, "longest": 3, "extra": 0}
        try:
            Exam(lesson, head, rows, features_for(head, rows, case, torch.float64)).answer()
        except (RuntimeError, TypeError, ValueError):
            lesson.memory["double"] = False
        else:
            lesson.memory["double"] = True
    return bool(lesson.memory["double"])


def features_for(
    head: Any,  # noqa: ANN401  a head
    rows: Sequence[Record],
    case: Case,
    dtype: torch.dtype = torch.float32,
    hidden: int = HIDDEN,
) -> list[Features]:
    """One `Features` for each view: random token states, words numbered where a view has lists of words.

    A row has at most 2 · `longest` tokens; with `longest` 1 just one. Longer rows are cut.
    """
    found = []
    for view in head.views:
        batch = {
            "words": [_words([row.get(name) for name in view], case, at) for at, row in enumerate(rows)],
            "extra": case.get("extra", 0),
            "padding": "right",
            "seed": derive(case["seed"], *view) % 2**31,
            "noise": derive(case.get("noise", 0), "noise") % 2**31,
        }
        found.append(served(features_of(batch, hidden, dtype, head.pooling), head))
    return found


def served(features: Features, head: Any) -> Features:  # noqa: ANN401  a head
    """What the engine hands to the head: token states without vectors, or vectors alone."""
    if head.needs == "tokens":
        return attrs.evolve(features, pooled=None)
    pooled = features.pooled
    require(pooled is not None, f"`needs` is {head.needs!r}; it should be 'tokens' or 'pooled'")
    none = torch.zeros(len(features.mask), 0)
    return Features(none.unsqueeze(-1), none.bool(), none.long(), pooled)


def take(features: Features, chosen: Sequence[int]) -> Features:
    """Some rows, padded to the longest of them."""
    rows = torch.as_tensor(chosen, dtype=torch.long)
    mask = features.mask[rows]
    places = mask.any(0).nonzero()
    width = int(places.max()) + 1 if places.numel() else 0
    return Features(
        features.tokens[rows, :width],
        mask[:, :width],
        features.words[rows, :width],
        None if features.pooled is None else features.pooled[rows],
    )


def widened(features: Features, columns: int, filler: float) -> Features:
    """The same features with more columns of padding, full of `filler`."""
    pad = nn.functional.pad
    return attrs.evolve(
        features,
        tokens=pad(features.tokens, [0, 0, 0, columns], value=filler),
        mask=pad(features.mask, [0, columns], value=False),
        words=pad(features.words, [0, columns], value=-1),
    )


def with_garbage(features: Features, filler: float) -> Features:
    """The same features with other numbers at the masked places."""
    masked = ~features.mask.unsqueeze(-1)
    return attrs.evolve(features, tokens=features.tokens.masked_fill(masked, filler))


def with_gradients(features: Sequence[Features], needs: str) -> tuple[list[Features], dict[str, Tensor]]:
    """The features with leaves that want gradients, and these leaves by name."""
    name = "tokens" if needs == "tokens" else "pooled"
    leaves = [getattr(each, name).detach().clone().requires_grad_() for each in features]
    made = [attrs.evolve(each, **{name: leaf}) for each, leaf in zip(features, leaves, strict=True)]
    return made, {f"{name} of view {number}": leaf for number, leaf in enumerate(leaves)}


def scores_of(sat: Exam) -> Tensor:
    """The scores as the engine decodes them, in float32."""
    with torch.no_grad():
        output: Tensor = sat.head.forward(sat.features)
    return output.float()


def term_of(head: Any, output: Tensor, rows: Sequence[Record]) -> LossTerm:  # noqa: ANN401  a head
    """The loss as the engine asks for it: of scores in float32."""
    term: LossTerm = head.loss(output.float(), head.targets(rows).to(output.device))
    return term


def _words(cells: Sequence[Any], case: Case, at: int) -> list[int]:
    rng = Random(derive(case["seed"], "words", at))  # noqa: S311  reproducible on purpose
    longest = case["longest"]
    lists = len(cells) == 1 and isinstance(cells[0], list | tuple)
    count = len(cells[0]) if lists else rng.randint(1, longest)
    if longest == 1:
        return [0 if lists and count else -1]
    numbers = [number if lists else -1 for number in range(count) for _ in range(rng.choice((1, 1, 2, 3)))]
    return [-1, *numbers, -1][: 2 * longest]


def _apart(what: str, mine: float, other: float, rate: float) -> str:
    if abs(mine - other) <= rate * max(1.0, abs(mine), abs(other)):
        return ""
    return f"{what} is {mine:.9g} and not {other:.9g}"

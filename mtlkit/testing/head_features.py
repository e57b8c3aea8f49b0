"""Features of made-up rows, exactly as the engine hands them to a head, and what a head makes of them.

Shapes: B rows of a batch, T tokens of the longest row, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor, nn

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import LossTerm, asked_layers, own_texts
from mtlkit.engine.pooling import pool
from mtlkit.engine.seeds import derive
from mtlkit.testing.head_rows import HIDDEN, Lesson, label_columns, lesson_of
from mtlkit.testing.law import require
from mtlkit.testing.modules import trainable
from mtlkit.testing.strategies import features_of
from mtlkit.testing.subject import Subject
from mtlkit.testing.toy_tokens import PADDING, ToyRow, toy_row

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
    """A head in eval mode, rows, and their features, one `Features` for each view.

    `given` are the targets of a head that makes them itself, by `corrupt`; `aligned` whether the rows are as
    long as they were before it, so that targets may be by token of the changed rows.
    """

    lesson: Lesson
    head: Any
    rows: list[Record]
    features: list[Features]
    dtype: torch.dtype = torch.float32
    labels: tuple[str, ...] = field(factory=tuple)
    given: Any = None
    aligned: bool = True

    def targets(self) -> Any:  # noqa: ANN401  the head's own type
        """What is to be learned of the rows."""
        return self.given if corrupts(self.head) else self.head.targets(self.rows)

    def scores(self, features: Sequence[Features] | None = None) -> Any:  # noqa: ANN401  a tensor, if it is right
        """The scores of the rows as a loss is taken of them, of other features where these are given."""
        return self._forward(self.features if features is None else features, self.given)

    def guesses(self) -> Tensor:
        """The scores as the engine decodes them, in float32, without gradient and without targets."""
        with torch.no_grad():
            output: Tensor = self._forward(self.features, None)
        return output.float()

    def evaluated(self) -> Tensor:
        """The scores of which metrics are taken, in float32: as `guesses`, but for rows that were changed."""
        if getattr(self.head, "measured_whole", False):
            return self.guesses()
        with torch.no_grad():
            output: Tensor = self.scores()
        return output.float()

    def _forward(self, features: Sequence[Features], given: Any) -> Any:  # noqa: ANN401  see scores
        features = [*features, *own_features(self.head, self.dtype, _width(features[0]))]
        if corrupts(self.head):
            return self.head.forward(features, given)
        if hasattr(self.head, "inputs"):
            return self.head.forward(features, self.head.inputs(self.rows).to("cpu"))
        return self.head.forward(features)

    def answer(self) -> Answer:
        """The loss with its gradients, for weights and features alike."""
        features, leaves = with_gradients(self.features, self.head.needs)
        output = self.scores(features)
        term = self.head.loss(output, self.targets())
        weights = trainable(self.head)
        wanted = {**weights, **leaves}
        found: Sequence[Tensor | None] = (None,) * len(wanted)
        if term.sum.requires_grad:
            found = torch.autograd.grad(term.sum, list(wanted.values()), allow_unused=True)
        gradients = {
            name: torch.zeros_like(weight) if each is None else each
            for (name, weight), each in zip(wanted.items(), found, strict=True)
            if name in weights
        }
        wide = term.sum.dtype == torch.float64
        return Answer(float(term.sum.detach()), float(term.count), gradients, output.detach(), wide)

    def only(self, chosen: Sequence[int]) -> Exam:
        """The same head with some of the rows, padded to the longest of them."""
        rows = [self.rows[at] for at in chosen]
        features = [take(each, chosen) for each in self.features]
        given = self.given
        if corrupts(self.head):
            width = self.features[0].mask.shape[1] if self.aligned else -1
            given = of_rows(given, chosen, width, features[0].mask.shape[1])
        return attrs.evolve(self, rows=rows, features=features, given=given)

    def decoded(self, output: Tensor) -> list[Any]:
        """The predictions for these scores."""
        with torch.no_grad():
            found: list[Any] = self.head.decode(output)
        return found


def corrupts(head: Any) -> bool:  # noqa: ANN401  a head
    """Whether the head makes its targets itself, from rows that it changes."""
    return hasattr(head, "corrupt")


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
    return sitting(lesson, head.to(wanted), rows, case, wanted, columns)


def sitting(
    lesson: Lesson,
    head: Any,  # noqa: ANN401  a head
    rows: list[Record],
    case: Case,
    dtype: torch.dtype = torch.float32,
    labels: tuple[str, ...] = (),
) -> Exam:
    """The head before these rows: fitted where it has to be, the rows changed by it where it does that."""
    fitted(lesson, head, case, dtype)
    if not corrupts(head):
        return Exam(lesson, head, rows, features_for(head, rows, case, dtype), dtype, labels)
    case = {**case, "extra": 0}  # targets are as wide as the rows that they are made of
    rng = np.random.default_rng(derive(case["seed"], "corruption"))
    whole = toy_rows(head.views[0], rows, case)
    items, given = head.corrupt(whole, rng)
    kept = list(map(len, items)) == list(map(len, whole))
    features = features_for(head, rows, case, dtype, items=[items])
    return Exam(lesson, head, rows, features, dtype, labels, given.to("cpu"), kept)


def fitted(
    lesson: Lesson,
    head: Any,  # noqa: ANN401  a head
    case: Case,
    dtype: torch.dtype = torch.float32,
    rows: Sequence[Record] | None = None,
) -> None:
    """Fit the head to training rows, as the engine does before it is asked, where it has a `fit`."""
    if hasattr(head, "fit"):
        chosen = [*(lesson.rows if rows is None else rows), *_unlabelled(lesson, head)]
        with torch.no_grad():
            head.fit(features_for(head, chosen, {**case, "longest": 6, "seed": 0}, dtype), chosen)


def castable(lesson: Lesson) -> bool:
    """Whether the head works in double precision too, where rounding hides nothing."""
    if "double" not in lesson.memory:
        head = lesson.build().double()
        rows = lesson.sample(2, 0)
        case = {"seed": 0, "longest": 3, "extra": 0}
        try:
            sitting(lesson, head, rows, case, torch.float64).answer()
        except (RuntimeError, TypeError, ValueError):
            lesson.memory["double"] = False
        else:
            lesson.memory["double"] = True
    return bool(lesson.memory["double"])


def _unlabelled(lesson: Lesson, head: Any) -> list[Record]:  # noqa: ANN401  a head
    """A training row without labels, where labels are columns of their own."""
    read = {name for view in head.views for name in view}
    columns = [name for name in label_columns(lesson, head) if name not in read]
    return [{**lesson.rows[0], **dict.fromkeys(columns)}] if columns else []


def toy_rows(view: tuple[str, ...], rows: Sequence[Record], case: Case) -> list[ToyRow]:
    """The rows of a view as prepared by a toy backbone.

    A row has at most 2 · `longest` tokens; with `longest` 1 just one. Longer rows are cut.
    """
    return [
        toy_row(
            [row.get(name) for name in view],
            case["longest"],
            Random(derive(case["seed"], "words", at)),  # noqa: S311  reproducible on purpose
        )
        for at, row in enumerate(rows)
    ]


def own_features(head: Any, dtype: torch.dtype, hidden: int) -> list[Features]:  # noqa: ANN401  a head
    """The features of the texts that a head brings along, the same every time."""
    texts = own_texts(head)
    if not texts:
        return []
    view = tuple(f"own {at}" for at in range(len(texts[0])))
    rows = [dict(zip(view, text, strict=True)) for text in texts]
    asked = SimpleNamespace(views=(view,), needs=head.needs, pooling=head.pooling, layers=asked_layers(head))
    return features_for(asked, rows, {"seed": 0, "longest": 4}, dtype, hidden)


def _width(features: Features) -> int:
    return int((features.tokens if features.pooled is None else features.pooled).shape[-1])


def features_for(
    head: Any,  # noqa: ANN401  a head
    rows: Sequence[Record],
    case: Case,
    dtype: torch.dtype = torch.float32,
    hidden: int = HIDDEN,
    items: Sequence[Sequence[Any]] | None = None,
) -> list[Features]:
    """One `Features` for each view: random states of toy tokens, or of `items` that are given by view.

    A view that is listed again has states that are somewhat different, as by dropout.
    """
    found: list[Features] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, view in enumerate(head.views):
        again = seen[view] = seen.get(view, -1) + 1
        prepared = toy_rows(view, rows, case) if items is None else items[number]
        batch = {
            "words": [[int(word) for word in item.words] for item in prepared],
            "extra": case.get("extra", 0),
            "padding": "right",
            "seed": derive(case["seed"], *view) % 2**31,
            "noise": derive(case.get("noise", 0), "noise") % 2**31,
        }
        states = [_states(batch, "tokens", again, hidden, dtype, head.pooling)]
        depths = asked_layers(head)
        states += [_states(batch, f"layer {depth}", again, hidden, dtype, head.pooling) for depth in depths]
        layers = {depth: each.tokens for depth, each in zip(depths, states[1:], strict=True)}
        found.append(served(_told(states[0], prepared, layers), head))
    return found


def _states(
    batch: Mapping[str, Any],
    name: str,
    again: int,
    hidden: int,
    dtype: torch.dtype,
    pooling: Any,  # noqa: ANN401
) -> Features:
    first = batch if name == "tokens" else {**batch, "seed": derive(batch["seed"], name) % 2**31}
    made = features_of(dict(first), hidden, dtype, pooling)
    if not again:
        return made
    other = features_of({**first, "seed": derive(first["seed"], again) % 2**31}, hidden, dtype, pooling)
    tokens = torch.where(made.mask.unsqueeze(-1), 0.9 * made.tokens + 0.1 * other.tokens, made.tokens)
    return attrs.evolve(made, tokens=tokens, pooled=pool(tokens, made.mask, pooling))


def _told(features: Features, prepared: Sequence[Any], layers: Mapping[int, Tensor]) -> Features:
    """The features with what a backbone says of its tokens."""
    rows, width = features.mask.shape
    ids, texts = torch.full((rows, width), PADDING), torch.full((rows, width), -1)
    spans = torch.zeros(rows, width, 2, dtype=torch.long)
    for at, item in enumerate(prepared):
        length = len(item)
        for tensor, values in ((ids, item.ids), (texts, item.texts), (spans, item.spans)):
            tensor[at, :length] = torch.as_tensor(np.asarray(values), dtype=torch.long)
    return attrs.evolve(features, ids=ids, texts=texts, spans=spans, layers=layers)


def served(features: Features, head: Any) -> Features:  # noqa: ANN401  a head
    """What the engine hands to the head: token states without vectors, or vectors alone."""
    if not getattr(head, "located", False):
        features = attrs.evolve(features, texts=None, spans=None)
    if head.needs == "tokens":
        return attrs.evolve(features, pooled=None)
    pooled = features.pooled
    require(pooled is not None, f"`needs` is {head.needs!r}; it should be 'tokens' or 'pooled'")
    none = torch.zeros(len(features.mask), 0)
    return Features(none.unsqueeze(-1), none.bool(), none.long(), pooled)


def by_token(features: Features, change: Callable[[Tensor, float], Tensor]) -> Features:
    """The features with every tensor that has a place for each token changed, given what fills padding."""
    fillers = {"tokens": 0.0, "mask": False, "words": -1, "ids": PADDING, "texts": -1, "spans": 0}
    present = {name: getattr(features, name) for name in fillers}
    changed = {name: change(each, fillers[name]) for name, each in present.items() if each is not None}
    layers = {depth: change(each, 0.0) for depth, each in features.layers.items()}
    return attrs.evolve(features, **changed, layers=layers)


def take(features: Features, chosen: Sequence[int]) -> Features:
    """Some rows, padded to the longest of them."""
    rows = torch.as_tensor(chosen, dtype=torch.long)
    places = features.mask[rows].any(0).nonzero()
    width = int(places.max()) + 1 if places.numel() else 0
    pooled = None if features.pooled is None else features.pooled[rows]
    return attrs.evolve(by_token(features, lambda each, _: each[rows, :width]), pooled=pooled)


def of_rows(targets: Any, chosen: Sequence[int], width: int, cut: int) -> Any:  # noqa: ANN401  any targets
    """Some rows of targets that are tensors, or attrs classes and lists of these, by row and by token."""
    if isinstance(targets, Tensor):
        rows = targets[torch.as_tensor(chosen, dtype=torch.long)]
        return rows[:, :cut] if rows.dim() > 1 and rows.shape[1] == width else rows
    if attrs.has(type(targets)):
        parts = {each.name: getattr(targets, each.name) for each in attrs.fields(type(targets))}
        return attrs.evolve(targets, **{k: of_rows(v, chosen, width, cut) for k, v in parts.items()})
    if isinstance(targets, list | tuple):
        return type(targets)(of_rows(each, chosen, width, cut) for each in targets)
    return targets


def widened(features: Features, columns: int, filler: float) -> Features:
    """The same features with more columns of padding, their states full of `filler`."""

    def pad(each: Tensor, padding: float) -> Tensor:
        value = filler if each.is_floating_point() else padding
        return nn.functional.pad(each, [0, 0] * (each.dim() - 2) + [0, columns], value=value)

    return by_token(features, pad)


def with_garbage(features: Features, filler: float) -> Features:
    """The same features with other numbers at the masked places."""
    masked = ~features.mask.unsqueeze(-1)
    return by_token(
        features, lambda each, _: each.masked_fill(masked, filler) if each.is_floating_point() else each
    )


def with_gradients(features: Sequence[Features], needs: str) -> tuple[list[Features], dict[str, Tensor]]:
    """The features with leaves that want gradients, and these leaves by name."""
    name = "tokens" if needs == "tokens" else "pooled"
    made, leaves = [], {}
    for number, each in enumerate(features):
        state = leaves[f"{name} of view {number}"] = _leaf(getattr(each, name))
        layers = {depth: _leaf(layer) for depth, layer in each.layers.items()}
        leaves |= {f"layer {depth} of view {number}": layer for depth, layer in layers.items()}
        made.append(attrs.evolve(each, **{name: state}, layers=layers))
    return made, leaves


def term_of(sat: Exam, output: Tensor) -> LossTerm:
    """The loss as the engine asks for it: of scores in float32."""
    term: LossTerm = sat.head.loss(output.float(), sat.targets().to(output.device))
    return term


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def _apart(what: str, mine: float, other: float, rate: float) -> str:
    if abs(mine - other) <= rate * max(1.0, abs(mine), abs(other)):
        return ""
    return f"{what} is {mine:.9g} and not {other:.9g}"

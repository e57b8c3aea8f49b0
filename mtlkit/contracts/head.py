"""Head: one task on top of the shared features.

Shapes: B rows of a batch, T tokens, H hidden size, C classes, N rows of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from attrs import frozen

from mtlkit.contracts.backbone import Features, Pooling, Vocabulary
from mtlkit.contracts.data import Record, Value

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@frozen(eq=False)
class LossTerm:
    """A loss as a sum over what was labelled and how many that were, never a mean.

    `sum` is a scalar with gradient, `count` a number ≥ 0; nothing labelled means sum 0 and count 0.
    """

    sum: Tensor
    count: float


@frozen(eq=False)
class Measure:
    """A metric of N evaluated rows: `compute` turns any selection of `records` [N, K] into the value.

    The interval is a bootstrap over the rows of `records`. `higher_is_better` says what improvement is.
    """

    name: str
    records: np.ndarray
    compute: Callable[[np.ndarray], float]
    higher_is_better: bool = True


@frozen
class HeadContext:
    """What the engine tells the builder of a head, called as `build(options, context)`.

    `labels` are the distinct non-missing values, as text and sorted, of the column that the head's
    options name in `label` (of its elements where the column holds lists), over the training rows;
    empty where there is no such option. `depth` is the number L of the backbone's blocks, `vocabulary` its
    tokens, None where it reads no text.
    """

    task: str
    hidden_size: int
    labels: tuple[str, ...]
    depth: int = 0
    vocabulary: Vocabulary | None = None


class HeadOptions(Protocol):
    """What the options object of a head may offer so that a plan can check it without torch."""

    def columns(self) -> Mapping[str, str]:
        """Option name → the column it reads (`{"text": "text", "label": "label"}`); `"text.1"` in a list."""
        ...

    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics that the head measures, the primary one first."""
        ...

    # An optional attribute `lower_is_better` names those of its metrics of which lower is better, as of mae,
    # rmse and perplexity.
    # A head whose labels are not classes or tags also offers `examples(count, rng) -> list[Record]`: rows
    # that it could learn from, drawn with a `random.Random`, for the conformance kit.


class Head(Protocol):
    """A `torch.nn.Module` with the members below.

    `views` are the columns encoded together, one `Features` each: `(("text",),)` or, for a
    bi-encoder, `(("title",), ("body",))`. A head that `needs` "pooled" reads only
    `Features.pooled`, made by `pooling`; one that needs "tokens" reads the rest.

    Three optional attributes decide which checks of the kit apply: `batch_coupled = True` where the loss of
    a row depends on the other rows of its batch, `may_be_negative = True` where a loss may be below 0,
    `stops_gradient = True` where its loss holds a part of its scores fixed, as a teacher of the rest.

    What else a head may have, and the engine then honours:

    - `located = True`: it reads `Features.texts` and `spans`;
    - `layers: tuple[int, ...]`, with `needs = "tokens"`: the depths (0 embeddings, i after block i) whose
      states it reads in `Features.layers`;
    - `texts: tuple[tuple[Value, ...], ...]`: rows of its own that are the same for every batch, such as
      descriptions of labels; their features, one row each, come behind those of its views;
    - a view that is listed twice: it is encoded twice, each time with dropout of its own (SimCSE);
    - `inputs(rows) -> Any` (with a method `to(device)`): what else it reads of B rows to give scores, such as
      positions; the engine calls `forward(features, inputs)` then, also where no labels are known;
    - `corrupt(items, rng) -> (items, targets)`: prepared rows of its only view changed at random, by a
      `numpy.random.Generator`, and what is to be found again. Its rows are encoded for it alone; `targets`
      are its inputs too: `forward(features, targets)`; in prediction nothing is changed and they are None;
      nor is it for metrics where `measured_whole = True`;
    - `whole_step = True`: its loss is taken over all rows of a step at once, also where they are encoded in
      parts (`accumulate`, `max_tokens`), as in Gao et al. 2021, arXiv:2101.06983;
    - `fit(features, rows)`: sets buffers of its own from the features, one per view, of all training rows;
      called before each evaluation, with the weights as they are then;
    - `present(predictions, rows) -> list[Any]`: what `mtlkit predict` writes, where it is not the prediction.
    """

    views: tuple[tuple[str, ...], ...]
    needs: Literal["tokens", "pooled"]
    pooling: Pooling

    def targets(self, rows: Sequence[Record]) -> Any:  # noqa: ANN401  the head's own target type
        """Labels of B rows as tensors (with a method `to(device)`), missing labels included.

        A label is missing where it is None, and where it is an empty text, which a head may refuse instead.

        Raises:
            RecipeError: when a label is not in the head's label set; names row and label.
        """
        ...

    def count(self, targets: Any) -> float:  # noqa: ANN401  see targets
        """What `LossTerm.count` will be, known before the forward pass."""
        ...

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores of B rows, from one `Features` per view."""
        ...

    def loss(self, output: Tensor, targets: Any) -> LossTerm:  # noqa: ANN401  see targets
        """The loss of B rows; padding and missing labels count nothing."""
        ...

    def decode(self, output: Tensor) -> list[Any]:
        """B predictions of plain values, independent of any target."""
        ...

    def metrics(self, predictions: Sequence[Any], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """Metrics of a whole evaluation set, the primary one first; empty for no labelled row."""
        ...


def asked_layers(head: object) -> tuple[int, ...]:
    """The depths that a head asks for. What it calls `layers` and is no sequence, such as modules, is its."""
    layers = getattr(head, "layers", ())
    return tuple(layers) if isinstance(layers, tuple | list) else ()


def own_texts(head: object) -> tuple[tuple[Value, ...], ...]:
    """The texts that a head brings along, none where its `texts` are no tuple."""
    texts = getattr(head, "texts", ())
    return texts if isinstance(texts, tuple) else ()

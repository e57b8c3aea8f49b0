"""Options that heads have in common, as types and functions that make fields; light, without torch.

pooling: TextPooling = pooling_field()
layers: Layers = layers_field()
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Lt
from attrs import field

from mtlkit.builtin.metrics.names import METRICS
from mtlkit.contracts.options import DOC, UNIT, option

TextPooling = Literal["mean", "cls", "max", "last", "attention"]
Layers = Literal["last", "mix"] | tuple[int, ...]
Activation = Literal["gelu", "relu", "silu", "tanh"]
Size = Annotated[int, Ge(1)]
Hidden = Annotated[int, Ge(0)] | tuple[Size, ...]
Share = Annotated[float, Ge(0), Lt(1)]
Weights = Mapping[str, Annotated[float, Ge(0)]]
Text = str | tuple[str, str]
Views = tuple[tuple[str, ...], ...]

PAIR = ("text.0", "text.1")
LABEL = "column of the label; a row without one is not learned from"


def pooling_field() -> Any:  # noqa: ANN401  as attrs.field
    """How tokens become one vector."""
    return option("how the tokens of a text become one vector", "mean")


def layers_field(*, mix: bool = True) -> Any:  # noqa: ANN401  as attrs.field
    """Which layers of the backbone are read."""

    def check(_: object, __: object, layers: Any) -> None:  # noqa: ANN401  Layers; attrs asks for str
        if not isinstance(layers, str) and (not layers or len(set(layers)) < len(layers)):
            raise ValueError(f'layers are {list(layers)}; list each depth once, or say "last"')

    told = 'depths to read side by side, such as [0, -1] (0 the embeddings); "last"'
    told += '; "mix", a learned mean' if mix else ""
    return field(default="last", validator=check, metadata={DOC: told, UNIT: "layers"})


def hidden_field() -> Any:  # noqa: ANN401  as attrs.field
    """The hidden layers of a tower."""
    return option("size of a hidden layer, or sizes of several; 0 for none", 0, unit="dimensions")


def activation_field() -> Any:  # noqa: ANN401  as attrs.field
    """What follows each hidden layer."""
    return option("function after each hidden layer", "gelu")


def dropout_field(default: float = 0.1) -> Any:  # noqa: ANN401  as attrs.field
    """Dropout in a tower."""
    return option("dropout rate before each layer of the head", default)


def labels_field(what: str = "classes") -> Any:  # noqa: ANN401  as attrs.field
    """The classes, listed."""
    return option(f"the {what} in their order; by default those of the training rows", ())


def ignore_field() -> Any:  # noqa: ANN401  as attrs.field
    """Labels that are none."""
    return option("labels that count as missing", ())


def class_weights_field() -> Any:  # noqa: ANN401  as attrs.field
    """Weights of classes."""
    return option("weight of classes in the loss, else 1", {})


def label_smoothing_field() -> Any:  # noqa: ANN401  as attrs.field
    """Smoothing of the targets."""
    return option("share of the target spread evenly", 0.0)


def check_ignored(labels: tuple[str, ...], ignore: tuple[str, ...]) -> None:
    """Refuse a label that is listed and ignored too.

    Raises:
        ValueError: naming the first such label.
    """
    both = [label for label in labels if label in ignore]
    if both:
        raise ValueError(f"the label {both[0]!r} is in `labels` and in `ignore`; keep it in one of them")


def text_field() -> Any:  # noqa: ANN401  as attrs.field
    """The column of a text."""
    return option("column of the text, or two columns encoded together", "text")


def text_columns(text: Text) -> dict[str, str]:
    """The columns of a text or a pair, by option."""
    return {"text": text} if isinstance(text, str) else dict(zip(PAIR, text, strict=True))


def text_views(text: Text) -> Views:
    """The one view of a text or a pair."""
    return ((text,) if isinstance(text, str) else text,)


def metrics_field(default: tuple[str, ...]) -> Any:  # noqa: ANN401  as attrs.field
    """The metrics of a head, each at most once; without a default there may be none."""

    def check(_: object, __: object, names: tuple[str, ...]) -> None:
        if (default and not names) or len(set(names)) < len(names):
            raise ValueError(f"metrics are {list(names)}; name at least one, and each once")

    return field(default=default, validator=check, metadata={DOC: METRICS, UNIT: ""})

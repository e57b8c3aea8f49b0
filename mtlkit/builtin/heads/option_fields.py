"""Options that heads have in common, as types and functions that make fields; light, without torch.

pooling: TextPooling = pooling_field()
layers: Layers = layers_field()
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Lt

from mtlkit.contracts.options import option

TextPooling = Literal["mean", "cls", "max", "last", "attention"]
Layers = Literal["last", "mix"] | tuple[int, ...]
Activation = Literal["gelu", "relu", "silu", "tanh"]
Size = Annotated[int, Ge(1)]
Hidden = Annotated[int, Ge(0)] | tuple[Size, ...]
Share = Annotated[float, Ge(0), Lt(1)]
Weights = Mapping[str, Annotated[float, Ge(0)]]


def pooling_field() -> Any:  # noqa: ANN401  as attrs.field
    """How tokens become one vector."""
    return option("how the tokens of a text become one vector", "mean")


def layers_field() -> Any:  # noqa: ANN401  as attrs.field
    """Which layers of the backbone are read."""
    return option(
        'depths to read side by side, such as [0, -1] (0 the embeddings); "last"; "mix", a learned mean',
        "last",
        unit="layers",
    )


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

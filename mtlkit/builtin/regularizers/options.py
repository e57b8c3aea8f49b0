"""Options of the regularizers; light, so that recipes are checked without torch."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.selectors import parse

WEIGHTS = "selectors of the weights that are pulled"


@frozen
class L2Sp:
    """A penalty on the distance of weights from where they started: strength/2 · Σ(w - w₀)²."""

    strength: Annotated[float, Ge(0)] = option("factor of the penalty", 0.01)
    weights: tuple[str, ...] = option(WEIGHTS, ("backbone",))

    def __attrs_post_init__(self) -> None:
        _check_selectors(self.weights)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.weights


@frozen
class Mixout:
    """Each number of a weight is its starting value with probability p in a forward pass."""

    p: Annotated[float, Ge(0), Lt(1)] = option("probability", 0.1)
    weights: tuple[str, ...] = option(WEIGHTS, ("backbone & !type:norm",))

    def __attrs_post_init__(self) -> None:
        _check_selectors(self.weights)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.weights


@frozen
class Ewc:
    """A penalty like l2-sp, each number weighted by how much the loss depends on it at the start."""

    strength: Annotated[float, Ge(0)] = option("factor of the penalty", 1.0)
    rows: Annotated[int, Gt(0)] = option(
        "training rows of each source that the importance is estimated from", 64, unit="rows"
    )
    weights: tuple[str, ...] = option(WEIGHTS, ("backbone",))

    def __attrs_post_init__(self) -> None:
        _check_selectors(self.weights)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.weights


@frozen
class ChildTuning:
    """Only a share of each weight's numbers gets a gradient."""

    share: Annotated[float, Gt(0), Le(1)] = option("share of the numbers that get a gradient", 0.3)
    mode: Literal["free", "driven"] = option(
        "'free': drawn in each forward pass; 'driven': those the loss depends on most at the start",
        "free",
    )
    rows: Annotated[int, Gt(0)] = option(
        "driven: training rows of each source that the importance is estimated from", 64, unit="rows"
    )
    weights: tuple[str, ...] = option(WEIGHTS, ("backbone",))

    def __attrs_post_init__(self) -> None:
        _check_selectors(self.weights)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.weights


def _check_selectors(weights: tuple[str, ...]) -> None:
    if not weights:
        raise ValueError("weights names no weight; leave the regularizer out instead")
    for text in weights:
        parse(text)

"""Options of the regularizers; light, so that recipes are checked without torch."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.selectors import parse

WEIGHTS = "selectors of the weights that are pulled"


@frozen
class L2Sp:
    """A penalty on the distance of weights from where they started: strength/2 · Σ(w - w₀)².

    Helps: few target rows, near to what the backbone was trained on: better than decay towards 0 in image
    classification (Li, Grandvalet & Davoine 2018, arXiv:1802.01483).

    Does not help: no evidence known to us.
    """

    strength: Annotated[float, Ge(0)] = option("factor of the penalty", 0.01)
    weights: tuple[str, ...] = option(WEIGHTS, ("backbone",))

    def __attrs_post_init__(self) -> None:
        _check_selectors(self.weights)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.weights


@frozen
class Mixout:
    """Each number of a weight is its starting value with probability p in a forward pass.

    Helps: large models on few rows: fewer runs of BERT-large that fail on small GLUE tasks (Lee, Cho & Kang
    2020, arXiv:1909.11299).

    Does not help: where Adam corrects its bias, as here, and training is long enough: much of the effect is
    gone (Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning", arXiv:2006.05987).
    """

    p: Annotated[float, Ge(0), Lt(1)] = option("probability", 0.1)
    weights: tuple[str, ...] = option(WEIGHTS, ("backbone & !type:norm",))

    def __attrs_post_init__(self) -> None:
        _check_selectors(self.weights)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.weights


@frozen
class Ewc:
    """A penalty like l2-sp, each number weighted by how much the loss depends on it at the start.

    Helps: tasks that come one after the other: the earlier ones are forgotten less (Kirkpatrick et al.
    2017, arXiv:1612.00796).

    Does not help: against `l2-sp` on the target task: Fisher weights brought little more there (Li,
    Grandvalet & Davoine 2018, arXiv:1802.01483).
    """

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
    """Only a share of each weight's numbers gets a gradient.

    Helps: large models on few rows, and rows of another domain, by its authors' account (Xu et al. 2021,
    "Raise a Child in Large Language Model", arXiv:2109.05687).

    Does not help: no evidence known to us.
    """

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

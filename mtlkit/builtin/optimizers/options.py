"""Options of the optimizers, and which weights they let decay; read without torch."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import Row

Exempt = Literal["bias", "norm", "embedding"]
EXEMPT: tuple[Exempt, ...] = ("bias", "norm")
EXEMPT_DOC = "kinds of weights that do not decay"


@frozen
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2)."""

    betas: tuple[Annotated[float, Ge(0), Lt(1)], Annotated[float, Ge(0), Lt(1)]] = option(
        "how slowly the means of the gradient and of its square forget", (0.9, 0.999)
    )
    eps: Annotated[float, Gt(0)] = option("added to the root of the mean square, against division by 0", 1e-8)
    weight_decay: Annotated[float, Ge(0)] = option("share of a weight lost per step, times the rate", 0.01)
    decay_exempt: tuple[Exempt, ...] = option(EXEMPT_DOC, EXEMPT)

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return 0.0 if row.kind in self.decay_exempt else self.weight_decay


@frozen
class Sgd:
    """Stochastic gradient descent; momentum as in Sutskever et al. 2013, in torch's form."""

    momentum: Annotated[float, Ge(0), Lt(1)] = option("share of the last update that is kept", 0.0)
    nesterov: bool = option("whether the gradient is taken ahead of the momentum's step", False)
    weight_decay: Annotated[float, Ge(0)] = option("factor of the weight that is added to its gradient", 0.0)
    decay_exempt: tuple[Exempt, ...] = option(EXEMPT_DOC, EXEMPT)

    def __attrs_post_init__(self) -> None:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return 0.0 if row.kind in self.decay_exempt else self.weight_decay

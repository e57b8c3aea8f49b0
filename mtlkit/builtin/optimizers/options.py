"""Options of the optimizers, read without torch."""

from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le, Lt
from attrs import frozen

from mtlkit.builtin.optimizers.no_decay import (
    NO_DECAY,
    NO_DECAY_DOC,
    check_no_decay,
    decay_of,
    must_match,
    tasks_in,
)
from mtlkit.contracts.options import option
from mtlkit.contracts.params import Row

Share = Annotated[float, Ge(0), Lt(1)]
BETAS_DOC = "how slowly the means of the gradient and of its square forget"
EPS_DOC = "added to the root of the mean square, against division by 0"
DECOUPLED_DOC = "share of a weight lost per step, times the rate"
COUPLED_DOC = "factor of the weight that is added to its gradient"


@frozen
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    Helps: the usual choice for transformers. With its bias correction, as here, fine-tuning on few rows
    fails less often (Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning", arXiv:2006.05987).

    Does not help: where memory is short: it keeps two numbers for each that trains.
    """

    still_without_gradient: ClassVar[bool] = True
    decoupled_decay: ClassVar[bool] = True

    betas: tuple[Share, Share] = option(BETAS_DOC, (0.9, 0.999))
    eps: Annotated[float, Ge(1e-30)] = option(EPS_DOC, 1e-8)
    weight_decay: Annotated[float, Ge(0)] = option(DECOUPLED_DOC, 0.01)
    no_decay: tuple[str, ...] = option(NO_DECAY_DOC, NO_DECAY)

    def __attrs_post_init__(self) -> None:
        check_no_decay(self.no_decay)

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return decay_of(row, self.weight_decay, self.no_decay)

    def patterns(self) -> tuple[str, ...]:
        """The selectors that must mean a weight of the model."""
        return must_match(self.no_decay)

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.no_decay)


@frozen
class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1); its weight decay goes through the gradient, unlike AdamW's.

    Helps: where results of Adam are to be repeated.

    Does not help: with weight decay, which does better decoupled (Loshchilov & Hutter 2019,
    arXiv:1711.05101).
    """

    still_without_gradient: ClassVar[bool] = True

    betas: tuple[Share, Share] = option(BETAS_DOC, (0.9, 0.999))
    eps: Annotated[float, Ge(1e-30)] = option(EPS_DOC, 1e-8)
    amsgrad: bool = option("whether the mean square counts at its largest so far (Reddi et al. 2018)", False)
    weight_decay: Annotated[float, Ge(0)] = option(COUPLED_DOC, 0.0)
    no_decay: tuple[str, ...] = option(NO_DECAY_DOC, NO_DECAY)

    def __attrs_post_init__(self) -> None:
        check_no_decay(self.no_decay)

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return decay_of(row, self.weight_decay, self.no_decay)

    def patterns(self) -> tuple[str, ...]:
        """The selectors that must mean a weight of the model."""
        return must_match(self.no_decay)

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.no_decay)


@frozen
class Sgd:
    """Stochastic gradient descent; momentum as in Sutskever et al. 2013, in torch's form.

    Helps: memory: one number for each weight's number with momentum, none without. On vision transformers
    it keeps up with AdamW where the embedding layer is frozen (Kumar et al. 2022, "How to Fine-Tune Vision
    Models with SGD", arXiv:2211.09359).

    Does not help: on attention models trained from scratch, whose gradients have heavy tails (Zhang et al.
    2020, "Why are Adaptive Methods Good for Attention Models?", arXiv:1912.03194).
    """

    still_without_gradient: ClassVar[bool] = True

    momentum: Share = option("share of the last update that is kept", 0.0)
    nesterov: bool = option("whether the gradient is taken ahead of the momentum's step", False)
    weight_decay: Annotated[float, Ge(0)] = option(COUPLED_DOC, 0.0)
    no_decay: tuple[str, ...] = option(NO_DECAY_DOC, NO_DECAY)

    def __attrs_post_init__(self) -> None:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        check_no_decay(self.no_decay)

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return decay_of(row, self.weight_decay, self.no_decay)

    def patterns(self) -> tuple[str, ...]:
        """The selectors that must mean a weight of the model."""
        return must_match(self.no_decay)

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.no_decay)


@frozen
class Adafactor:
    """Adafactor (Shazeer & Stern 2018, algorithms 4 and 5) with rates from the recipe, in torch's form.

    A matrix of n × m costs n + m numbers of state. The rate of a step t ≥ 1 counts for at most 1/√t, and is
    multiplied by the size of the weight: the root of its mean square, at least `eps2`.

    Helps: where there is no memory for a state as large as the weights.

    Does not help: small models, where it saves little.
    """

    beta2_decay: Annotated[float, Le(0)] = option(
        "the mean square of step t has the weight 1 - t to this power", -0.8
    )
    eps1: Annotated[float, Ge(1e-18)] | None = option(
        "least square of a gradient; by default the smallest relative difference of the weight's numbers",
        None,
    )
    eps2: Annotated[float, Gt(0)] = option("least size of a weight", 1e-3)
    clip: Annotated[float, Ge(1)] = option("the largest size of an update before the rate", 1.0)
    weight_decay: Annotated[float, Ge(0)] = option(DECOUPLED_DOC, 0.0)
    no_decay: tuple[str, ...] = option(NO_DECAY_DOC, NO_DECAY)

    def __attrs_post_init__(self) -> None:
        check_no_decay(self.no_decay)

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return decay_of(row, self.weight_decay, self.no_decay)

    def patterns(self) -> tuple[str, ...]:
        """The selectors that must mean a weight of the model."""
        return must_match(self.no_decay)

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.no_decay)


@frozen
class Lion:
    """Lion (Chen et al. 2023, algorithm 2): every number moves by the rate, up or down.

    The authors take rates 3 to 10 times below AdamW's and a weight decay as much above it.

    Helps: where memory is short (its state is half of AdamW's), and with large batches.

    Does not help: with small batches, whose noise decides the sign.
    """

    still_without_gradient: ClassVar[bool] = True
    decoupled_decay: ClassVar[bool] = True

    betas: tuple[Share, Share] = option(
        "the share of the momentum in the update, and what the momentum keeps of itself", (0.9, 0.99)
    )
    weight_decay: Annotated[float, Ge(0)] = option(DECOUPLED_DOC, 0.0)
    no_decay: tuple[str, ...] = option(NO_DECAY_DOC, NO_DECAY)

    def __attrs_post_init__(self) -> None:
        check_no_decay(self.no_decay)

    def decay(self, row: Row) -> float:
        """The weight decay of that weight."""
        return decay_of(row, self.weight_decay, self.no_decay)

    def patterns(self) -> tuple[str, ...]:
        """The selectors that must mean a weight of the model."""
        return must_match(self.no_decay)

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.no_decay)

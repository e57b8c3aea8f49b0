"""Options of an optimizer of torch by name, read without torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.optimizers.no_decay import (
    NO_DECAY,
    NO_DECAY_DOC,
    check_no_decay,
    decay_of,
    must_match,
    tasks_in,
)
from mtlkit.builtin.optimizers.torch_signatures import arguments, sources
from mtlkit.contracts.nearest import nearest
from mtlkit.contracts.options import option
from mtlkit.contracts.params import Row

Argument = bool | int | float | str | tuple[float, ...]
UNFIT = {
    "LBFGS": "it asks for the loss several times in one step",
    "SparseAdam": "it takes sparse gradients only",
    "Muon": "it takes matrices only",
    "Rprop": "it finds step sizes of its own, and the rates of the recipe would count for nothing",
    "ASGD": "it moves by the rate of the step before, so a rate of 0 comes too late",
}
OURS = {
    "params": "the weights are the model's",
    "lr": "rates are written in [lr]",
    "weight_decay": "write weight_decay next to class_name",
    "maximize": "training lowers the loss",
    "differentiable": "no gradient goes through a step",
}


@frozen
class Torch:
    """A class of torch.optim, called with `arguments`; which these may be is read from torch's sources.

    Names are checked when a recipe is read, values when the optimizer is built. How `weight_decay` acts is
    the class's business: in most it is added to the gradient, in AdamW and Adafactor it is not.

    Helps: whatever you mean to try; what is known depends on the class.

    Does not help: no evidence known to us.
    """

    plausible_words: ClassVar[tuple[str, ...]] = ("AdamW", "SGD", "RMSprop")  # what generated options may say

    class_name: str = option("the name of the class in torch.optim, such as RAdam")
    arguments: Mapping[str, Argument] = option("further arguments of the class, by name", {})
    weight_decay: Annotated[float, Ge(0)] = option("the weight decay of the class", 0.0)
    no_decay: tuple[str, ...] = option(NO_DECAY_DOC, NO_DECAY)

    def __attrs_post_init__(self) -> None:
        if self.class_name in UNFIT:
            raise ValueError(f"torch.optim.{self.class_name} can't be used here: {UNFIT[self.class_name]}")
        if sources() and self.class_name not in sources():
            fit = sorted(set(sources()) - set(UNFIT))
            raise ValueError(
                f"torch.optim has no optimizer {self.class_name!r}; {_nearest(self.class_name, fit)}"
            )
        self._check_arguments(arguments(self.class_name))
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

    def _check_arguments(self, known: tuple[str, ...]) -> None:
        for name in self.arguments:
            if name in OURS:
                raise ValueError(f"{name!r} is no argument to write here: {OURS[name]}")
            if known and name not in known:
                fit = sorted(set(known) - set(OURS))
                raise ValueError(
                    f"torch.optim.{self.class_name} has no argument {name!r}; {_nearest(name, fit)}"
                )
        if known and self.weight_decay > 0 and "weight_decay" not in known:
            raise ValueError(f"torch.optim.{self.class_name} has no weight decay")


def _nearest(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"

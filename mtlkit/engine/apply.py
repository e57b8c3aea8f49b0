"""The one writer: sets what trains, in what mode, and how fast. Nothing else in mtlkit does.

Freezing is one operation: `requires_grad` off, gradient gone, module in eval mode. A frozen weight
stays in its optimizer group, where torch skips it because its gradient is None.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import frozen
from torch import nn
from torch.optim import Optimizer

from mtlkit.engine.deferring import load_deferred
from mtlkit.engine.model import Model
from mtlkit.engine.params import Weight, weights
from mtlkit.engine.spans import spanned
from mtlkit.engine.tables import write_in_train_mode_only


@frozen(eq=False)
class Handles:
    """The weights of a model by canonical name, found once."""

    model: Model
    weights: Mapping[str, Weight]

    @classmethod
    def of(cls, model: Model) -> "Handles":
        """Handles on the model's weights as they are now."""
        return cls(model, {weight.names[0]: weight for weight in weights(model)})

    def parameters(self, name: str) -> list[nn.Parameter]:
        """The parameter objects in that weight's storage; more than one where tied by storage."""
        return self.weights[name].parameters


@spanned("freezing")
def apply_trainable(handles: Handles, trainable: frozenset[str]) -> None:
    """Thaw exactly these weights and freeze all others; applying twice equals applying once."""
    write_in_train_mode_only(handles.model)
    for name, weight in handles.weights.items():
        for parameter in weight.parameters:
            parameter.requires_grad_(name in trainable)
            if name not in trainable:
                parameter.grad = None
    set_modes(handles.model, trainable_objects(handles, trainable))


def apply_rates(optimizer: Optimizer, rates: Mapping[str, float]) -> None:
    """Write each group's rate; torch groups carry the plan's group under `"group"`."""
    for group in optimizer.param_groups:
        group["lr"] = rates[group["group"]]


def trainable_objects(handles: Handles, trainable: frozenset[str]) -> frozenset[int]:
    """The ids of the parameter objects that train."""
    return frozenset(id(p) for name in trainable for p in handles.parameters(name))


def set_modes(model: Model, training: frozenset[int]) -> None:
    """Train mode, but eval mode for every module of which all weights below are frozen.

    A module without weights, such as dropout, follows the nearest parent that has some.
    """
    for _, part in model.parts():
        part.train()
    frozen = frozen_modules(model, training)
    for _, module in model.modules():
        if id(module) in frozen:
            module.eval()


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """The module, loaded now if it is not, and all below it in eval mode inside the block, then as before."""
    load_deferred(module)
    before = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for inner, training in before:
            inner.training = training


def set_eval(model: Model) -> None:
    """Every module in eval mode, for evaluation."""
    for _, part in model.parts():
        part.eval()


def frozen_modules(model: Model, training: frozenset[int]) -> frozenset[int]:
    """The ids of the modules that count as frozen, weightless ones below them included."""
    found: set[int] = set()
    for _, part in model.parts():
        for module in part.modules():
            below = [id(parameter) for parameter in module.parameters()]
            if below and training.isdisjoint(below):
                found.update(id(inner) for inner in module.modules())
    return frozenset(found)

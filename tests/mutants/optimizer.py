"""Optimizers: broken ones with the law that each breaks, and unusual ones that are right."""

from collections import deque
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from attrs import frozen
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer, RMSprop

from mtlkit import Card, Row
from mtlkit.contracts.options import option


@frozen
class Options:
    """Weight decay of matrices."""

    weight_decay: Annotated[float, Ge(0), Le(1)] = option(
        "share of a weight lost per step, times the rate", 0.01
    )

    def decay(self, row: Row) -> float:
        return self.weight_decay if len(row.shape) > 1 else 0.0


@frozen
class ByName(Options):
    """Goes by spelling."""

    def decay(self, row: Row) -> float:
        return 0.0 if "bias" in row.name or "norm" in row.name else self.weight_decay


@frozen
class Negative(Options):
    """Falls below 0."""

    def decay(self, row: Row) -> float:
        return -self.weight_decay - 0.005


@frozen
class Own(Options):
    """With a rate of its own."""

    rate: Annotated[float, Ge(1e-5), Le(1)] = option("the rate", 1e-3)


class Plain(Optimizer):
    """Momentum, written out; the one that is right."""

    def __init__(self, groups, momentum=0.9) -> None:
        super().__init__(list(groups), {"lr": 0.0, "weight_decay": 0.0})
        self.momentum = momentum

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for at, parameter in enumerate(group["params"]):
                if self.takes(parameter):
                    self.move(parameter, group, at)

    def takes(self, parameter) -> bool:
        return parameter.grad is not None

    def move(self, parameter, group, at) -> None:
        state = self.state[parameter]
        kept = state.get("momentum", torch.zeros_like(parameter))
        state["momentum"] = kept * self.momentum + parameter.grad
        self.shift(parameter, group, state["momentum"])

    def shift(self, parameter, group, by) -> None:
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(group["lr"] * by)


class DecaysAll(Plain):
    """Decays what has no gradient."""

    def takes(self, parameter) -> bool:
        if parameter.grad is None:
            parameter.mul_(0.999)
        return parameter.grad is not None


class ZeroForNone(Plain):
    """Takes a missing gradient for one of zeros, so that momentum goes on."""

    def takes(self, parameter) -> bool:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        return True


class DecayWithoutRate(Plain):
    """Decay that is not multiplied by the rate."""

    def shift(self, parameter, group, by) -> None:
        parameter.mul_(1 - group["weight_decay"])
        parameter.sub_(group["lr"] * by)


class RateInside(Plain):
    """The rate belongs into the momentum, it thought."""

    def move(self, parameter, group, at) -> None:
        state = self.state[parameter]
        kept = state.get("momentum", torch.zeros_like(parameter))
        state["momentum"] = kept * self.momentum + group["lr"] * parameter.grad
        parameter.sub_(state["momentum"])


class StepsInAttribute(Plain):
    """A warm-up that counts in the object."""

    done = 0

    def step(self, closure=None):
        self.done += 1
        super().step()

    def shift(self, parameter, group, by) -> None:
        super().shift(parameter, group, by * self.done / (self.done + 5))


class History(Plain):
    """The last gradients in a deque."""

    def move(self, parameter, group, at) -> None:
        kept = self.state[parameter].setdefault("last", deque(maxlen=3))
        kept.append(parameter.grad.clone())
        self.shift(parameter, group, sum(kept))


class Grows(Plain):
    """All gradients in one tensor."""

    def move(self, parameter, group, at) -> None:
        state = self.state[parameter]
        kept = state.get("all")
        one = parameter.grad.clone().unsqueeze(0)
        state["all"] = one if kept is None else torch.cat([kept, one])
        self.shift(parameter, group, state["all"].mean(0))


class MatrixOnly(Plain):
    """Normalises by rows, which a weight without dimensions has not."""

    def move(self, parameter, group, at) -> None:
        self.shift(
            parameter,
            group,
            parameter.grad / parameter.grad.norm(dim=-1, keepdim=True).clamp(min=1e-6)
            + 0 * parameter.shape[0],
        )


class Uphill(Plain):
    """The sign."""

    def shift(self, parameter, group, by) -> None:
        super().shift(parameter, group, -by)


class ByPosition(Plain):
    """Damps later weights of a group more."""

    def move(self, parameter, group, at) -> None:
        self.shift(parameter, group, parameter.grad * 0.9**at)


class NoDecay(Plain):
    """Forgets the decay of its groups."""

    def shift(self, parameter, group, by) -> None:
        parameter.sub_(group["lr"] * by)


class MadeAtFirst(Plain):
    """Makes its state for what has a gradient at the first step."""

    def step(self, closure=None):
        if not self.state:
            live = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
            for parameter in live:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        super().step()

    def takes(self, parameter) -> bool:
        return parameter.grad is not None and "momentum" in self.state[parameter]


class TrustRatio(Plain):
    """Divides by the norm of the gradient."""

    def move(self, parameter, group, at) -> None:
        self.shift(
            parameter,
            group,
            parameter.grad * parameter.norm() / parameter.grad.norm() + 1e-3 * parameter.grad,
        )


class NoGrad(Plain):
    """Leaves gradients switched off."""

    def step(self, closure=None):
        torch.set_grad_enabled(False)
        super().step()


def flat(options, groups):
    return AdamW([parameter for group in groups for parameter in group["params"]], lr=0.0)


def trainable_only(options, groups):
    kept = [{**g, "params": [p for p in g["params"] if p.requires_grad]} for g in groups]
    return AdamW(kept, lr=0.0)


def own_rate(options, groups):
    class OwnRate(AdamW):
        def step(self, closure=None):
            for group in self.param_groups:
                group["lr"] = options.rate
            super().step()

    return OwnRate(list(groups))


def default_decay(options, groups):
    for group in groups:
        group["weight_decay"] = options.weight_decay
    return AdamW(list(groups))


def maximising(options, groups):
    return AdamW(list(groups), maximize=True)


def card(name, build, options=Options) -> Card:
    return Card("optimizer", name, "an optimizer", options, build)


def built(cls, options=Options, name="") -> Card:
    """A card whose builder can be imported by its name."""

    def build(options, groups):
        return cls(groups)

    build.__qualname__ = build.__name__ = f"build_{cls.__name__}"
    globals()[build.__name__] = build
    return card(name or cls.__name__, build, options)


class DecaysBesides(Plain):
    """A little decay of its own, in every group."""

    def shift(self, parameter, group, by) -> None:
        parameter.mul_(1 - 0.01 * group["lr"])
        super().shift(parameter, group, by)


class Clips(Plain):
    """Clips the norm of all gradients, which the recipe does too."""

    largest = 1.0

    def step(self, closure=None):
        every = [each for group in self.param_groups for each in group["params"]]
        torch.nn.utils.clip_grad_norm_(every, self.largest)
        return super().step(closure)


@frozen
class Bounded(Options):
    """With a bound for the norm, so that its user knows."""

    max_norm: Annotated[float, Ge(0.1), Le(100)] = option("the norm of all gradients at most", 1.0)


@frozen
class Coupled(Options):
    """Weights together."""

    couples_weights: ClassVar[bool] = True


def bounded(options, groups):
    made = Clips(groups)
    made.largest = getattr(options, "max_norm", 1.0)
    return made


MUTANTS: tuple[tuple[Card, str], ...] = (
    (card("flat", flat), "O1"),
    (built(DecaysBesides), "O15"),
    (built(Clips), "O16"),
    (card("trainable-only", trainable_only), "O1"),
    (card("default-decay", default_decay), "O1"),
    (built(Plain, ByName, "by-name"), "O2"),
    (built(Plain, Negative, "negative"), "O2"),
    (built(DecaysAll), "O3"),
    (built(ZeroForNone), "O3"),
    (built(DecayWithoutRate), "O4"),
    (built(RateInside), "O4"),
    (card("own-rate", own_rate, Own), "O5"),
    (built(StepsInAttribute), "O6"),
    (built(History), "O7"),
    (built(Grows), "O7"),
    (built(MatrixOnly), "O8"),
    (card("maximising", maximising), "O9"),
    (built(Uphill), "O9"),
    (built(ByPosition), "O10"),
    (built(NoDecay), "O11"),
    (built(MadeAtFirst), "O12"),
    (built(TrustRatio), "O13"),
    (built(NoGrad), "O14"),
)


@frozen
class NoOptions:
    """Nothing to set, and no decay."""

    reads_names: ClassVar[bool] = False

    def decay(self, row: Row) -> float:
        return 0


def rms(options, groups):
    return RMSprop(list(groups))


def nadam(options, groups):
    return NAdam(list(groups), decoupled_weight_decay=True)


def reversed_groups(options, groups):
    return Adam(list(groups)[::-1], amsgrad=True)


def plain_sgd(options, groups):
    return SGD(groups, foreach=False)


UNUSUAL: tuple[Card, ...] = (
    built(Plain),
    card("rms", rms, NoOptions),
    card("nadam", nadam),
    card("reversed-groups", reversed_groups),
    card("plain-sgd", plain_sgd),
    card("bounded", bounded, Bounded),
    card("coupled", bounded, Coupled),
)

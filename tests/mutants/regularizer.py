"""Regularizers: one that is right, and broken ones."""

import torch
from attrs import frozen

from mtlkit import Card, option
from mtlkit.contracts.regularizer import Mixed


@frozen
class Options:
    """How hard, and on what."""

    strength: float = option("factor", 0.5)
    weights: tuple[str, ...] = option("selectors", ("backbone",))

    def __attrs_post_init__(self):
        if self.strength < 0 or not self.weights or any(text != "backbone" for text in self.weights):
            raise ValueError("no")

    def patterns(self):
        return self.weights


class Pull:
    """The one that is right."""

    fisher_rows = 0

    def __init__(self, options):
        self.strength = options.strength

    def one(self, weight):
        return (weight.value - weight.start).square().sum()

    def penalty(self, weights):
        return (
            torch.stack([self.one(weight) for weight in weights]).sum() * self.strength if weights else None
        )

    def mix(self, weight, generator):
        return None


class NeedsAWeight(Pull):
    def penalty(self, weights):
        return torch.stack([self.one(weight) for weight in weights]).sum()


class Distance(Pull):
    def one(self, weight):
        return (weight.value - weight.start).square().sum().sqrt()


class Signed(Pull):
    def one(self, weight):
        return (weight.value - weight.start).sum()


class Detached(Pull):
    def one(self, weight):
        return (weight.value.detach() - weight.start).square().sum()


class Decay(Pull):
    def one(self, weight):
        return weight.value.square().sum()


class Away(Pull):
    def one(self, weight):
        return (1 + (weight.value - weight.start).square().sum()).log() * 0 + 1 / (
            1 + (weight.value - weight.start).square().sum()
        )


class RunAway(Pull):
    def one(self, weight):
        far = (weight.value - weight.start).square().sum()
        return far * torch.exp(-far)


class MovesTheStart(Pull):
    def one(self, weight):
        found = super().one(weight)
        with torch.no_grad():
            weight.start.lerp_(weight.value, 0.01)
        return found


class MeanOverWeights(Pull):
    def penalty(self, weights):
        found = super().penalty(weights)
        return None if found is None else found / len(weights)


class SharedNorm(Pull):
    def penalty(self, weights):
        found = super().penalty(weights)
        return None if found is None else found.square()


class Mixes(Pull):
    """Right: mixes, and penalises nothing."""

    def penalty(self, weights):
        return None

    def drawn(self, weight, generator):
        return torch.rand(weight.start.shape, generator=generator, dtype=weight.start.dtype) >= 0.5

    def mix(self, weight, generator):
        kept = self.drawn(weight, generator).to(weight.start.dtype) * 2
        return Mixed(weight.start + kept * (weight.value.detach() - weight.start), kept)


class NotRescaled(Mixes):
    def mix(self, weight, generator):
        kept = self.drawn(weight, generator).to(weight.start.dtype)
        return Mixed(weight.start + kept * (weight.value.detach() - weight.start), kept)


class AroundZero(Mixes):
    def mix(self, weight, generator):
        kept = self.drawn(weight, generator).to(weight.start.dtype) * 2
        return Mixed(kept * weight.value.detach(), kept)


class WholeGradient(Mixes):
    def mix(self, weight, generator):
        mixed = super().mix(weight, generator)
        return Mixed(mixed.value, torch.ones_like(mixed.gradient) * 2)


class NothingKept(Mixes):
    def drawn(self, weight, generator):
        return torch.zeros(weight.start.shape, dtype=torch.bool)


class GlobalDraw(Mixes):
    def drawn(self, weight, generator):
        return torch.rand(weight.start.shape) >= 0.5


class MixesInPlace(Mixes):
    def mix(self, weight, generator):
        mixed = super().mix(weight, generator)
        with torch.no_grad():
            weight.value.copy_(mixed.value)
        return mixed


class SecretImportance(Pull):
    def one(self, weight):
        found = (weight.value - weight.start).square()
        return (found if weight.importance is None else found * weight.importance).sum()


class NoGradient(Pull):
    def __init__(self, options):
        super().__init__(options)
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(torch.get_num_threads() + 1)


@frozen
class NoPatterns(Options):
    def patterns(self):
        return ()


@frozen
class BadSelector(Options):
    def patterns(self):
        return ("backbone |",)


def card(build, options=Options):
    return Card("regularizer", f"{build.__name__}-{options.__name__}".lower(), "a pull", options, build)


class TimesZero(Pull):
    """Holds nothing, whatever its options."""

    def one(self, weight):
        return super().one(weight) * 0


class SeedsAnew(Mixes):
    """Draws the same numbers in every step."""

    def mix(self, weight, generator):
        generator.manual_seed(0)
        return super().mix(weight, generator)


class WholeWeights(Mixes):
    """Right too: a weight is replaced as a whole or not at all."""

    def mix(self, weight, generator):
        kept = (torch.rand((), generator=generator) >= 0.3).double() / 0.7
        factor = kept.expand(weight.value.shape)
        return Mixed(weight.start + factor * (weight.value - weight.start), factor)


MUTANTS = (
    *(
        (card(build), law)
        for build, law in (
            (NeedsAWeight, "Z1"),
            (TimesZero, "Z10"),
            (SeedsAnew, "Z7"),
            (Distance, "Z1"),
            (Signed, "Z1"),
            (Decay, "Z2"),
            (Away, "Z2"),
            (RunAway, "Z3"),
            (Detached, "Z3"),
            (MovesTheStart, "Z4"),
            (MeanOverWeights, "Z5"),
            (SharedNorm, "Z5"),
            (NotRescaled, "Z6"),
            (AroundZero, "Z2"),
            (WholeGradient, "Z6"),
            (NothingKept, "Z6"),
            (GlobalDraw, "Z7"),
            (MixesInPlace, "Z4"),
            (SecretImportance, "Z9"),
            (NoGradient, "G12"),
        )
    ),
    (card(Pull, NoPatterns), "Z8"),
    (card(Pull, BadSelector), "Z8"),
)


class Nothing(Pull):
    """Neither penalty nor mix."""

    def penalty(self, weights):
        return None


UNUSUAL = (card(Pull), card(Mixes), card(Nothing), card(WholeWeights))

"""Backbones that can be laid out without being loaded, with one plausible mistake each; `Laid` is right."""

import torch
from attrs import frozen
from torch import nn

from tests.mutants.backbone import Sizes, Small
from tests.mutants.backbone import card as plain_card


class Laid(Small):
    """Its files are its description."""

    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.deferred, self.stored = False, {}

    def description(self):
        return {name: weight.detach().numpy().tobytes().hex() for name, weight in self.named_parameters()}

    @classmethod
    def described(cls, options, told, pretrained):
        made = cls(options, pretrained)
        made.deferred = True
        made.stored = {name: bytes.fromhex(content) for name, content in told.items()}
        for name, weight in list(made.named_parameters()):
            made.put(name, nn.Parameter(torch.empty_like(weight, device="meta")))
        return made

    def put(self, name, weight):
        path, _, leaf = name.rpartition(".")
        setattr(self.get_submodule(path), leaf, weight)

    def content(self, name):
        yield self.stored[name]

    def read(self, name, weight):
        return torch.frombuffer(bytearray(self.stored[name]), dtype=torch.float32).view(weight.shape).clone()

    def materialize(self):
        if self.deferred:
            self.deferred = False
            for name, weight in self.named_parameters():
                self.fill(name, weight)

    def fill(self, name, weight):
        trains = weight.requires_grad
        torch.utils.swap_tensors(weight, nn.Parameter(self.read(name, weight)))
        weight.requires_grad_(trains)

    def stem(self, batch, depth):
        self.materialize()
        return super().stem(batch, depth)

    def tail(self, hidden, batch, depth):
        self.materialize()
        return super().tail(hidden, batch, depth)


class DescribesNothing(Laid):
    """Right: what it holds is in no file."""

    def description(self):
        return None


class KeepsOneInMemory(Laid):
    @classmethod
    def described(cls, options, told, pretrained):
        made = super().described(options, told, pretrained)
        made.fill("last.bias", made.last.bias)
        return made


class OtherOrder(Laid):
    @classmethod
    def described(cls, options, told, pretrained):
        made = super().described(options, told, pretrained)
        made.table, made.positions = made._modules.pop("table"), made._modules.pop("positions")
        return made


class OneBlockLess(Laid):
    @classmethod
    def described(cls, options, told, pretrained):
        made = super().described(options, told, pretrained)
        made.depth = max(made.depth - 1, 0)
        return made


class PlacedByNumber(Laid):
    def place(self, name):
        role, depth = super().place(name)
        return (
            (role, depth + 1) if self.deferred and role == "block" and depth < self.depth else (role, depth)
        )


class NotJson(Laid):
    def description(self):
        return {name: weight.detach() for name, weight in self.named_parameters()}


class NeverDescribed(Laid):
    @classmethod
    def described(cls, options, told, pretrained):
        return super().described(options, told, pretrained) if len(told) == 1 else None


class ContentOfAnother(Laid):
    def content(self, name):
        yield self.stored[name.replace(".own.", ".mean.")]


class ContentCutShort(Laid):
    def content(self, name):
        yield self.stored[name][:64]


class NewParameters(Laid):
    def materialize(self):
        if self.deferred:
            self.deferred = False
            for name, weight in list(self.named_parameters()):
                self.put(name, nn.Parameter(self.read(name, weight), requires_grad=weight.requires_grad))


class ThawsAll(Laid):
    def fill(self, name, weight):
        super().fill(name, weight)
        weight.requires_grad_()


class ForgetsModes(Laid):
    def materialize(self):
        if self.deferred:
            super().materialize()
            self.train()


class RandomNumbers(Laid):
    def read(self, name, weight):
        return torch.randn(weight.shape) if name == "layer.0.own.weight" else super().read(name, weight)


class StaysDeferred(Laid):
    def materialize(self):
        super().materialize()
        self.deferred = bool(self.stored)


class BornDeferred(Laid):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.deferred = True


def card(build):
    """The card of a backbone whose options can lay it out."""

    @frozen
    class Options(Sizes):
        """Sizes of a small encoder."""

        def described(self, told, pretrained):
            return build.described(self, told, pretrained)

    return plain_card(build, Options)


UNUSUAL = (card(Laid), card(DescribesNothing))
MUTANTS = tuple(
    (card(each), "B31")
    for each in (
        KeepsOneInMemory,
        OtherOrder,
        OneBlockLess,
        PlacedByNumber,
        NotJson,
        NeverDescribed,
        ContentOfAnother,
        ContentCutShort,
        NewParameters,
        ThawsAll,
        ForgetsModes,
        RandomNumbers,
        StaysDeferred,
        BornDeferred,
    )
)

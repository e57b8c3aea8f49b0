"""A model of the transformers library that is loaded when it is to compute something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self

import torch
from torch import nn

from mtlkit.builtin.backbones.deferred import Description
from mtlkit.builtin.backbones.loaded import Loaded, children_of, telling_apart
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.pretrained import load_config, load_tokenizer, locate
from mtlkit.errors import ResourceError


class LazyModel(nn.Module):
    """A model and its tokenizer; the parts of the model, not the model, are this module's children.

    Without a description it is loaded at once, with one it is laid out, until something asks for `_ready`.

    Raises:
        ResourceError: when there is no such model.
    """

    def __init__(
        self, options: Transformer, pretrained: bool = True, description: Description | None = None
    ) -> None:
        super().__init__()
        self.options, self._pretrained, self._description = options, pretrained, description
        self.origin = locate(options)
        self._config = load_config(self.origin)
        with telling_apart(self.origin, self._config):
            self.hidden_size = int(self._config.hidden_size)
        self._loaded: Loaded | None = None
        if description is None:
            self._anatomy = self._load().anatomy
        else:
            self._anatomy = description.anatomy
            self._stamps = description.stamps(self.origin)
            description.lay_out(self)
        if pretrained:
            _ = self.tokenizer

    @classmethod
    def described(cls, options: Transformer, told: Mapping[str, Any], pretrained: bool) -> Self | None:
        """The backbone as its description has it, not loaded; None where that is of other files."""
        description, origin = Description.read(told), locate(options)
        if description is None or not origin.local or not description.holds(origin, pretrained):
            return None
        return cls(options, pretrained, description)

    def description(self) -> Mapping[str, Any] | None:
        """What `described` takes, as JSON; None where the weights are not those of the model's folder."""
        if self._loaded is None or not self.origin.local:
            return None
        found = Description.of(self.origin, self, self._anatomy)
        return None if found is None else found.told()

    @property
    def deferred(self) -> bool:
        """Whether the model is not loaded: its weights are on the meta device."""
        return self._loaded is None

    def content(self, name: str) -> Iterator[bytes]:
        """The bytes of a weight while the model is not loaded.

        Raises:
            OSError: when they can't be read, or a file of the model has changed since it was laid out.
        """
        if self._description is None:
            return iter(())
        changed = [
            name
            for name, stamp in self._description.stamps(self.origin).items()
            if stamp != self._stamps[name]
        ]
        if changed:
            raise OSError(f"{self.origin.name}/{changed[0]} has changed since the run began")
        return self._description.content(self.origin, name)

    def materialize(self) -> None:
        """Load the model, where it is not; parameters stay the objects that they are.

        Raises:
            ResourceError: when it can't be loaded any more, or has become another.
        """
        _ = self._ready

    @property
    def _ready(self) -> Loaded:
        return self._loaded or self._filled()

    def _load(self) -> Loaded:
        loaded = Loaded.of(self.origin, self._config, self.options, self._pretrained)
        self._loaded = loaded
        for name, child in children_of(loaded.model):
            self.add_module(name, child)
        return loaded

    def _filled(self) -> Loaded:
        before = dict(self.named_parameters())
        modes = {name: part.training for name, part in self.named_modules()}
        loaded = self._load()
        weights = dict(self.named_parameters())
        if {name: weight.shape for name, weight in weights.items()} != {
            name: weight.shape for name, weight in before.items()
        }:
            raise ResourceError(f"{self.origin.name} has become another model", "start the run again")
        for name, part in self.named_modules():
            part.training = modes.get(name, self.training)
        for name, weight in weights.items():
            path, _, leaf = name.rpartition(".")
            kept, trains = before[name], before[name].requires_grad
            torch.utils.swap_tensors(kept, weight)  # type: ignore[no-untyped-call]
            setattr(self.get_submodule(path), leaf, kept.requires_grad_(trains))
        return loaded

    @property
    def model(self) -> Any:  # noqa: ANN401  a transformers model
        """The Hugging Face model itself; its weights are this module's."""
        return self._ready.model

    @cached_property
    def tokenizer(self) -> Any:  # noqa: ANN401  a transformers tokenizer
        """The model's tokenizer, set to cut rows at `max_length`."""
        return load_tokenizer(self.origin, self.options.max_length)

"""A model with its own code: loaded, adapted, and told apart into blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from inspect import signature
from typing import Any, Self

import torch
from attrs import frozen
from torch import nn

from mtlkit.builtin.backbones.adapters import add_adapters, check_called
from mtlkit.builtin.backbones.anatomy import Anatomy
from mtlkit.builtin.backbones.fast import FastPath
from mtlkit.builtin.backbones.fresh_blocks import check_top, renew_top
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.pretrained import Origin, load_model
from mtlkit.builtin.backbones.recomputing import recompute
from mtlkit.builtin.backbones.splitting import Blocks, find_blocks, trace
from mtlkit.errors import Problem, RecipeError, ResourceError

_UNTRACEABLE = (AttributeError, LookupError, RuntimeError, NotImplementedError, TypeError, ValueError)


@frozen(eq=False)
class Loaded:
    """A model of the transformers library, ready to run."""

    model: Any
    blocks: Blocks
    anatomy: Anatomy
    fast: FastPath | None

    @classmethod
    def of(cls, origin: Origin, config: Any, options: Transformer, pretrained: bool) -> Self:  # noqa: ANN401  a transformers configuration
        """Load it; without `pretrained`, with random weights.

        Raises:
            ResourceError: when it can't be loaded or understood, or is to have adapters and peft is not
                installed.
            RecipeError: when `max_length` is more than it has positions, `reinit_top` more than it has
                blocks, or a target of adapters is no layer that it calls.
        """
        model = load_model(origin, config, pretrained)
        _check_length(options, model, config)
        with telling_apart(origin, config):
            path, blocks = find_blocks(model, config.num_hidden_layers)
        check_top(options.reinit_top, len(blocks), origin.name)
        if pretrained:
            renew_top(blocks, partial(_fresh_blocks, origin, config), options.reinit_top)
        kind = options.lora or options.ia3
        adapted = add_adapters(model, path, kind) if kind is not None else ()
        fast = FastPath.of(model, config) if options.fast == "auto" else None
        with telling_apart(origin, config):
            anatomy = _looked_at(model, config, path, blocks, adapted)
        outside = [layer for layer in adapted if not layer.startswith(f"{path}.")]
        check_called([layer for layer in outside if layer not in anatomy.depths])
        if options.checkpoint_blocks:
            recompute(blocks, model.config)
        return cls(model, blocks, anatomy, fast)


def children_of(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The parts of a model by name, or the whole where it has weights of its own."""
    own = [*model.parameters(recurse=False), *model.buffers(recurse=False)]
    return [("model", model)] if own else list(model.named_children())


@contextmanager
def telling_apart(origin: Origin, config: Any) -> Iterator[None]:  # noqa: ANN401  a transformers configuration
    """Looking at a stranger's model: what goes wrong is told of it.

    Raises:
        ResourceError: when something does.
    """
    try:
        yield
    except _UNTRACEABLE as error:
        message = f"the blocks of {origin.name} ({config.model_type}) can't be told apart: {error}"
        raise ResourceError(message, "use an encoder of plain blocks, such as BERT") from error


def _looked_at(model: Any, config: Any, path: str, blocks: Blocks, adapted: tuple[str, ...]) -> Anatomy:  # noqa: ANN401  a transformers model
    """What one run of the model shows."""
    model.eval()  # a run for information only: no dropout, so no random number is taken
    probe = torch.zeros((1, 4), dtype=torch.long, device=next(model.parameters()).device)
    # no attention mask: looking into one is not possible on the meta device
    with torch.no_grad(), _without_padding(model):
        seen = trace(model, path, blocks, partial(model, input_ids=probe))
    segments = getattr(config, "type_vocab_size", 2)
    told: dict[str, Any] = model.config.to_dict()
    names = {id(module): name for name, module in model.named_modules()}
    return Anatomy(
        path=path,
        depth=len(blocks),
        depths=seen.depths,
        answer=seen.answer,
        prefix="model." if any(name == "model" for name, _ in children_of(model)) else "",
        typed=segments > 1 and "token_type_ids" in signature(model.forward).parameters,
        table=f"{names.get(id(model.get_input_embeddings()), '')}.weight",
        told=json.dumps({key: told[key] for key in sorted(told) if key[0] != "_"}, default=str),
        adapted=adapted,
    )


def _fresh_blocks(origin: Origin, config: Any) -> Blocks:  # noqa: ANN401  a transformers configuration
    return find_blocks(load_model(origin, config, pretrained=False), config.num_hidden_layers)[1]


@contextmanager
def _without_padding(model: Any) -> Iterator[None]:  # noqa: ANN401  a transformers model
    # Where there is no mask some models look for padding, which is not possible there either.
    padding, model.config.pad_token_id = model.config.pad_token_id, None
    try:
        yield
    finally:
        model.config.pad_token_id = padding


def _check_length(options: Transformer, model: nn.Module, config: Any) -> None:  # noqa: ANN401  a transformers configuration
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            positions -= int(module.padding_idx) + 1  # RoBERTa counts positions from there
    if options.max_length > positions:
        name = options.path.address
        message = f"max_length {options.max_length} is more than the {positions} positions of {name}"
        raise RecipeError(Problem(message, f"at most {positions}", "backbone.max_length"))

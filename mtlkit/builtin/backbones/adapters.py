"""Adapters in the layers of a model, by the peft library, and folding them into the weights again.

The adapted layer `query` becomes `query.base_layer` with the adapter's own weights beside it, such as
`query.lora_A.default`, by the names that peft gives them. All weights of the model stay as trainable as they
were: what is frozen is up to the recipe.

Of what peft offers, LoRA and (IA)³ are here: both sit in single layers, leave rows and their lengths as they
are, and can be folded away. Prompts and prefixes put tokens before a row, which word numbers and the parts
of a split model do not know; AdaLoRA changes its ranks while it trains; the other matrix forms (LoHa, LoKr,
OFT, VeRA and so on) would fit in the same way and wait for a need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from mtlkit.builtin.backbones.adapter_options import IA3, Lora
from mtlkit.errors import Problem, RecipeError, ResourceError

if TYPE_CHECKING:
    from peft import PeftConfig

BASE = "base_layer"
INSTALL = "pip install 'mtlkit[adapters]'"
LINEAR = frozenset({nn.Linear})
LOOKUP = frozenset({nn.Embedding})


def add_adapters(model: nn.Module, blocks: str, options: Lora | IA3) -> tuple[str, ...]:
    """Put adapters into layers of the model whose blocks lie below `blocks`; returns the layers' names.

    Random weights are drawn from torch's global generator, on the device that is the default.

    Raises:
        ResourceError: when peft is not installed.
        RecipeError: when a target is no layer of the model that can be adapted.
    """
    try:
        from peft import inject_adapter_in_model
    except ImportError as error:
        message = f"adapters need the library peft, which can't be imported: {error}"
        raise ResourceError(message, INSTALL) from error
    trainable = {id(weight): weight.requires_grad for weight in model.parameters()}
    layers = _layers(model, blocks, options)
    inject_adapter_in_model(_config(options, layers), model)
    for weight in model.parameters():
        weight.requires_grad_(trainable.get(id(weight), True))
    return layers


def check_called(silent: Sequence[str]) -> None:
    """Refuse adapters in layers that the model never calls: it reads their weights past the adapter.

    Raises:
        RecipeError: when there is one.
    """
    if silent:
        message = f"adapters in {', '.join(silent)} would do nothing: the model never calls the layer"
        raise RecipeError(Problem(message, "leave it out of the targets", "backbone.lora.targets"))


def fold_adapters(model: nn.Module) -> None:
    """Put the adapters into the weights of their layers, which go by their own names again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    adapted = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, BaseTunerLayer)]
    for name, layer in adapted:
        layer.merge()
        model.set_submodule(name, layer.get_base_layer())
    del model.peft_config


def adapter_weights(model: nn.Module, layers: tuple[str, ...]) -> Iterator[str]:
    """Names of the weights that adapters brought into the layers of those names."""
    for name, _ in model.named_parameters():
        layer = layer_of(name, layers)
        if layer and not name.startswith(f"{layer}.{BASE}."):
            yield name


def layer_of(name: str, layers: tuple[str, ...]) -> str:
    """The adapted layer that the weight belongs to; empty where there is none."""
    return next((layer for layer in layers if name.startswith(f"{layer}.")), "")


def _config(options: Lora | IA3, layers: tuple[str, ...]) -> PeftConfig:
    """The configuration for peft, with whole names only, so that it looks for nothing itself."""
    from peft import IA3Config, LoraConfig

    if isinstance(options, IA3):
        inputs = [name for name in layers if _is_meant(name, options.feedforward)]
        return IA3Config(target_modules=list(layers), feedforward_modules=inputs)
    alpha: Any = options.alpha  # declared as an int, but a factor like any other
    return LoraConfig(
        r=options.rank, lora_alpha=alpha, lora_dropout=options.dropout, target_modules=list(layers)
    )


def _layers(model: nn.Module, blocks: str, options: Lora | IA3) -> tuple[str, ...]:
    """Whole names of the layers that the targets mean, in the model's order."""
    option, kinds = ("ia3", LINEAR) if isinstance(options, IA3) else ("lora", LINEAR | LOOKUP)
    layers = {name: type(module) for name, module in model.named_modules() if type(module) in kinds}
    if not options.targets:
        return tuple(
            name for name, kind in layers.items() if kind in LINEAR and name.startswith(f"{blocks}.")
        )
    unknown = [target for target in options.targets if not any(_is_meant(name, [target]) for name in layers)]
    if unknown:
        offer = dict.fromkeys(name.rpartition(".")[2] for name in layers)
        advice, path = f"the model has {', '.join(offer)}", f"backbone.{option}.targets"
        raise RecipeError(
            [Problem(f"{target!r} is no layer that can be adapted", advice, path) for target in unknown]
        )
    return tuple(name for name in layers if _is_meant(name, options.targets))


def _is_meant(name: str, targets: Sequence[str]) -> bool:
    return any(f".{name}".endswith(f".{target}") for target in targets)

"""What a torch module holds: registered weights, weights that it hides, its modes, and changes of these."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters and buffers, by name."""
    named = [*module.named_parameters(), *module.named_buffers()]
    return {name: value.detach().clone() for name, value in named}


def flags_of(module: nn.Module) -> dict[str, bool]:
    """The training flag of every submodule and `requires_grad` of every parameter."""
    modes = {f"the mode of {name or 'it'}": each.training for name, each in module.named_modules()}
    return modes | {
        f"requires_grad of {name}": each.requires_grad for name, each in module.named_parameters()
    }


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Its weights by name, but for those that its author froze."""
    return {name: each for name, each in module.named_parameters() if each.requires_grad}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what is different."""
    gone = [name for name in [*before, *after] if name not in after or name not in before]
    return gone + [name for name in before if name in after and not same(before[name], after[name])]


def same(one: Any, other: Any) -> bool:  # noqa: ANN401  tensors or plain values
    """Bit for bit the same, NaN included."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return bool(((one == other) | ((one != one) & (other != other))).all())
    return bool(one == other)


def hidden_weights(module: nn.Module, borrowed: Sequence[Tensor] = ()) -> list[str]:
    """Attributes that hold parameters, or tensors that want gradients, outside of `named_parameters`.

    Weights of others that it may use, `borrowed`, are none of its own.
    """
    registered = {id(each) for each in [*module.parameters(), *borrowed]}
    found = []
    for path, each in module.named_modules():
        for name, value in vars(each).items():
            if name.startswith("_") and name[1:] in ("parameters", "buffers", "modules"):
                continue
            leaves = _leaves(value, 0)
            if any(isinstance(leaf, Tensor) and _trains(leaf, registered) for leaf in leaves):
                found.append(f"{path}.{name}".lstrip("."))
    return found


def shared(one: nn.Module, other: nn.Module, borrowed: Sequence[Tensor] = ()) -> list[str]:
    """The names of weights and buffers of the first that lie in the second's memory, `borrowed` apart."""
    memory = {each.untyped_storage().data_ptr() for each in _tensors(other) if each.numel()}
    memory -= {each.untyped_storage().data_ptr() for each in borrowed}
    named = [*one.named_parameters(), *one.named_buffers()]
    return [name for name, each in named if each.numel() and each.untyped_storage().data_ptr() in memory]


def survivors(run: Callable[[], Mapping[str, Tensor]]) -> list[str]:
    """The names of the tensors that `run` made and that something still holds after it."""
    watched = {name: ref(tensor) for name, tensor in run().items()}
    if any(watch() is not None for watch in watched.values()):
        gc.collect()
    return [name for name, watch in watched.items() if watch() is not None]


def torch_state() -> dict[str, Any]:
    """Torch's settings that are global to the process."""
    return {
        "the gradient mode": torch.is_grad_enabled(),
        "the inference mode": torch.is_inference_mode_enabled(),
        "the default dtype": torch.get_default_dtype(),
        "the default device": str(torch.get_default_device()),
        "the number of threads": torch.get_num_threads(),
        "determinism": torch.are_deterministic_algorithms_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "the precision of float32 products": torch.get_float32_matmul_precision(),
    }


def restore(state: Mapping[str, Any]) -> None:
    """Put the settings back, so that one plugin does not spoil what is tried after it."""
    torch.set_grad_enabled(state["the gradient mode"])
    torch.set_default_dtype(state["the default dtype"])
    torch.set_num_threads(state["the number of threads"])
    torch.use_deterministic_algorithms(state["determinism"])
    torch.autograd.set_detect_anomaly(state["anomaly detection"])
    torch.set_autocast_enabled("cpu", state["autocast"])
    torch.set_float32_matmul_precision(state["the precision of float32 products"])
    if str(torch.get_default_device()) != state["the default device"]:
        torch.set_default_device(state["the default device"])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Torch's settings as they were afterwards, whatever a plugin sets."""
    before = torch_state()
    try:
        yield
    finally:
        if torch_state() != before:
            restore(before)


def _trains(leaf: Tensor, registered: set[int]) -> bool:
    parameter = isinstance(leaf, nn.Parameter) or (leaf.requires_grad and leaf.is_leaf)
    return parameter and id(leaf) not in registered


def _leaves(value: Any, level: int) -> Iterator[Any]:  # noqa: ANN401  any attribute
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, nn.Module):
        yield from value.parameters()
    elif isinstance(value, list | tuple | set | frozenset) and level < 4:
        for each in value:
            yield from _leaves(each, level + 1)
    else:
        yield value


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()

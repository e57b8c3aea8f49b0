"""What a run must know to go on from a step as if it had never stopped, by the names of the weights.

Randomness is not among it: every step is seeded from (seed, step).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from attrs import field, frozen
from torch import Tensor, nn
from torch.optim import Optimizer

from mtlkit.contracts.progress import Measurement
from mtlkit.engine.apply import Handles
from mtlkit.engine.deferring import Content, content_of, load_deferred
from mtlkit.errors import PluginError, ResourceError

Plain = bool | int | float | str | None
GIVEN = ("params", "names", "group", "lr", "weight_decay")  # what the engine puts into groups itself


@frozen
class Standing:
    """What a run knows at that moment beside weights, data order and metrics.

    `pending` says that what is due after the step, such as an evaluation, is not done yet, and `finished`
    that the run is at its end. `told` counts the events told so far that have a place in the order of the
    run, and `untold` is the step of a checkpoint that was begun and not told of yet. `best` has by metric
    its best value and the checkpoint of it, `untrained` the metrics before training, `digests` those of what
    the phase froze, taken when it began. `recipe` and `conditions` are those the run is under, `inexact`
    says what has kept it from being exact.
    """

    pending: bool = False
    finished: bool = False
    told: int = 0
    untold: int | None = None
    best: Mapping[str, tuple[float, str]] = field(factory=dict)
    untrained: Mapping[str, float] = field(factory=dict)
    digests: Mapping[str, str] = field(factory=dict)
    recipe: Mapping[str, Any] = field(factory=dict)
    conditions: Mapping[str, str] = field(factory=dict)
    inexact: tuple[str, ...] = ()


@frozen(eq=False)
class Snapshot:
    """The state of a run before step `step`; tensors are copies on the CPU that nothing else holds.

    But those of `shared`, which are the model's own: it does not change them as long as anybody reads.
    `weights` are weights by canonical name, a tied region's further views as `NAME#1`, buffers as
    `buffer:NAME`. `state` is the optimizer's, as `WEIGHT::KEY`, and `plain` what of it are no tensors;
    `groups` is what it keeps in its groups, as `FIRST WEIGHT OF THE GROUP::KEY`. Weights on the meta device
    are not in memory: `content` reads them.
    """

    weights: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    plain: Mapping[str, Plain] = field(factory=dict)
    groups: Mapping[str, Plain] = field(factory=dict)
    step: int = 0
    cursors: Mapping[str, int] = field(factory=dict)
    log: tuple[Measurement, ...] = ()
    standing: Standing = Standing()
    shared: Collection[str] = ()
    content: Content | None = None


@frozen(eq=False)
class Spare:
    """A snapshot needed no more, for its memory; of the weights `unchanged` since, for its content.

    Weights that are `still` need no copy: they will not change while the next snapshot is in use.
    """

    weights: Mapping[str, Tensor] = field(factory=dict)
    state: Mapping[str, Tensor] = field(factory=dict)
    unchanged: Collection[str] = ()
    still: Collection[str] = ()

    @classmethod
    def of(cls, snapshot: Snapshot | None, unchanged: Collection[str], still: Collection[str]) -> "Spare":
        """What is left of a snapshot: all but what it shares with the model."""
        if snapshot is None:
            return cls(still=still)
        own = {name: tensor for name, tensor in snapshot.weights.items() if name not in snapshot.shared}
        return cls(own, snapshot.state, unchanged, still)

    def copy(self, name: str, tensor: Tensor) -> Tensor:
        """The weight as it is now."""
        if name in self.still and tensor.device.type == "cpu":
            return tensor
        if name in self.unchanged and name in self.weights:
            return self.weights[name]
        return copied(tensor, self.weights.get(name))


def take(
    handles: Handles,
    optimizer: Optimizer,
    step: int = 0,
    cursors: Mapping[str, int] | None = None,
    log: Sequence[Measurement] = (),
    standing: Standing | None = None,
    spare: Spare | None = None,
) -> Snapshot:
    """Copy all of it, into the memory of a spare snapshot as far as it fits.

    Raises:
        PluginError: when the optimizer keeps something other than tensors and plain values per weight.
    """
    spare = spare or Spare()
    state: dict[str, Tensor] = {}
    plain: dict[str, Plain] = {}
    for name, parameter in _trained(optimizer):
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                place = f"{name}::{key}"
                state[place] = copied(value, spare.state.get(place))
            elif isinstance(value, bool | int | float | str | None):
                plain[f"{name}::{key}"] = value
            else:
                raise PluginError(
                    f"{type(optimizer).__name__} keeps {key!r} of {name} as {type(value).__name__}",
                    "an optimizer may keep tensors, numbers, texts and None",
                )
    current = tensors(handles)
    weights = {name: spare.copy(name, tensor) for name, tensor in current.items()}
    return Snapshot(
        weights,
        state,
        plain,
        _kept_in_groups(optimizer),
        step,
        dict(cursors or {}),
        tuple(log),
        standing or Standing(),
        frozenset(name for name, tensor in weights.items() if tensor is current[name]),
        content_of(handles.model),
    )


def restore(handles: Handles, optimizer: Optimizer, snapshot: Snapshot) -> None:
    """Put weights, buffers and the optimizer's state back as they were; gradients are not its business.

    Raises:
        ResourceError: when the snapshot is not of this model and these groups; nothing has changed then.
    """
    parameters = dict(_trained(optimizer))
    check(handles, snapshot.weights, "the snapshot")
    _check_names((key.partition("::")[0] for key in (*snapshot.state, *snapshot.plain)), parameters)
    group_of = {name: group for group in optimizer.param_groups for name in group["names"]}
    _check_names((key.rpartition("::")[0] for key in snapshot.groups), group_of)
    put_back(handles, snapshot.weights)
    optimizer.state.clear()
    for stored in (snapshot.state, snapshot.plain):
        for place, value in stored.items():
            name, _, key = place.partition("::")
            parameter = parameters[name]
            put = _placed(value, parameter, key, group_of[name]) if isinstance(value, Tensor) else value
            optimizer.state[parameter][key] = put
    for group in optimizer.param_groups:
        group |= {key: optimizer.defaults[key] for key in _own_keys(group) if key in optimizer.defaults}
    for place, value in snapshot.groups.items():
        name, _, key = place.rpartition("::")
        group_of[name][key] = value


def tensors(handles: Handles) -> dict[str, Tensor]:
    """Weights by canonical name, a tied region's further views by number, and all buffers."""
    found: dict[str, Tensor] = {}
    for name, weight in handles.weights.items():
        for number, parameter in enumerate(weight.parameters):
            found[f"{name}#{number}" if number else name] = parameter.detach()
    for name, buffer in handles.model.buffers():
        found[f"buffer:{name}"] = buffer
    return found


def check(handles: Handles, stored: Mapping[str, Tensor], what: str) -> None:
    """Hold stored weights and buffers against those of a model.

    Raises:
        ResourceError: when names, shapes or types differ; says which.
    """
    here = tensors(handles)
    if set(stored) != set(here):
        different = ", ".join(sorted(set(stored) ^ set(here))[:8])
        raise ResourceError(f"{what} is of another model: {different}")
    for name, tensor in here.items():
        for there, ours in ((stored[name].shape, tensor.shape), (stored[name].dtype, tensor.dtype)):
            if there != ours:
                raise ResourceError(
                    f"{what} is of another model: {name} is {_shown(there)} there and {_shown(ours)} here"
                )


def put_back(handles: Handles, stored: Mapping[str, Tensor]) -> None:
    """Copy stored weights and buffers, known to fit, into the model."""
    load_deferred(handles.model.backbone)
    with torch.no_grad():
        for name, tensor in tensors(handles).items():
            tensor.copy_(stored[name])


def copied(tensor: Tensor, into: Tensor | None = None) -> Tensor:
    """A copy of its own memory, for safetensors refuses tensors that share any; in that of `into` if it fits.

    Memory that is new has to be asked of the system page by page, which takes longer than the copy.
    """
    if tensor.is_meta:
        return tensor
    if into is not None and into.shape == tensor.shape and into.dtype == tensor.dtype:
        return into.copy_(tensor.detach())
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _trained(optimizer: Optimizer) -> Iterable[tuple[str, nn.Parameter]]:
    for group in optimizer.param_groups:
        yield from zip(group["names"], group["params"], strict=True)


def _own_keys(group: Mapping[str, Any]) -> list[str]:
    return [key for key in group if key not in GIVEN]


def _kept_in_groups(optimizer: Optimizer) -> dict[str, Plain]:
    """What an optimizer itself has changed in its groups; some count their steps there."""
    return {
        f"{group['names'][0]}::{key}": group[key]
        for group in optimizer.param_groups
        for key in (_own_keys(group) if group["names"] else ())
        if isinstance(group[key], bool | int | float | str | None)
        and group[key] != optimizer.defaults.get(key)
    }


def _check_names(told: Iterable[str], known: Mapping[str, object]) -> None:
    unknown = sorted(set(told) - set(known))
    if unknown:
        raise ResourceError(f"the snapshot is of another optimizer: {', '.join(unknown[:8])}")


def _placed(value: Tensor, parameter: nn.Parameter, key: str, group: Mapping[str, Any]) -> Tensor:
    """A copy in the layout and, but for torch's step counters, on the device of the weight."""
    if key == "step" and not (group.get("capturable") or group.get("fused")):
        return value.clone()
    if value.shape != parameter.shape:
        return value.to(parameter.device, copy=True)
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)


def _shown(told: torch.Size | torch.dtype) -> str:
    return str(told).removeprefix("torch.") if isinstance(told, torch.dtype) else str(list(told))

"""From modules to the table of weights: a weight is a storage region, whatever its names."""

from collections.abc import Callable, Sequence

from attrs import define, field
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from mtlkit.contracts.backbone import Backbone
from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row
from mtlkit.engine.model import Model


@define(eq=False)
class Weight:
    """One storage region: every (name, parameter) that lies in it."""

    names: list[str] = field(factory=list)
    parameters: list[nn.Parameter] = field(factory=list)


def weights(model: Model) -> list[Weight]:
    """The storage regions of a model in the order of their first name.

    Parameters that are one object, that share memory or that overlap as views are one region.
    """
    regions: list[tuple[object, int, int, Weight]] = []
    by_object: dict[int, Weight] = {}
    for name, parameter in model.parameters():
        weight = by_object.get(id(parameter))
        if weight is None:
            weight = _region(parameter, regions)
            by_object[id(parameter)] = weight
            weight.parameters.append(parameter)
        weight.names.append(name)
    return list({id(weight): weight for weight in by_object.values()}.values())


def param_table(model: Model, backbone: Backbone, tasks: Sequence[str]) -> ParamTable:
    """The table of weights of a model, on any device, the meta device included."""
    kinds = _kinds(model)
    rows = []
    for weight in weights(model):
        name = weight.names[0]
        owner, role, depth = _place(name, backbone, tasks)
        rows.append(
            Row(
                name=name,
                shape=tuple(weight.parameters[0].shape),
                owner=owner,
                role=role,
                depth=depth,
                kind=kinds[name],
                aliases=tuple(weight.names[1:]),
                trainable=all(parameter.requires_grad for parameter in weight.parameters),
            )
        )
    rows.sort(key=lambda row: row.depth)
    return ParamTable(tuple(rows), backbone.depth)


def _region(parameter: nn.Parameter, regions: list[tuple[object, int, int, Weight]]) -> Weight:
    """The region that the parameter overlaps, or a new one; several that it joins become one."""
    if parameter.numel() == 0:
        return Weight()
    storage = StorageWeakRef(parameter.untyped_storage()).cdata
    size = parameter.element_size()
    start = parameter.storage_offset() * size
    reach = sum((n - 1) * stride for n, stride in zip(parameter.shape, parameter.stride(), strict=True))
    end = start + (reach + 1) * size
    for other, low, high, weight in regions:
        if other == storage and low < end and start < high:
            regions.append((storage, start, end, weight))
            return weight
    regions.append((storage, start, end, weight := Weight()))
    return weight


def _place(name: str, backbone: Backbone, tasks: Sequence[str]) -> tuple[str, Role, int]:
    if name.startswith("backbone."):
        role, depth = backbone.place(name.removeprefix("backbone."))
        return BACKBONE, role, depth
    inner = name.removeprefix("heads.")
    owner = max((task for task in tasks if inner.startswith(f"{task}.")), key=len)
    return owner, "head", backbone.depth + 2


def _kinds(model: Model) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for prefix, part in model.parts():
        for path, module in part.named_modules(remove_duplicate=False):
            of_module = _module_kind(module)
            for leaf, _ in module.named_parameters(recurse=False, remove_duplicate=False):
                name = prefix + (f"{path}.{leaf}" if path else leaf)
                kinds[name] = of_module(leaf)
    return kinds


def _module_kind(module: nn.Module) -> Callable[[str], Kind]:
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return lambda _leaf: "embedding"
    if "norm" in type(module).__name__.lower():  # RMSNorm and its kin have no common class
        return lambda _leaf: "norm"
    return lambda leaf: "bias" if leaf.endswith("bias") else "weight"

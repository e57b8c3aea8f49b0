"""From modules to the table of weights: a weight is a storage region, whatever its names."""

from collections.abc import Callable, Sequence

import torch
from attrs import define, field, frozen
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from mtlkit.contracts.backbone import Backbone
from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row
from mtlkit.engine.model import Model
from mtlkit.errors import CHECK, PluginError, Problem, RecipeError, returned


@define(eq=False)
class Weight:
    """One storage region: every name and parameter that lies in it; the first parameter holds it all."""

    names: list[str] = field(factory=list)
    parameters: list[nn.Parameter] = field(factory=list)


def weights(model: Model) -> list[Weight]:
    """The storage regions of a model in the order of their first name.

    Parameters that are one object, that share memory or that overlap as views are one region.

    Raises:
        PluginError: when parameters overlap and none of them holds all the others.
    """
    regions: dict[object, list[_Span]] = {}
    by_object: dict[int, Weight] = {}
    for name, parameter in model.parameters():
        if id(parameter) not in by_object:
            _add(parameter, regions, by_object)
        by_object[id(parameter)].names.append(name)
    found = list({id(weight): weight for weight in by_object.values()}.values())
    for weight in found:
        _widest_first(weight)
    return found


def param_table(model: Model, backbone: Backbone, tasks: Sequence[str]) -> ParamTable:
    """The table of weights of a model, on any device, the meta device included.

    Raises:
        RecipeError: when a task's name makes its weights look like those of another task.
        PluginError: as `weights`.
    """
    _check_tasks(tasks)
    kinds, adapters = _kinds(model), _adapters(backbone)
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
                adapter=name in adapters,
            )
        )
    rows.sort(key=lambda row: row.depth)
    return ParamTable(tuple(rows), backbone.depth)


@frozen(eq=False)
class _Span:
    """The memory of a parameter: its storage and the bytes `start` ≤ b < `end`, with gaps unless dense."""

    parameter: nn.Parameter
    storage: object
    start: int
    end: int

    @classmethod
    def of(cls, parameter: nn.Parameter) -> "_Span":
        size = parameter.element_size()
        start = int(parameter.storage_offset()) * size
        reach = sum(
            (int(n) - 1) * int(stride) for n, stride in zip(parameter.shape, parameter.stride(), strict=True)
        )
        storage = StorageWeakRef(parameter.untyped_storage()).cdata  # type: ignore[no-untyped-call]
        return cls(parameter, storage, start, start + (reach + 1) * size)

    @property
    def dense(self) -> bool:
        return self.end - self.start == self.parameter.numel() * self.parameter.element_size()

    def cells(self) -> Tensor:
        """The first byte of each of its numbers."""
        size = self.parameter.element_size()
        places = torch.arange(self.start, self.end, size, device="cpu")
        return places.as_strided(self.parameter.shape, self.parameter.stride()).flatten()

    def overlaps(self, other: "_Span") -> bool:
        if self.storage != other.storage or self.start >= other.end or other.start >= self.end:
            return False
        if self.dense and other.dense:
            return True
        return bool(torch.isin(self.cells(), other.cells()).any())

    def holds(self, other: "_Span") -> bool:
        if self.dense:
            return self.start <= other.start and other.end <= self.end
        return bool(torch.isin(other.cells(), self.cells()).all())


def _add(parameter: nn.Parameter, regions: dict[object, list[_Span]], by_object: dict[int, Weight]) -> None:
    """Put a parameter into the region that it overlaps, or a new one; several that it joins become one."""
    first = Weight()
    if parameter.numel():
        span = _Span.of(parameter)
        neighbours = regions.setdefault(span.storage, [])
        touched = [by_object[id(other.parameter)] for other in neighbours if span.overlaps(other)]
        first = touched[0] if touched else first
        neighbours.append(span)
        for weight in {id(weight): weight for weight in touched[1:] if weight is not first}.values():
            first.names += weight.names
            first.parameters += weight.parameters
    first.parameters.append(parameter)
    by_object.update((id(each), first) for each in first.parameters)


def _widest_first(weight: Weight) -> None:
    """Put the parameter that holds the whole region first: it is the one that an optimizer moves."""
    if len(weight.parameters) < 2:
        return
    weight.parameters.sort(key=lambda parameter: -parameter.numel())
    first, *others = (_Span.of(parameter) for parameter in weight.parameters)
    if not all(first.holds(other) for other in others):
        raise PluginError(
            f"the weights {', '.join(weight.names)} share part of their memory, "
            "and none of them holds the others",
            "tie whole weights, or keep one parameter of which the others are views",
        )


def _check_tasks(tasks: Sequence[str]) -> None:
    clashes = [(task, other) for task in tasks for other in tasks if other.startswith(f"{task}.")]
    if clashes:
        raise RecipeError(
            [
                Problem(
                    f"the weights of task {other!r} can't be told from those of task {task!r}",
                    "rename one of the two tasks",
                    "tasks",
                )
                for task, other in clashes
            ]
        )


def _place(name: str, backbone: Backbone, tasks: Sequence[str]) -> tuple[str, Role, int]:
    if name.startswith("backbone."):
        place = returned(backbone.place(name.removeprefix("backbone.")), tuple, "the backbone", "place")
        if len(place) != 2:
            raise PluginError(f"the backbone returned {place!r} from place, expected role and depth", CHECK)
        role, depth = place
        return BACKBONE, role, depth
    inner = name.removeprefix("heads.")
    owner = max((task for task in tasks if inner.startswith(f"{task}.")), key=len)
    return owner, "head", backbone.depth + 2


def _adapters(backbone: Backbone) -> frozenset[str]:
    names = backbone.adapters() if hasattr(backbone, "adapters") else ()
    return frozenset(f"{BACKBONE}.{name}" for name in names)


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

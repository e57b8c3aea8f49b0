"""Builders: from the parts of a plan to sources, backbone, heads, optimizer and table of weights."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from torch.optim import Optimizer

from mtlkit.contracts.backbone import Backbone, Layered
from mtlkit.contracts.card import load_address
from mtlkit.contracts.head import Head, HeadContext, asked_layers
from mtlkit.contracts.params import ParamTable
from mtlkit.engine.apply import Handles
from mtlkit.engine.cache import Cache
from mtlkit.engine.deferring import any_absent, laid_out
from mtlkit.engine.labels import training_labels
from mtlkit.engine.model import Model
from mtlkit.engine.params import param_table
from mtlkit.engine.rows import Rows
from mtlkit.engine.seeds import seeded
from mtlkit.engine.unfilled import unfilled
from mtlkit.engine.without_compiler import lean_step, leave_compiler
from mtlkit.errors import MtlkitError, PluginError, Problem, RecipeError, is_memory
from mtlkit.plan.model import Part, Plan
from mtlkit.plan.timeline import Timeline

Labels = Mapping[str, tuple[str, ...]]


@frozen(eq=False)
class Built:
    """The modules of a run, the table of their weights, and the labels that heads were built with."""

    backbone: Backbone
    heads: Mapping[str, Head]
    model: Model
    table: ParamTable
    labels: Labels = field(factory=dict)


def make(part: Part, *arguments: object) -> Any:  # noqa: ANN401  whatever the plugin's kind is
    """Call the builder of a part; a part without one is its own options object.

    Raises:
        PluginError: when the builder can't be imported or fails; names plugin, distribution, cause.
    """
    if part.build is None:
        return part.options
    try:
        builder = load_address(part.build)
    except ImportError as error:
        advice = part.install or f"reinstall {part.distribution}"
        raise PluginError(f"{_described(part)} can't be imported: {error}", advice) from error
    try:
        return builder(part.options, *arguments)
    except MtlkitError:
        raise
    except (Exception, SystemExit) as error:  # a plugin is foreign code: its failures are reported as its own
        if is_memory(error):
            raise
        raise PluginError(f"{_described(part)} failed to build: {type(error).__name__}: {error}") from error


def read_data(plan: Plan) -> dict[str, Rows]:
    """The rows of every source that a task reads, by source name."""
    return {data.name: Rows.load(make(data.source), data.rows, data.name) for data in plan.sources}


def outline(plan: Plan, data: Mapping[str, Rows], cache: Cache | None = None) -> Built:
    """The modules on torch's meta device: names and shapes of all weights, no memory for any."""
    with unfilled():
        return _assemble(plan, labels_of(plan, data), pretrained=False, cache=cache)


def build(plan: Plan, data: Mapping[str, Rows], cache: Cache | None = None) -> Built:
    """The modules with their initial weights; the backbone only laid out, if the cache has its description.

    Random weights are drawn from a generator of the part's own, so that another task more or less
    changes no head.
    """
    labels = labels_of(plan, data)
    built = _assemble(plan, labels, pretrained=True, cache=cache)
    if any_absent(built.model.heads.values()):  # what a head has of the backbone's weights has to be there
        return _assemble(plan, labels, pretrained=True)
    return built


def build_unloaded(plan: Plan, labels: Labels) -> Built:
    """The modules with random weights, to be replaced by stored ones; reads no pre-trained weights."""
    return _assemble(plan, labels, pretrained=False)


def labels_of(plan: Plan, data: Mapping[str, Rows]) -> dict[str, tuple[str, ...]]:
    """The labels of every task's training rows, see `HeadContext`."""
    return {task.name: training_labels(task.head.options, data[task.data]) for task in plan.tasks}


def build_optimizer(plan: Plan, built: Built, handles: Handles, timeline: Timeline) -> Optimizer:
    """A torch optimizer over all weights: one torch group per plan group and weight decay."""
    decay = {row.name: float(plan.optimizer.options.decay(row)) for row in built.table}
    groups: dict[tuple[str, float], dict[str, Any]] = {}
    for group, names in timeline.groups.items():
        for name in names:
            key = (group, decay[name])
            made = groups.setdefault(
                key, {"params": [], "names": [], "group": group, "lr": 0.0, "weight_decay": decay[name]}
            )
            made["params"].append(handles.parameters(name)[0])
            made["names"].append(name)
    leave_compiler()
    optimizer: Optimizer = make(plan.optimizer, list(groups.values()))
    lean_step(optimizer)
    return optimizer


def _assemble(plan: Plan, labels: Labels, *, pretrained: bool, cache: Cache | None = None) -> Built:
    with seeded(plan.seed, "backbone"):
        known: Any = laid_out(cache, plan.backbone, pretrained) if cache is not None else None
        backbone = known if known is not None else make(plan.backbone, pretrained)
    heads = {}
    vocabulary = backbone.vocabulary() if hasattr(backbone, "vocabulary") else None
    for task in plan.tasks:
        known = labels[task.name]
        context = HeadContext(task.name, backbone.hidden_size, known, backbone.depth, vocabulary)
        with seeded(plan.seed, "head", task.name):
            heads[task.name] = make(task.head, context)
        _check_layers(task.name, heads[task.name], backbone, plan.backbone)
    model = Model(backbone, heads)
    return Built(backbone, heads, model, param_table(model, backbone, tuple(heads)), labels)


def _check_layers(task: str, head: Head, backbone: Backbone, part: Part) -> None:
    layers = asked_layers(head)
    place = f"tasks.{task}.head.layers"
    if layers and not isinstance(backbone, Layered):
        message = f"the backbone {part.name!r} can't show the states between its blocks"
        raise RecipeError(Problem(message, "leave out `layers`, or take another backbone", place))
    if outside := sorted(set(layers) - set(range(backbone.depth + 1))):
        message = f"there is no layer {outside[0]}: the backbone has {backbone.depth} blocks"
        raise RecipeError(Problem(message, f"0 are the embeddings, {backbone.depth} the last block", place))


def _described(part: Part) -> str:
    return f"{part.kind} {part.name!r} of {part.distribution} {part.version}"

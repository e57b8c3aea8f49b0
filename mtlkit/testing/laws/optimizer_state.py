"""Laws of optimizers: what they keep of each weight, and weights of odd shapes."""

from collections.abc import Mapping
from typing import Any

import torch
from attrs import evolve
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.testing.law import law, require
from mtlkit.testing.laws.bench import ROWS, SIZES, copied, grouped, moved, walk, weights
from mtlkit.testing.laws.moments import starts
from mtlkit.testing.laws.optimizer import FROZEN, build, first_tables, tables
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
SHAPES = ((), (1,), (0,), (2, 0, 3), (7,), (1, 5), (2, 3, 4), (3, 1, 1, 2))
KEPT = (Tensor, bool, int, float, str, type(None))


@law(
    "O6",
    why="a resumed run must go on exactly as if it had never stopped",
    mistake="momentum or a step count in an attribute of the optimizer, or keyed by position",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def state_survives_a_round_trip(subject: Subject, options: Table) -> None:
    """Its state dict, loaded into a new optimizer over copies of the weights, goes on bit for bit."""
    plugin, parameters = build(subject, options), weights(dtype=torch.float32)
    optimizer = plugin.over(grouped(plugin, parameters))
    walk(optimizer, parameters, range(3), without=FROZEN[:1])
    others = {name: torch.nn.Parameter(value) for name, value in copied(parameters).items()}
    fresh = build(subject, options)
    other = fresh.over(grouped(fresh, others))
    other.load_state_dict(_copied_state(optimizer.state_dict()))
    for steps, without in ((range(3, 5), FROZEN[:1]), (range(5, 8), ())):
        walk(optimizer, parameters, steps, without=without)
        walk(other, others, steps, without=without)
        different = moved(copied(parameters), others)
        require(
            not different,
            f"by step {steps[-1]}, {different} differ from those of a run that was not interrupted",
        )


@law(
    "O7",
    why="checkpoints hold tensors and plain values, never objects: loading one must not run code",
    mistake="a deque, a closure, a dictionary of tensors or a generator in the state of a weight",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def state_is_plain(subject: Subject, options: Table) -> None:
    """What it keeps of a weight is tensors and plain values, by weight, and stops growing."""
    plugin, parameters = build(subject, options), weights()
    optimizer = plugin.over(grouped(plugin, parameters))
    sizes = []
    for steps in (range(4), range(4, 40)):
        walk(optimizer, parameters, steps)
        for parameter, kept in optimizer.state.items():
            known = any(parameter is each for each in parameters.values())
            require(known, f"it keeps state of {type(parameter).__name__} that is no weight it was given")
            for key, value in kept.items():
                require(
                    isinstance(value, KEPT),
                    f"it keeps {key!r} of a weight as {type(value).__name__}; tensors and plain "
                    f"values can be stored",
                )
        sizes.append(sum(_size(value) for kept in optimizer.state.values() for value in kept.values()))
    require(
        sizes[1] <= sizes[0], f"its state grew from {sizes[0]} numbers after 4 steps to {sizes[1]} after 40"
    )


@law(
    "O8",
    why="models have weights without dimensions, and some of size zero",
    mistake="a matrix operation on every weight, or a mean over no elements",
    given=lambda subject: st.fixed_dictionaries(
        {"options": subject.tables(), "shape": st.sampled_from(SHAPES)}
    ),
    corners=lambda subject: (
        {"options": table, "shape": shape} for table in starts(subject) for shape in SHAPES
    ),
    share=0.2,
)
def any_shape_will_do(subject: Subject, options: Table, shape: tuple[int, ...]) -> None:
    """It takes weights of any number of dimensions, alone in its groups, and keeps their shapes."""
    plugin = build(subject, options)
    rows = tuple(evolve(row, shape=tuple(shape)) for row in ROWS[1:3])
    parameters = weights(rows, torch.float32)
    walk(plugin.over(grouped(plugin, parameters, rows)), parameters, range(3))
    for parameter in parameters.values():
        require(
            tuple(parameter.shape) == tuple(shape) and bool(torch.isfinite(parameter).all()),
            f"after three steps a weight of shape {tuple(shape)} is {parameter.detach().tolist()!r:.80}",
        )


@law(
    "O10",
    why="the order in which modules register their weights decides nothing",
    mistake="buffers in a list beside the parameters, which shift when a gradient is None",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def order_does_not_matter(subject: Subject, options: Table) -> None:
    """With weights and groups in reverse order every weight ends at the same place, give or take rounding."""
    found = []
    for turned in (False, True):
        plugin, parameters = build(subject, options), weights()
        groups = grouped(plugin, parameters, ROWS[::-1] if turned else ROWS)
        optimizer = plugin.over(groups)
        walk(optimizer, parameters, range(2), without=FROZEN)
        walk(
            optimizer,
            parameters,
            range(2, 4),
            without=("backbone.layer.0.dense.bias", "backbone.norm.weight"),
        )
        walk(optimizer, parameters, range(4, 6))
        found.append(copied(parameters))
    for name, value in found[0].items():
        same = torch.allclose(value, found[1][name], rtol=1e-6, atol=1e-9)
        require(same, f"{name} ends elsewhere when weights and groups are in reverse order")


@law(
    "O12",
    why="weights thaw at any step, and rest for a while",
    mistake="one step count for a group, or state made for all weights at the first step",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def weights_may_thaw_late(subject: Subject, options: Table) -> None:
    """Weights that get their first gradient late, or now and then, train and stay finite."""
    plugin, parameters = build(subject, options), weights(dtype=torch.float32)
    optimizer = plugin.over(grouped(plugin, parameters))
    names, ever = [name for name, size in SIZES.items() if size], set[str]()
    for step in range(12):
        without = [name for at, name in enumerate(names) if step < at or (step + at) % 3 == 0]
        before = copied(parameters)
        walk(optimizer, parameters, range(step, step + 1), without=without)
        changed = moved(before, parameters)
        ever.update(changed)
        wrong = [name for name in changed if name in without]
        require(not wrong, f"at step {step} it moved {wrong}, which had no gradient")
    still = [name for name in names if name not in ever]
    require(not still, f"{still} had gradients at some steps and never moved")
    broken = [name for name in names if not torch.isfinite(parameters[name]).all()]
    require(not broken, f"{broken} are not finite")


@law(
    "O13",
    why="a head that starts at zero, and a batch that has nothing to teach, are common",
    mistake="a division by the norm of a weight or of a gradient",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def zeros_are_fine(subject: Subject, options: Table) -> None:
    """Weights that are 0 and gradients that are 0, each and both, leave every weight finite."""
    for zero_weight, zero_gradient in ((True, False), (False, True), (True, True)):
        plugin, parameters = build(subject, options), weights()
        optimizer = plugin.over(grouped(plugin, parameters))
        for each in parameters.values():
            each.data.mul_(0.0 if zero_weight else 1.0)
        for _ in range(3):
            for group in optimizer.param_groups:
                group["lr"] = 0.01
            for each in parameters.values():
                each.grad = torch.full_like(each, 0.0 if zero_gradient else 0.5) if each.numel() else None
            with torch.enable_grad():
                optimizer.step()
        broken = [name for name, each in parameters.items() if not torch.isfinite(each).all()]
        told = " and ".join(["weights of 0"] * zero_weight + ["gradients of 0"] * zero_gradient)
        require(not broken, f"with {told}, {broken} are not finite after three steps")


@law(
    "O14",
    why="one plugin's settings of torch would be everybody's",
    mistake="torch.set_grad_enabled(False) left behind, a default dtype, a number of threads",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def torch_is_left_alone(subject: Subject, options: Table) -> None:
    """Building it and stepping changes no setting of torch."""
    with torch.enable_grad():
        before = _settings()
        plugin, parameters = build(subject, options), weights()
        optimizer = plugin.over(grouped(plugin, parameters))
        for each in parameters.values():
            each.grad = torch.full_like(each, 0.5) if each.numel() else None
        optimizer.step()
        after = _settings()
    for name, value in after.items():
        require(value == before[name], f"it changed torch's {name} from {before[name]} to {value}")


def _settings() -> dict[str, Any]:
    return {
        "gradient mode": torch.is_grad_enabled(),
        "default dtype": torch.get_default_dtype(),
        "number of threads": torch.get_num_threads(),
        "deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "anomaly mode": torch.is_anomaly_enabled(),
        "default device": str(torch.get_default_device()),
    }


def _copied_state(value: Any) -> Any:  # noqa: ANN401  a state dict, or any part of it
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied_state(each) for key, each in value.items()}
    return [_copied_state(each) for each in value] if isinstance(value, list) else value


def _size(value: object) -> int:
    return value.numel() if isinstance(value, Tensor) else 1

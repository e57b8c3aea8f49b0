"""A bench for optimizers: weights in groups as the engine makes them, and the same gradients each time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from attrs import frozen
from torch import Tensor
from torch.optim import Optimizer

from mtlkit.contracts.card import load_address
from mtlkit.contracts.params import BACKBONE, Row
from mtlkit.testing.law import require
from mtlkit.testing.subject import Subject

Grouped = list[dict[str, Any]]
GIVEN = ("params", "names", "group", "lr", "weight_decay")
ROWS = (
    Row("backbone.embeddings.word.weight", (5, 3), BACKBONE, "embeddings", 0, "embedding"),
    Row("backbone.layer.0.dense.weight", (3, 2), BACKBONE, "block", 1, "weight"),
    Row("backbone.layer.0.dense.bias", (4,), BACKBONE, "block", 1, "bias"),
    Row("backbone.layer.0.scale", (), BACKBONE, "block", 1, "weight"),
    Row("backbone.layer.0.nothing", (0, 3), BACKBONE, "block", 1, "weight"),
    Row("backbone.norm.weight", (4,), BACKBONE, "final", 2, "norm"),
    Row("heads.news.dense.weight", (3, 2), "news", "head", 3, "weight"),
    Row("heads.news.dense.bias", (2,), "news", "head", 3, "bias"),
)
SIZES = {row.name: row.numel for row in ROWS}
"""How many numbers each weight of the bench holds."""


@frozen
class Plugin:
    """An optimizer plugin: its options, and what builds a torch optimizer of them and groups."""

    options: Any
    make: Callable[..., Optimizer]

    def over(self, groups: Sequence[dict[str, Any]]) -> Optimizer:
        """The optimizer over these groups."""
        return self.make(self.options, groups)

    def decay(self, row: Row) -> float:
        """What the options say of the decay of a weight."""
        found: float = self.options.decay(row)
        return found


def plugin_of(subject: Subject, table: Mapping[str, Any]) -> Plugin:
    """The plugin with that options table.

    Raises:
        Broken: when its card has no builder.
    """
    build = subject.card.build
    require(build is not None, "its card has no build; an optimizer needs a builder(options, groups)")
    return Plugin(subject.options(table), load_address(build or ""))


def weights(rows: Sequence[Row] = ROWS, dtype: torch.dtype = torch.float64) -> dict[str, torch.nn.Parameter]:
    """A parameter for each row, by name; the values are those of a wave, around ± 1."""
    return {
        row.name: torch.nn.Parameter(_wave(row.shape, 0.7 * at + 0.4, dtype)) for at, row in enumerate(rows)
    }


def grouped(
    plugin: Plugin,
    parameters: Mapping[str, Tensor],
    rows: Sequence[Row] = ROWS,
    decay: Callable[[Row], float] | None = None,
) -> Grouped:
    """Groups as the engine hands them over: by owner and weight decay, rate 0 until the first step."""
    groups: dict[tuple[str, float], dict[str, Any]] = {}
    for row in rows:
        amount = float((decay or plugin.decay)(row))
        fresh = {"params": [], "names": [], "group": row.owner, "lr": 0.0, "weight_decay": amount}
        group = groups.setdefault((row.owner, amount), fresh)
        group["params"].append(parameters[row.name])
        group["names"].append(row.name)
    return list(groups.values())


def walk(
    optimizer: Optimizer,
    parameters: Mapping[str, Tensor],
    steps: range,
    rate: float = 0.01,
    without: Collection[str] = (),
) -> None:
    """Optimizer steps as the engine makes them: rates written, gradients there or None, then gone again."""
    for step in steps:
        for group in optimizer.param_groups:
            group["lr"] = rate
        for at, (name, parameter) in enumerate(parameters.items()):
            live = name not in without and parameter.numel()
            wave = 1.3 * step + 0.9 * at + 0.2
            parameter.grad = _wave(tuple(parameter.shape), wave, parameter.dtype) if live else None
        with torch.enable_grad():  # what a step leaves behind is for the law that looks at it
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def copied(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values as they are now."""
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


def moved(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Names of weights that are no longer the same, bit for bit."""
    return [name for name, value in before.items() if not torch.equal(value, after[name].detach())]


def state_of(optimizer: Optimizer, parameter: Tensor) -> dict[str, Any]:
    """A copy of what the optimizer keeps for a weight."""
    kept = optimizer.state.get(parameter, {})
    return {key: value.clone() if isinstance(value, Tensor) else value for key, value in kept.items()}


def same_state(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both hold the same, bit for bit."""
    return set(one) == set(other) and all(
        torch.equal(value, other[key]) if isinstance(value, Tensor) else value == other[key]
        for key, value in one.items()
    )


def _wave(shape: tuple[int, ...], start: float, dtype: torch.dtype) -> Tensor:
    count = 1
    for size in shape:
        count *= size
    values = torch.sin(torch.arange(count, dtype=torch.float64) * 1.7 + start) + 0.05
    return values.reshape(shape).to(dtype)

"""The number format of the forward pass where the recipe leaves it to the machine."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from attrs import evolve, frozen

from mtlkit.plan.model import Plan, Precision

CPU_UNITS = {"avx512_bf16": "_is_avx512_bf16_supported", "amx": "_is_amx_tile_supported"}


@frozen
class Choice:
    """A number format and, in words, why it is that one."""

    precision: Precision
    why: str


def chosen(device: torch.device) -> Choice:
    """bf16 where the device multiplies in it, else fp32: emulated, bf16 is slower than fp32."""
    units = _units(device)
    what = "this GPU" if device.type == "cuda" else "this processor"
    if units:
        return Choice("bf16", f"{what} has {units}")
    wanted = "bf16" if device.type == "cuda" else " or ".join(CPU_UNITS)
    return Choice("fp32", f"{what} has no {wanted}")


def unit_of(precision: str, device: torch.device) -> Mapping[str, str]:
    """What computes in that format, as a condition of a run: a run in fp32 needs none."""
    return {"bf16 unit": _units(device) or "none"} if precision == "bf16" else {}


def settled(plan: Plan, device: torch.device) -> tuple[Plan, Choice]:
    """The plan with a number format, which its resolved recipe records too, and why it is that one."""
    if plan.training.precision != "auto":
        return plan, Choice(plan.training.precision, "the recipe says so")
    choice = chosen(device)
    told: dict[str, Any] = {**plan.recipe["training"], "precision": choice.precision}
    training = evolve(plan.training, precision=choice.precision)
    return evolve(plan, training=training, recipe={**plan.recipe, "training": told}), choice


def _units(device: torch.device) -> str:
    """The parts of the device that multiply in bf16, empty where there are none."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else ""
    found = [name for name, ask in CPU_UNITS.items() if _has(getattr(torch.cpu, ask, None))]
    return " and ".join(found)


def _has(ask: Callable[[], bool] | None) -> bool:
    return ask is not None and bool(ask())

"""The number format of the forward pass where the recipe leaves it to the machine."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from attrs import evolve, frozen

from mtlkit.plan.model import Plan, Precision

CPU_UNITS = {"avx512_bf16": "_is_avx512_bf16_supported", "amx": "_is_amx_tile_supported"}
WORTH = 1.5
"""How much faster products have to be for a training step to gain from it: it has casts to do."""
PROBE_ROWS, PROBE_SIZE, PROBE_REPEATS = 256, 384, 5


@frozen
class Choice:
    """A number format and, in words, why it is that one."""

    precision: Precision
    why: str


def chosen(device: torch.device) -> Choice:
    """bf16 where the device multiplies in it, and faster, else fp32.

    Emulated, bf16 is slower than fp32, and on some processors it is with avx512_bf16, too: so one that has
    it is asked to multiply.
    """
    units = _units(device)
    if device.type == "cuda":
        return Choice("bf16", "this GPU has bf16") if units else Choice("fp32", "this GPU has no bf16")
    if not units:
        return Choice("fp32", f"this processor has no {' or '.join(CPU_UNITS)}")
    if gain() < WORTH:
        return Choice("fp32", f"this processor has {units}, and is no faster with it")
    return Choice("bf16", f"this processor has {units}")


@cache
def gain() -> float:
    """How much faster this processor multiplies in bf16 than in fp32, by products as encoders have them."""
    return _seconds(torch.float32) / _seconds(torch.bfloat16)


def _seconds(dtype: torch.dtype) -> float:
    """Of a product in that format: the shortest of several."""
    rows, weight = (
        torch.ones(PROBE_ROWS, PROBE_SIZE, dtype=dtype),
        torch.ones(4 * PROBE_SIZE, PROBE_SIZE, dtype=dtype),
    )
    shortest = float("inf")
    for _ in range(PROBE_REPEATS):
        begin = time.perf_counter()
        torch.nn.functional.linear(rows, weight)
        shortest = min(shortest, time.perf_counter() - begin)
    return shortest


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

"""What each selector of a plan matched."""

from collections.abc import Sequence
from typing import Any

from mtlkit.contracts.shown import in_lines
from mtlkit.plan.matching import Matched


def selectors_text(found: Sequence[Matched]) -> str:
    """A line for each selector: how many weights, and which; empty where there is none."""
    if not found:
        return ""
    texts = [each.text for each in found]
    width = min(max(map(len, texts)), 40)
    lines = [f"  {each.text:<{width}}  {_meant(each.weights)}  ({each.place})" for each in found]
    return in_lines(["selectors", *lines])


def selectors_document(found: Sequence[Matched]) -> list[dict[str, Any]]:
    """Plain values: `path`, `selector`, `weights`."""
    return [{"path": each.place, "selector": each.text, "weights": list(each.weights)} for each in found]


def _meant(weights: Sequence[str]) -> str:
    if len(weights) <= 1:
        return f"{len(weights):>4} weights  {''.join(weights)}"
    return f"{len(weights):>4} weights  {weights[0]} … {weights[-1]}"

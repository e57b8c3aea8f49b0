"""Adaptive layers: how much each layer's vectors count, and how far they are from the last layer's.

Shapes: B rows, V texts of a row, D size of the vectors, n lower layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.objectives.options import AdaptiveLayerObjective


def layer_weights(layers: Sequence[int], options: AdaptiveLayerObjective) -> list[float]:
    """The weight of the objective at each of the lower layers; with "uniform" they add up to `prior_weight`.

    As sentence-transformers' AdaptiveLayerLoss has them, with all layers taken at each step.
    """
    factors = {
        "uniform": [1.0 for _ in layers],
        "log": [1 / (1 + log(1 + depth)) for depth in layers],
        "linear": [1 / (1 + depth) for depth in layers],
    }
    return [options.prior_weight * factor / len(layers) for factor in factors[options.weighting]]


def divergence(lower: Tensor, last: Tensor, options: AdaptiveLayerObjective) -> Tensor:
    """Σ over rows and lower layers of the mean over texts of KL(softmax(last / T) ‖ softmax(lower / T)) · T.

    Li et al. 2024, arXiv:2402.14776, equation 6. `lower` is [B, n, V, D] and `last` [B, V, D], through which
    no gradient flows: the lower layers learn from the last one.
    """
    heat = options.kl_temperature
    wanted = F.softmax(last.detach() / heat, dim=-1).unsqueeze(1).expand_as(lower)
    found = F.kl_div(F.log_softmax(lower / heat, dim=-1), wanted, reduction="none").sum(-1)
    return options.kl_weight * heat * found.mean(-1).sum()

"""Adafactor, through torch.

Source: Shazeer & Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost".
"""

from collections.abc import Sequence
from typing import Any

import torch

from mtlkit.builtin.optimizers.options import Adafactor


def build(options: Adafactor, groups: Sequence[dict[str, Any]]) -> torch.optim.Adafactor:
    """The optimizer over these groups, each with `params`, `lr` and `weight_decay`."""
    return torch.optim.Adafactor(
        list(groups), beta2_decay=options.beta2_decay, eps=(options.eps1, options.eps2), d=options.clip
    )

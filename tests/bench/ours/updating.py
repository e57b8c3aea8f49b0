"""One optimizer step over all weights, in several groupings."""

import time
from statistics import median
from typing import Any

from torch.optim import Optimizer

from mtlkit.api import preview
from mtlkit.engine.build import make
from mtlkit.engine.session import open_session
from mtlkit.plan.model import Part
from tests.bench.ours.bare import Bare
from tests.bench.ours.exported import limited

EACH = "each"
GROUPINGS = {
    "uniform": 'lr={use="uniform"}',
    "layer_wise": 'lr={use="layer-wise", embeddings=1e-5, blocks=5e-5, heads=1e-3}',
    "layer_decay": 'lr={use="layer-decay", peak=5e-5}',
    "bias": 'lr={use="bias-multiplier", peak=5e-5}',
    EACH: 'lr={use="uniform"}',
}


def measured(params: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of a step with the gradients of a real batch, by grouping and at worst."""
    found = {name: _one(params, name) for name in GROUPINGS}
    groups = {f"ms_{name}": ms for name, ms in found.items()}
    return {"milliseconds": max(found.values()), **groups}


def _one(params: dict[str, Any], name: str) -> float:
    bare = Bare.of(open_session(preview(limited(params, GROUPINGS[name]))))
    tables, optimizer, times = bare.session.tables, bare.session.optimizer, []
    with tables.sparse():
        bare.backward(0)
    if name == EACH:
        optimizer = _group_per_weight(optimizer, bare.session.plan.optimizer)
    for _ in range(params["steps"]):
        began = time.perf_counter()
        with tables.gathered(optimizer):
            optimizer.step()
        times.append(time.perf_counter() - began)
    return 1000 * median(times[1:])


def _group_per_weight(optimizer: Optimizer, part: Part) -> Optimizer:
    """The same optimizer with as many groups as there are weights."""
    groups = [
        {**group, "params": [weight], "names": [name]}
        for group in optimizer.param_groups
        for weight, name in zip(group["params"], group["names"], strict=True)
    ]
    told = ("params", "names", "group", "lr", "weight_decay")
    made: Optimizer = make(part, [{key: group[key] for key in told} for group in groups])
    return made

"""The rows that mtlkit trains on, as a file for those who can't read a recipe."""

import json
from pathlib import Path
from typing import Any

import mtlkit
from mtlkit.engine.build import read_data
from mtlkit.plan.model import Plan


def rows(params: dict[str, Any]) -> dict[str, float]:
    """Write the training rows of every source, and where the model is."""
    plan = limited(params)
    data = read_data(plan)
    sources = {name: list(each.all("train")) for name, each in data.items()}
    told = {"model": str(plan.backbone.options.path.existing()), "sources": sources}
    Path(params["data"]).write_text(json.dumps(told), encoding="utf-8")
    return {"rows": float(sum(map(len, sources.values())))}


def limited(params: dict[str, Any], *overrides: str) -> Plan:
    """The plan of the bench's recipe with at most `rows` rows of each source."""
    sources = mtlkit.load(params["recipe"]).recipe.data
    limits = [f"data.{name}.limit.train={params['rows']}" for name in sources]
    return mtlkit.plan(mtlkit.load(params["recipe"], [*limits, *params.get("set", ()), *overrides]))

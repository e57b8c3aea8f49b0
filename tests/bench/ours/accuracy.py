"""One training of the quality bench, from rows to the accuracy on rows that it has not seen."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mtlkit
from mtlkit.engine.build import read_data

SPLIT = ['data.reviews.split={test=0.5, by=["text"]}']


def rows(params: dict[str, Any]) -> dict[str, float]:
    """Write the rows that train and those that test: a fixed choice by the hash of their text."""
    limits = [f"data.reviews.limit.{name}={params[name]}" for name in ("train", "test")]
    found = read_data(mtlkit.plan(mtlkit.load(params["recipe"], [*SPLIT, *limits])))["reviews"]
    told = {name: list(found.all(name)) for name in ("train", "test")}
    Path(params["data"]).write_text(json.dumps(told), encoding="utf-8")
    return {name: float(len(each)) for name, each in told.items()}


def trained(params: dict[str, Any]) -> dict[str, float]:
    """The accuracy in percent of a run with that seed and those overrides."""
    told = json.loads(Path(params["data"]).read_text(encoding="utf-8"))
    loaded = mtlkit.load(params["recipe"], [f"seed={params['seed']}", *params["set"]])
    with TemporaryDirectory(dir=params["scratch"]) as out:
        result = mtlkit.run(mtlkit.plan(loaded, {"reviews": told["train"]}), out)
        found = result.predict("sentiment", told["test"])
    right = sum(answer == row["label"] for answer, row in zip(found, told["test"], strict=True))
    return {"accuracy": 100 * right / len(found)}

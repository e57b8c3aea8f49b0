"""Every head has a recipe of its own that learns something: its metrics on test rows reach their thresholds.

The thresholds are tables in `head_thresholds/*.toml`: `[RECIPE]`, then `"TASK/METRIC" = { least = … }` or
`{ most = … }`.
"""

import tomllib
from math import inf
from pathlib import Path

import pytest
from opened_again import check_opened

import mtlkit
from mtlkit.catalog.discover import open_catalog

HERE = Path(__file__).parent
HEADS = HERE.parents[1] / "recipes" / "heads"
THRESHOLDS = {
    name: table
    for path in sorted((HERE / "head_thresholds").glob("*.toml"))
    for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items()
}
ELSEWHERE = {"image-classification"}
"""Recipes that need a plugin, and are run by its tests."""
PENDING: set[str] = set()


@pytest.mark.parametrize("name", sorted(THRESHOLDS))
def test_its_recipe_learns(name, tmp_path):
    plan = mtlkit.plan(mtlkit.load(HEADS / f"{name}.toml"))
    result = mtlkit.run(plan, tmp_path)
    assert result.split == "test"
    assert THRESHOLDS[name]
    for metric, bound in THRESHOLDS[name].items():
        assert bound.keys() in ({"least"}, {"most"})
        assert bound.get("least", -inf) <= result.metrics[metric].value <= bound.get("most", inf), metric
    check_opened(result, plan)


def test_every_recipe_has_a_threshold_and_every_head_a_recipe():
    recipes = {path.stem for path in HEADS.glob("*.toml")}
    assert recipes - ELSEWHERE == THRESHOLDS.keys()
    used = {
        task["head"]["use"]
        for path in HEADS.glob("*.toml")
        for task in tomllib.loads(path.read_text(encoding="utf-8"))["tasks"].values()
    }
    shipped = {entry.card.name for entry in open_catalog().of("head") if entry.distribution == "mtlkit"}
    assert used == shipped

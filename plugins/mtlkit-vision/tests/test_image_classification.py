"""mtlkit's own head `image-classification`, by the recipe that mtlkit ships for it."""

import runpy
from pathlib import Path

import mtlkit

HEADS = Path(__file__).parents[3] / "recipes" / "heads"


def test_its_recipe_learns_the_digits(tmp_path):
    write = runpy.run_path(str(HEADS / "data" / "make_digits.py"))["main"]
    write(tmp_path / "digits")
    override = f'data.digits.path="{tmp_path / "digits"}"'
    loaded = mtlkit.load(HEADS / "image-classification.toml", [override])
    result = mtlkit.run(mtlkit.plan(loaded), tmp_path / "runs")
    assert result.metrics["digit/accuracy"].rows == 150
    assert result.metrics["digit/accuracy"].value > 0.8
    assert result.metrics["digit/accuracy"].start < 0.3

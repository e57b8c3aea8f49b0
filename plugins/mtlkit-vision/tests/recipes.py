"""Recipes of the digits, and what a run leaves behind."""

import json
from pathlib import Path

import mtlkit
from safetensors.torch import load_file

RECIPE = """
name = "digits"
seed = 0

[backbone]
use = "image-encoder"
{backbone}

[data.digits]
use = "image-folder"
path = {data}

[tasks.digit]
data = "digits"
head = {{ use = "sequence-classification", text = "image" }}

[freeze]
{freeze}

[lr]
use = "uniform"
peak = 1e-2
curve = {{ use = "linear", warmup = "10%" }}

[training]
length = "{length}"
batch_size = 32
evaluate_every = false
"""


def run(folder: Path, data: Path, *, backbone: str, freeze='use = "none"', length="4ep"):
    """The result of a run on the digits, and its final weights and buffers by name."""
    values = {"backbone": backbone, "freeze": freeze, "length": length}
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(data=json.dumps(str(data)), **values), encoding="utf-8")
    result = mtlkit.run(mtlkit.plan(mtlkit.load(recipe)), folder / "runs")
    checkpoint = max((result.run_dir / "checkpoints").iterdir())
    stored = load_file(checkpoint / "weights.safetensors")
    return result, {name.removeprefix("buffer:"): value for name, value in stored.items()}

"""Recipes and rows of any size: a small random backbone, and Arrow files written a batch at a time."""

from pathlib import Path

import numpy as np
import pyarrow as pa

BATCH_ROWS = 50_000
WORDS = np.array(
    [
        "a",
        "good",
        "bad",
        "film",
        "story",
        "plot",
        "slow",
        "fast",
        "bright",
        "dull",
        "that",
        "was",
        "not",
        "very",
        "so",
        "much",
        "more",
        "than",
        "any",
    ]
)

RECIPE = """\
name = "bench-generated"
seed = 13

[backbone]
use = "tiny"
hidden_size = 128
heads = 4
blocks = {blocks}

[lr]
use = "uniform"
peak = 1e-4

[training]
length = "{steps}st"
batch_size = 32
evaluate_every = false
checkpoint_every = false
"""
TASK = """
[data.{name}]
use = "arrow"
path = "{path}"

[tasks.{name}]
data = "{name}"
head = {{ use = "sequence-classification", text = "text", label = "label" }}
"""


def recipe(folder: Path, *, blocks: int = 2, tasks: int = 1, examples: int = 1000, steps: int = 30) -> Path:
    """Write a recipe and the rows that it reads; its path."""
    rows = folder / f"{examples}.arrow"
    if not rows.exists():
        write_rows(rows, examples)
    parts = [TASK.format(name=f"t{number}", path=rows) for number in range(tasks)]
    path = folder / "generated.toml"
    path.write_text(RECIPE.format(blocks=blocks, steps=steps) + "".join(parts), encoding="utf-8")
    return path


def write_rows(path: Path, count: int) -> None:
    """Texts of 4 to 40 words that all differ, and one of two labels each."""
    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    rng = np.random.default_rng(13)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for start in range(0, count, BATCH_ROWS):
            numbers = range(start, min(start + BATCH_ROWS, count))
            lengths = rng.integers(4, 40, len(numbers))
            drawn = WORDS[rng.integers(0, len(WORDS), int(lengths.sum()))]
            ends = np.cumsum(lengths)
            texts = [
                f"{number} {' '.join(drawn[end - length : end])}"
                for number, end, length in zip(numbers, ends, lengths, strict=True)
            ]
            labels = ["odd" if number % 2 else "even" for number in numbers]
            writer.write_batch(pa.record_batch([pa.array(texts), pa.array(labels)], schema=schema))

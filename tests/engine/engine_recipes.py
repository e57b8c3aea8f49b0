"""Small recipes on the tiny backbone, and runs of them."""

import json
from pathlib import Path

import mtlkit

WORDS = ("good", "bad", "fine", "poor", "great", "awful", "plain", "odd", "loud", "calm")
BASE = """
name = "small"
seed = {seed}

[backbone]
use = "tiny"
hidden_size = 16
blocks = 2
vocabulary = 64
max_length = 16
dropout = {dropout}

[data.reviews]
use = "csv"
path = "{reviews}"
split = {{ validation = 0.2, test = 0.2 }}

[data.pairs]
use = "jsonl"
path = "{pairs}"
split = {{ test = 0.2 }}

[tasks.sentiment]
data = "reviews"
head = {{ use = "sequence-classification", dropout = {dropout} }}
{more}
[lr]
use = "layer-wise"
embeddings = 1e-3
blocks = 5e-3
heads = 1e-2
curve = {{ use = "linear", warmup = "2st" }}
{freeze}
[training]
length = "{length}"
batch_size = {batch}
accumulate = {accumulate}
{training}
"""
PAIRS = """
[tasks.pairs]
data = "pairs"
head = { use = "sentence-embedding", first = "title", second = "body" }
"""


def write_data(folder: Path, rows: int = 60) -> tuple[Path, Path]:
    """A csv file and a jsonl file of `rows` rows each, always the same."""
    reviews, pairs = folder / "reviews.csv", folder / "pairs.jsonl"
    texts = [
        " ".join(WORDS[(row * step + row // 7) % len(WORDS)] for step in range(1, 3 + row % 5)) + f" {row}"
        for row in range(rows)
    ]
    lines = [f"{text},{'pos' if row % 2 else 'neg'}" for row, text in enumerate(texts)]
    reviews.write_text("text,label\n" + "\n".join(lines) + "\n")
    pairs.write_text("".join(json.dumps({"title": text, "body": text[::-1]}) + "\n" for text in texts))
    return reviews, pairs


def write_recipe(folder: Path, **changes: object) -> Path:
    """The base recipe with these changes, beside its data."""
    reviews, pairs = write_data(folder)
    values = {
        "seed": 3, "dropout": 0.1, "more": PAIRS, "freeze": "", "length": "2ep", "batch": 16, "accumulate": 1,
        "training": "", "reviews": reviews, "pairs": pairs, **changes,
    }  # fmt: skip
    path = folder / "recipe.toml"
    path.write_text(BASE.format(**values))
    return path


def run_recipe(path: Path, overrides=(), plugin_files=()):
    """The result of a run and all of its events."""
    events = []
    plan = mtlkit.plan(mtlkit.load(path, overrides, plugin_files))
    result = mtlkit.run(plan, path.parent / "runs", on_event=events.append)
    return result, events


def of_type(events, kind):
    """The events of one type."""
    return [event for event in events if isinstance(event, kind)]


def final_checkpoint(result) -> Path:
    """The folder of the last checkpoint of a run."""
    return result.run_dir / "checkpoints" / f"step-{result.steps:08d}"


def final_bytes(result) -> tuple[bytes, bytes]:
    """The files of weights and optimizer state that a run ended with."""
    folder = final_checkpoint(result)
    return (folder / "weights.safetensors").read_bytes(), (folder / "optimizer.safetensors").read_bytes()

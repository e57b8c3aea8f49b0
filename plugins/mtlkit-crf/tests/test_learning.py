"""A whole run: recipe, data, the tiny backbone, the installed plugin."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

import mtlkit

FIRST, LAST = ("Ada", "Alan", "Grace", "Edsger"), ("Lovelace", "Turing", "Hopper", "Dijkstra")
TOWNS = (("York",), ("New", "York"), ("Bath",), ("New", "Bath"), ("Ely",))
FILLERS = ("we", "met", "near", "today", "and", "then", "left", "for")
RECIPE = """
name = "people"
seed = 5

[backbone]
use = "tiny"
max_length = 14

[data.people]
use = "jsonl"
path = { train = "train.jsonl", test = "test.jsonl" }

[tasks.entities]
data = "people"
head = { use = "crf", dropout = 0.0 }

[lr]
use = "layer-wise"
embeddings = 5e-3
blocks = 5e-3
heads = 2e-2

[training]
length = "6ep"
batch_size = 16
"""
BREAKING = {"tokens": ["met", "Ada", "Lovelace"], "tags": ["O", "I-PER", "I-PER"]}


def sentence(random: Random) -> dict[str, list[str]]:
    """Fillers with one or two names; York and Bath begin a town or continue it."""
    tokens, tags = [], []
    for _ in range(random.randint(1, 2)):
        filler = random.choices(FILLERS, k=random.randint(1, 3))
        name: tuple[str, ...]
        if random.random() < 0.5:
            name, kind = (random.choice(FIRST), random.choice(LAST)), "PER"
        else:
            name, kind = random.choice(TOWNS), "LOC"
        tokens += [*filler, *name]
        tags += [*["O"] * len(filler), f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
    return {"tokens": tokens, "tags": tags}


def write(folder: Path, train: list[dict[str, list[str]]], test: list[dict[str, list[str]]]) -> Path:
    for name, rows in (("train", train), ("test", test)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return recipe


def run(recipe: Path) -> dict[str, Any]:
    result = mtlkit.run(mtlkit.plan(mtlkit.load(recipe)), recipe.parent / "runs")
    return dict(result.metrics)


def test_a_run_learns_entities(tmp_path: Path) -> None:
    random = Random(1)
    rows = [sentence(random) for _ in range(360)]
    for row in rows[:240:5]:  # some tags are missing
        row["tags"][random.randrange(len(row["tags"]))] = ""
    test = rows[240:]
    found = run(write(tmp_path, rows[:240], test))
    assert set(found) == {"entities/entity-f1", "entities/token-accuracy"}
    f1, accuracy = found["entities/entity-f1"], found["entities/token-accuracy"]
    tags = [tag for row in test for tag in row["tags"]]
    outside = tags.count("O") / len(tags)
    assert 0.4 < outside < 0.7
    assert f1.value > 0.9 > 0.3 > f1.start
    assert accuracy.value > 0.95 > outside
    assert f1.rows == len(test) == 120


def test_a_run_stops_at_a_row_that_breaks_the_constraints(tmp_path: Path) -> None:
    random = Random(1)
    recipe = write(tmp_path, [BREAKING, *[sentence(random) for _ in range(15)]], [sentence(random)])
    with pytest.raises(mtlkit.RecipeError) as caught:
        run(recipe)
    assert str(caught.value) == (
        f"{recipe}:15:8  tasks.entities.head.constrained  "
        "the tag 'I-PER' of word 2 of the row 'met Ada Lovelace' follows neither 'B-PER' nor 'I-PER'  "
        "make the tags BIO (IOB2), or set constrained = false"
    )


def test_the_same_row_is_learned_without_constraints(tmp_path: Path) -> None:
    random = Random(1)
    recipe = write(tmp_path, [BREAKING, *[sentence(random) for _ in range(15)]], [sentence(random)])
    free = RECIPE.replace("dropout = 0.0", "constrained = false").replace("6ep", "1ep")
    recipe.write_text(free, encoding="utf-8")
    assert len(run(recipe)) == 2

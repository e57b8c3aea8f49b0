"""The quickstart, run as a newcomer runs it: it must learn what its README says it learns."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import mtlkit
from mtlkit.api import preview
from mtlkit.builtin.metrics.entity_f1 import entity_f1

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "recipes" / "quickstart.toml"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "mtlkit", "run", str(QUICKSTART), "--json", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def prepared():
    return preview(mtlkit.plan(mtlkit.load(QUICKSTART)))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_quickstart_beats_its_baselines(result, prepared):
    metrics = result["metrics"]
    assert {name.partition("/")[0] for name in metrics} == {"sentiment", "news", "entities"}
    assert metrics["sentiment/accuracy"]["value"] > logistic_regression(prepared)
    assert metrics["news/accuracy@1"]["value"] >= 0.85
    assert metrics["news/accuracy@1"]["rows"] == 200
    assert metrics["entities/entity-f1"]["value"] > most_frequent_tag(prepared) + 0.1
    for metric in metrics.values():
        assert metric["low"] <= metric["value"] <= metric["high"]
    assert result["frozen"] == "unchanged"
    assert [phase["name"] for phase in result["phases"]] == ["heads", "top"]
    assert result["steps"] == result["phases"][-1]["end"]


def test_split_sizes(prepared):
    rows = {
        name: {split: len(found) for split, found in data.splits.items()}
        for name, data in prepared.data.items()
    }
    assert sum(rows["reviews"].values()) == 8530
    assert rows["articles"] == {"train": 500, "validation": 0, "test": 200}


def logistic_regression(prepared):
    """Accuracy of scikit-learn's logistic regression on the frozen backbone's mean vectors."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    data = prepared.data["reviews"]
    path = prepared.plan.backbone.options.path.existing()
    encoder = SentenceTransformer(str(path), device="cpu")
    vectors = {
        split: encoder.encode(
            [row["text"] for row in data.all(split)], batch_size=64, show_progress_bar=False
        )
        for split in ("train", "test")
    }
    labels = {split: [row["label"] for row in data.all(split)] for split in vectors}
    model = LogisticRegression(max_iter=2000).fit(vectors["train"], labels["train"])
    return model.score(vectors["test"], labels["test"])


def most_frequent_tag(prepared):
    """Entity F1 of giving every word the tag it had most often in training."""
    data = prepared.data["mentions"]
    seen = defaultdict(Counter)
    for row in data.all("train"):
        for token, tag in zip(row["tokens"], row["tags"], strict=True):
            seen[token][tag] += 1
    test = data.all("test")
    predictions = [
        [seen[token].most_common(1)[0][0] if token in seen else "O" for token in row["tokens"]]
        for row in test
    ]
    measure = entity_f1(predictions, [row["tags"] for row in test])
    return measure.compute(measure.records)

"""What the distribution shows before torch is imported."""

import subprocess
import sys
from importlib.metadata import entry_points
from random import Random

import pytest
from mtlkit_crf.bio import first_break
from mtlkit_crf.cards import mtlkit_cards
from mtlkit_crf.options import Crf


def test_the_entry_point_is_installed() -> None:
    (point,) = entry_points(group="mtlkit", name="crf")
    assert point.load().mtlkit_cards is mtlkit_cards


def test_looking_at_the_card_and_its_options_imports_no_torch() -> None:
    code = (
        "import sys, mtlkit_crf.cards, mtlkit_crf.options; mtlkit_crf.cards.mtlkit_cards(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_columns_and_metrics() -> None:
    options = Crf(tokens="words", label="ner")
    assert options.columns() == {"tokens": "words", "label": "ner"}
    assert options.metrics() == ("entity-f1", "token-accuracy")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("O", "B-X", "O"), "the label 'O' is listed twice"),
        (("I-X", "O"), "'I-X' could never occur: list 'B-X' too, or set constrained = false"),
    ],
)
def test_labels_that_are_wrong(labels: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(") + "$"):
        Crf(labels=labels)


def test_labels_of_another_scheme_need_no_begin_tags_where_nothing_is_constrained() -> None:
    assert Crf(labels=("I-X", "O"), constrained=False).labels == ("I-X", "O")


@pytest.mark.parametrize("labels", [(), ("NN", "VB"), ("B", "I")])
def test_examples_are_drawn_from_the_generator_and_fit_the_options(labels: tuple[str, ...]) -> None:
    options = Crf(tokens="words", label="ner", labels=labels)
    rows = options.examples(50, Random(4))
    assert rows == options.examples(50, Random(4))
    assert rows != options.examples(50, Random(5))
    assert all(len(row["words"]) == len(row["ner"]) >= 1 for row in rows)
    assert all(first_break(row["ner"]) is None for row in rows)
    seen = {tag for row in rows for tag in row["ner"]}
    assert seen == set(labels or ("B-LOC", "B-PER", "I-LOC", "I-PER", "O"))

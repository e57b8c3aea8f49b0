"""`mtlkit data`: what is planted in small files is found, and nothing else."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtlkit
from mtlkit.api import audit
from mtlkit.cli.main import _code
from mtlkit.contracts.audit import Doubtful, Leak
from mtlkit.contracts.rows import SPLITS
from mtlkit.engine.audit_texts import Texts, contradictions, text_hash, text_of
from mtlkit.outputs.audit_text import audit_text

RECIPE = """
name = "audited"
[backbone]
use = "tiny"
hidden_size = 16
max_length = 8
[data.reviews]
use = "csv"
path = { train = "train.csv", test = "test.csv" }
on_bad_row = "skip"
[data.mentions]
use = "conll"
path = { train = "train.conll", validation = "dev.conll" }
[tasks.sentiment]
data = "reviews"
head = { use = "sequence-classification", text = "text", label = "label" }
[tasks.entities]
data = "mentions"
head = { use = "token-classification", tokens = "tokens", label = "tags" }
[training]
length = "2st"
"""
SENTIMENT, ENTITIES = (("sentiment",), ("text",)), (("entities",), ("tokens",))
TRAIN = """text,label
a fine film,good
A  Fine Film,bad
plain and simple,good
plain and simple,good
no cell
,bad
it goes on and on and on and on,bad
\x1b]0;pwned\x07,
"""
TEST = "text,label\nplain and simple,good\nnew one,bad\nnew two,\n"
TOKENS = "Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\n\nZürich\tB-LOC\n"
DEV = "Ada\tO\nLovelace\tO\nwrote\tO\n\nplain\tO\nand\tO\nsimple\tO\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("audit")
    files = {"r.toml": RECIPE, "train.csv": TRAIN, "test.csv": TEST, "train.conll": TOKENS, "dev.conll": DEV}
    for name, text in files.items():
        (where / name).write_text(text)
    return where


@pytest.fixture(scope="module")
def found(folder):
    return audit(mtlkit.plan(mtlkit.load(folder / "r.toml")))


def test_rows_and_what_was_skipped(found, folder):
    reviews, mentions = found.sources
    assert (reviews.name, reviews.source, reviews.skipped) == ("reviews", "csv", 1)
    assert reviews.rows == {"train": 7, "validation": 0, "test": 3}
    assert reviews.warnings == (
        f"1 row that can't be read is left out: {folder / 'train.csv'}:6  has 1 cell where the table has 2  "
        "write empty cells too",
    )
    assert (mentions.rows, mentions.skipped, mentions.warnings) == (
        {"train": 2, "validation": 2, "test": 0},
        0,
        (),
    )


def test_labels_lengths_and_duplicates(found):
    sentiment, entities = found.tasks
    assert sentiment.labels == {
        "train": {"good": 3, "bad": 3},
        "validation": {},
        "test": {"good": 1, "bad": 1},
    }
    assert sentiment.unlabelled == {"train": 1, "validation": 0, "test": 1}
    (view,) = sentiment.views
    assert (view.columns, view.rows, view.cut) == (("text",), 9, 1)
    assert view.lengths["longest"] == 8
    assert view.duplicates == {"train": 2, "validation": 0, "test": 0}
    assert view.empty == {"train": 1, "validation": 0, "test": 0}
    assert entities.labels["train"] == {"B-PER": 1, "I-PER": 1, "O": 1, "B-LOC": 1}
    assert entities.views[0].lengths == {"shortest": 3, "median": 5, "90 %": 5, "99 %": 5, "longest": 5}
    assert entities.views[0].cut == 0


def test_contradictions_and_leaks_also_between_tasks(found):
    sentiment, entities = found.tasks
    assert sentiment.contradictions == Doubtful(1, 2, ("a fine film",))
    assert entities.contradictions == Doubtful(1, 2, ("Ada Lovelace wrote",))
    assert set(found.leaks) == {
        Leak(*SENTIMENT, *SENTIMENT, "test", Doubtful(1, 1, ("plain and simple",))),
        Leak(*SENTIMENT, *ENTITIES, "validation", Doubtful(1, 1, ("plain and simple",))),
        Leak(*ENTITIES, *ENTITIES, "validation", Doubtful(1, 1, ("Ada Lovelace wrote",))),
    }


PAIRS = """
name = "pairs"
backbone = { use = "tiny", hidden_size = 16 }
training = { length = "1st" }
[data.one]
use = "memory"
rows = [{ a = "x", b = "y", label = "p", split = "train" }, { a = "z", b = "w", label = "q", split = "train" }]
[data.two]
use = "memory"
rows = [{ a = "new", label = "p", split = "train" }, { a = "Y", label = "q", split = "test" }]
[tasks.pair]
data = "one"
head = { use = "sequence-classification", text = ["a", "b"] }
[tasks.single]
data = "two"
head = { use = "sequence-classification", text = "a" }
"""


def test_a_text_of_a_pair_leaks_into_another_task(tmp_path):
    (tmp_path / "r.toml").write_text(PAIRS)
    found = audit(mtlkit.plan(mtlkit.load(tmp_path / "r.toml")))
    assert found.leaks == (Leak(("pair",), ("b",), ("single",), ("a",), "test", Doubtful(1, 1, ("Y",))),)
    assert [view.columns for view in found.tasks[0].views] == [("a", "b")]


def test_examples_are_what_the_head_sees(found):
    sentiment, entities = found.tasks
    assert sentiment.examples[0].tokens[1:-1] == ("a", "fine", "film")
    assert (sentiment.examples[0].label, sentiment.examples[0].labels) == ("good", ())
    assert entities.examples[0].tokens[1:-1] == ("Ada", "Lovelace", "wrote")
    assert entities.examples[0].labels == ("", "B-PER", "I-PER", "O", "")


def test_the_report(found, folder):
    text = audit_text(found)
    lines = text.split("\n")
    assert lines[0] == "data reviews (csv): 7 train, 3 test"
    assert lines[2] == "data mentions (conll): 2 train, 2 validation"
    for line in (
        "task sentiment (sequence-classification, data reviews)",
        "  labels (label)  train  test",
        "  good            3      1",
        "  bad             3      1",
        "  without a label: 1 train, 1 test",
        "  duplicates: 2 train",
        "  without a text: 1 train",
        '  contradictory: 1 text with several labels, in 2 rows: "a fine film"',
        '  contradictory: 1 text with several labels, in 2 rows: "Ada Lovelace wrote"',
        "leak: test rows of sentiment (text) have 1 text of the training rows of sentiment (text), in 1 row: "
        '"plain and simple"',
        "leak: validation rows of entities (tokens) have 1 text of the training rows of sentiment (text), in 1 row: "
        '"plain and simple"',
    ):
        assert line in lines, line


def test_the_command_prints_nothing_that_steers_a_terminal(folder, capsys, monkeypatch):
    hostile = folder / "train.csv"
    before = hostile.read_text()
    try:
        hostile.write_text("text,label\n\x1b]0;one\x07\x9b31m,good\n\x1b]0;one\x07\x9b31m,\x1b[2J\n")
        for more in ([], ["--json"]):
            assert _code(["data", str(folder / "r.toml"), *more]) == 0
            said = capsys.readouterr()
            assert all(each.isprintable() or each == "\n" for each in said.out), more
            assert said.err == ""
        told = json.loads(said.out)
        assert told["tasks"][0]["contradictions"]["examples"] == ["\x1b]0;one\x07\x9b31m"]
        assert told["leaks"][-1].keys() == {
            *("trained", "trained_columns", "held_out", "held_out_columns", "split", "found")
        }
    finally:
        hostile.write_text(before)


def test_a_broken_row_ends_it_with_its_code(folder, capsys):
    assert _code(["data", str(folder / "r.toml"), "--set", 'data.reviews.on_bad_row="error"']) == 3
    assert capsys.readouterr().err == (
        f"{folder / 'train.csv'}:6  has 1 cell where the table has 2  write empty cells too\n"
    )


@given(st.lists(st.tuples(st.sampled_from(SPLITS), st.sampled_from(["a", "b", "A ", "c", ""]))))
def test_duplicates_and_shared_texts_are_those_of_sets(rows):
    texts = Texts()
    for split, text in rows:
        texts.add(split, text)
    plain = {split: [text.strip().lower() for of, text in rows if of == split and text] for split in SPLITS}
    assert texts.duplicates() == {split: len(of) - len(set(of)) for split, of in plain.items()}
    assert texts.empty == {split: rows.count((split, "")) for split in SPLITS}
    shared, count = texts.also_in("test", texts)
    both = set(plain["train"]) & set(plain["test"])
    assert {int(each) for each in shared} == {text_hash(text) for text in both}
    assert count == sum(text in both for text in plain["test"])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2))))
def test_contradictions_are_texts_with_several_labels(pairs):
    texts, labels = (np.array([pair[at] for pair in pairs], np.uint64) for at in (0, 1))
    several, rows = contradictions(texts, labels)
    wanted = {text for text, _ in pairs if len({label for other, label in pairs if other == text}) > 1}
    assert {int(each) for each in several} == wanted
    assert rows == sum(text in wanted for text, _ in pairs)


def test_text_of_words_and_of_several_columns():
    row = {"a": "one", "b": ["two", "three"], "c": None, "d": []}
    assert text_of(row, ("a", "b")) == "one / two three"
    assert text_of(row, ("c", "d")) == ""

"""What the options of `sentence-embedding` refuse, read and announce."""

from pathlib import Path
from random import Random

import pydantic
import pytest

from mtlkit.builtin.embedding_cards import EMBEDDINGS
from mtlkit.builtin.heads.objectives.options import CLASSES, cut_to, innermost, made
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import dump_options, make_options

ENTRY = Entry(EMBEDDINGS[0], "mtlkit", "")
GIST = {"use": "gist", "guide": ["g0", "g1"]}


def options(**table):
    return make_options(ENTRY, table, Path())


REFUSED = [
    ({"objective": "gist"}, 'gist has options to set; write objective = { use = "gist", guide = … }'),
    ({"objective": "mse"}, 'mse has options to set; write objective = { use = "mse", size = … }'),
    (
        {"objective": {"use": "matryoshka", "dims": [4], "objective": "mse"}},
        'mse has options to set; write objective = { use = "mse", size = … }',
    ),
    ({"objective": {"use": "matryoshka", "dims": [4, 4]}}, "dims [4, 4] has a dimension twice"),
    ({"objective": {"use": "matryoshka", "dims": [4], "weights": [1, 2]}}, "there are 2 weights for 1 dims"),
    ({"objective": {"use": "adaptive-layer", "layers": [1, 1]}}, "layers [1, 1] has a depth twice"),
    (
        {"objective": {"use": "batch-triplet", "margin": "soft", "triplets": "all"}},
        'the margin "soft" is for hard triplets; triplets is "all"',
    ),
    (
        {"objective": "cosent", "negatives": ["x"]},
        "cosent reads no negatives; leave negatives out, or take multiple-negatives-ranking",
    ),
    (
        {"objective": "triplet", "negatives": ["x", "y"]},
        "triplet reads one column of negatives, not 2; name one",
    ),
    (
        {"objective": GIST, "negatives": ["x"]},
        "guide has 2 columns; name one for each of first, second and negatives.0",
    ),
    (
        {"objective": "triplet", "cached": True},
        "cached changes nothing: with triplet no row depends on another one; leave it out",
    ),
    (
        {"objective": "cosent", "score": "text"},
        "the column 'text' is read in two ways; a column of score holds no texts",
    ),
    (
        {"objective": {**GIST, "guide": ["g", "g"]}},
        "the column 'g' is read in two ways; a column of objective.guide.0 and objective.guide.1 holds no texts",
    ),
    (
        {"objective": "adaptive-layer", "layers": "mix"},
        "adaptive-layer says itself which layers are read; leave layers out",
    ),
    (
        {"objective": {"use": "contrastive", "distance": "euclidean", "margin": 2.5}},
        "the margin 2.5 is never reached, since no two vectors are further apart than 2; "
        'lower it, or write distance = "euclidean" and normalize = false',
    ),
]

REFUSED += [
    (
        {"objective": "cosent", "metrics": ["mrr"]},
        "cosent does not measure mrr; it measures spearman and pearson",
    ),
    ({"metrics": ["mrr", "mrr"]}, "metrics ['mrr', 'mrr'] has a metric twice"),
]


@pytest.mark.parametrize(("table", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_does_not_fit_together_is_refused(table, message):
    with pytest.raises(pydantic.ValidationError) as caught:
        options(**table)
    errors = [each for each in caught.value.errors() if each["type"] == "value_error"]
    assert [str(each["ctx"]["error"]) for each in errors] == [message]


READ = [
    ({}, {"first": "text", "second": "text_pair"}),
    (
        {"negatives": ["x", "y"]},
        {"first": "text", "second": "text_pair", "negatives.0": "x", "negatives.1": "y"},
    ),
    ({"objective": "triplet"}, {"first": "text", "second": "text_pair", "negatives.0": "negative"}),
    (
        {"objective": "margin-mse", "negatives": ["x"]},
        {"first": "text", "second": "text_pair", "negatives.0": "x", "score": "score"},
    ),
    ({"objective": "batch-triplet", "group": "topic"}, {"first": "text", "group": "topic"}),
    ({"objective": {"use": "mse", "size": 3}}, {"first": "text", "teacher": "teacher"}),
    ({"objective": "simcse", "first": "a"}, {"first": "a"}),
    ({"objective": "denoising"}, {"first": "text"}),
    (
        {
            "objective": {
                "use": "adaptive-layer",
                "objective": {"use": "matryoshka", "dims": [2], "objective": GIST},
            }
        },
        {
            "first": "text",
            "second": "text_pair",
            "objective.objective.objective.guide.0": "g0",
            "objective.objective.objective.guide.1": "g1",
        },
    ),
]


@pytest.mark.parametrize(("table", "columns"), READ)
def test_columns_depend_on_the_objective(table, columns):
    found = options(**table)
    assert found.columns() == columns
    rows = found.examples(5, Random(0))
    assert all(set(row) == set(columns.values()) for row in rows)
    assert dump_options(make_options(ENTRY, dump_options(found), Path())) == dump_options(found)


def test_metrics_depend_on_the_objective_and_are_repeated_for_short_vectors():
    wrapped = {"use": "matryoshka", "dims": [64, 8], "objective": "cosent"}
    assert options(objective="cosent").metrics() == ("spearman", "pearson")
    assert options(objective=wrapped).metrics() == ("spearman", "pearson", "spearman-64d", "spearman-8d")
    nested = options(objective={"use": "adaptive-layer", "objective": wrapped})
    assert nested.metrics() == options(objective=wrapped).metrics()
    assert (innermost(nested.objective).use, cut_to(nested.objective)) == ("cosent", (64, 8))
    assert cut_to("cosent") == ()
    asked = {"metrics": ["ndcg@3", "mrr"], "objective": {"use": "matryoshka", "dims": [2]}}
    assert options(**asked).metrics() == ("ndcg@3", "mrr", "ndcg@3-2d")


def test_every_objective_says_what_it_reads_and_measures():
    assert len(CLASSES) == 15
    for name, cls in CLASSES.items():
        if name not in ("matryoshka", "adaptive-layer"):
            assert cls.measures
            assert isinstance(cls.coupled, bool)
            assert set(cls.reads) <= {"second", "negatives", "score", "group", "teacher"}
            assert "Source: " in cls.__doc__
    assert made("simcse").use == "simcse"

import re

import numpy as np
import pytest

import mtlkit
from mtlkit.builtin.data.memory import MemorySource
from mtlkit.builtin.data.table_options import MemoryOptions
from mtlkit.errors import DataError, Problem, RecipeError, ResourceError

ROWS = [
    {"text": "one", "label": 1, "tags": ["a", None]},
    {"text": "two", "label": None, "tags": []},
    {"text": "three", "label": 3, "tags": ["b"]},
]
ADVICE = "rows are a list of dictionaries, a pandas DataFrame, a datasets.Dataset or a pyarrow.Table"


def source(rows):
    return MemorySource(MemoryOptions(), rows)


def forms():
    import datasets
    import pandas as pd
    import pyarrow as pa

    return {
        "list": ROWS,
        "generator": (row for row in ROWS),
        "pandas": pd.DataFrame(ROWS),
        "datasets": datasets.Dataset.from_list(ROWS),
        "arrow": pa.Table.from_pylist(ROWS),
    }


def test_all_forms_of_rows_are_the_same_rows():
    for name, form in forms().items():
        read = source(form)
        assert read.columns() == ("text", "label", "tags"), name
        assert read.rows([2, 0, 1, 0]) == [ROWS[2], ROWS[0], ROWS[1], ROWS[0]], name
        assert type(read.rows([0])[0]["label"]) in (int, float), name
        read.rows([0])[0]["tags"].append("changed")
        assert read.rows(range(3)) == ROWS, name
        assert read.fingerprint() == source(ROWS).fingerprint() or name == "pandas"  # 1.0, for it has NaN
        with pytest.raises(IndexError, match=r"^row 3 of 3$"):
            read.rows([3])


def test_rows_are_taken_over_once():
    mine = [{"text": "a", "tags": ["x"]}]
    read = source(mine)
    mine[0]["tags"].append("y")
    mine.append({"text": "b"})
    assert read.rows(range(len(read))) == [{"text": "a", "tags": ["x"]}]


def test_numbers_of_numpy_and_missing_keys_become_plain():
    read = source([{"a": np.int64(3), "b": np.array([1.5])}, {"c": float("nan"), "a": np.float32(0.5)}])
    assert read.rows([0, 1]) == [{"a": 3, "b": [1.5], "c": None}, {"a": 0.5, "b": None, "c": None}]
    assert type(read.rows([0])[0]["a"]) is int


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("text", f"str is not a form of rows  {ADVICE}"),
        ({"text": ["a"]}, f"dict is not a form of rows  {ADVICE}"),
        (3, f"int is not a form of rows  {ADVICE}"),
        ([{"a": 1}, ["b"]], f"row 1 (from 0) is a list, not a dictionary  {ADVICE}"),
        ([{3: 1}], "row 0 (from 0) has a column 3 whose name is no text"),
        (
            [{"a": 1}, {"a": [b"x"]}],
            "row 1 (from 0) has a bytes in column 'a'  a cell is text, a number, a truth value, None, or a list of "
            "these",
        ),
    ],
)
def test_what_is_no_rows_is_refused(rows, told):
    with pytest.raises(DataError, match=f"^{re.escape(told)}$"):
        source(rows)


def test_rows_may_stand_in_the_recipe():
    read = MemorySource(MemoryOptions(({"text": "a"}, {"text": "b", "label": True})))
    assert read.rows([0, 1]) == [{"text": "a", "label": None}, {"text": "b", "label": True}]
    assert MemorySource(MemoryOptions(({"text": "a"},)), []).columns() == ()


RECIPE = """
name = "handed"
[backbone]
use = "tiny"
hidden_size = 16
[data.reviews]
use = "memory"
split = { test = 0.2, by = ["text"] }
[data.other]
use = "csv"
path = "rows.csv"
[tasks.sentiment]
data = "reviews"
head = { use = "sequence-classification", text = "text", label = "label" }
[training]
length = "2st"
batch_size = 4
[logging]
trackers = { console = { use = "console" } }
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "r.toml").write_text(RECIPE)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    return mtlkit.load(tmp_path / "r.toml")


def test_a_run_takes_rows_from_python(recipe, tmp_path):
    rows = [{"text": f"word {number}", "label": "ab"[number % 2]} for number in range(40)]
    plan = mtlkit.plan(recipe, data={"reviews": rows})
    rows.clear()
    result = mtlkit.run(plan, tmp_path / "runs")
    assert (result.steps, result.split) == (2, "test")
    assert 'use = "memory"' in (result.run_dir / "recipe.toml").read_text()


def test_rows_that_are_not_handed_over_are_asked_for(recipe, tmp_path):
    with pytest.raises(ResourceError) as caught:
        mtlkit.run(mtlkit.plan(recipe), tmp_path / "runs")
    assert str(caught.value) == (
        "the rows were not handed over  they come from Python: "
        'mtlkit.plan(recipe, data={"NAME": rows}), with the name of the table'
    )


def test_rows_for_another_table_are_refused(recipe):
    with pytest.raises(RecipeError) as caught:
        mtlkit.plan(recipe, data={"review": [], "other": []})
    assert caught.value.problems == (
        Problem(
            "rows are handed over for data 'review', which the recipe has not", "did you mean 'reviews'?"
        ),
        Problem(
            "rows are handed over, and the source 'csv' reads its own", 'write use = "memory"', "data.other"
        ),
    )


def test_a_column_that_the_rows_lack_is_named_by_its_place(recipe, tmp_path):
    plan = mtlkit.plan(recipe, data={"reviews": [{"text": str(at), "labels": "b"} for at in range(20)]})
    with pytest.raises(RecipeError) as caught:
        mtlkit.run(plan, tmp_path / "runs")
    (problem,) = caught.value.problems
    assert (problem.message, problem.suggestion, problem.path, problem.line) == (
        "the data has no column 'label'",
        "did you mean 'labels'?",
        "tasks.sentiment.head.label",
        14,
    )

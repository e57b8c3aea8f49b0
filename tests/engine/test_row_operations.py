"""Conditions, folds and pairs: which rows there are, and what is added to them."""

import random
from array import array

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.contracts.columns import column_problems, our_columns
from mtlkit.contracts.data import Skipped
from mtlkit.contracts.rows import SPLITS, Condition, FoldSpec, PairSpec, RowSpec, SplitSpec
from mtlkit.engine.row_numbers import RowNumbers
from mtlkit.engine.rows import Rows
from mtlkit.errors import Problem, RecipeError


@frozen
class Listed:
    """A source of the rows it is given."""

    records: tuple

    def columns(self):
        return tuple(self.records[0]) if self.records else ("text", "label")

    def __len__(self):
        return len(self.records)

    def rows(self, numbers):
        return [dict(self.records[number]) for number in numbers]

    def fingerprint(self):
        return str(hash(str(self.records)))


def listed(*rows):
    return Listed(tuple(rows))


def numbered(count):
    return Listed(tuple({"text": f"row {number}", "label": str(number % 3)} for number in range(count)))


def problems_of(source, spec):
    with pytest.raises(RecipeError) as caught:
        Rows.load(source, spec, "d")
    return list(caught.value.problems)


def kept(condition, *cells):
    rows = Rows.load(listed(*({"x": cell} for cell in cells)), RowSpec(where={"x": condition}), "d")
    return [record["x"] for record in rows.each("train")]


# Numbers of rows


@given(st.lists(st.integers(0, 2**40)), st.slices(10))
def test_row_numbers_are_equal_to_any_sequence_of_the_same(numbers, part):
    made = RowNumbers(numbers)
    assert (made, list(made), len(made), bool(made)) == (numbers, numbers, len(numbers), bool(numbers))
    assert made[part] == numbers[part]
    assert made[part] == tuple(numbers)[part]
    assert made != [*numbers, 1]
    assert made != "text"
    assert b"".join(made.parts()) == array("Q", numbers).tobytes()


def test_row_numbers_that_follow_each_other_take_no_memory():
    made = RowNumbers(range(10**12))
    assert (len(made), made[10**11], made[3:5]) == (10**12, 10**11, [3, 4])
    assert RowNumbers(range(3)) == RowNumbers([0, 1, 2])
    assert [*RowNumbers(range(70_000)).parts()] == [*RowNumbers(list(range(70_000))).parts()]
    assert repr(made[:9]) == "RowNumbers([0, 1, 2, 3, 4, 5, 6, 7, '…'])"


# Conditions


@pytest.mark.parametrize(
    ("condition", "cells", "wanted"),
    [
        (Condition(min=2), [1, "2", 2.5, "1e3", "", None], ["2", 2.5, "1e3"]),
        (Condition(max=2), [1, "2", 2.5, None], [1, "2"]),
        (Condition(min=1, max=2), [0, 1, 2, 3], [1, 2]),
        (Condition(without=("de", 1)), ["de", "en", "1", 1, True, None], ["en", True, None]),
        (Condition(missing=False), ["a", "", None, 0, False, []], ["a", 0, False, []]),
        (Condition(missing=True), ["a", "", None, 0], ["", None]),
        (Condition(min=1, without=(2,), missing=False), [0, 1, 2, None], [1]),
    ],
)
def test_a_condition_keeps_the_rows_that_meet_all_of_it(condition, cells, wanted):
    assert kept(condition, *cells) == wanted


def test_a_cell_that_is_no_number_is_not_dropped_in_silence():
    source = listed({"x": "1", "y": 1}, {"x": "many", "y": True}, {"x": "nan", "y": None})
    spec = RowSpec(where={"x": Condition(min=0), "y": Condition(max=9)})
    assert problems_of(source, spec) == [
        Problem(
            "the value 'many', first in row 1 (from 0), is not a number",
            "min and max are for columns of numbers",
            "data.d.where.x",
        ),
        Problem(
            "the value True, first in row 1 (from 0), is not a number",
            "min and max are for columns of numbers",
            "data.d.where.y",
        ),
    ]


def test_a_condition_that_keeps_nothing_shows_what_there_is():
    spec = RowSpec(where={"x": Condition(min=5)})
    assert problems_of(listed({"x": 1}, {"x": 2}, {"x": 1}), spec) == [
        Problem(
            "no row meets the condition on column 'x'",
            "its most frequent values are '1', '2'",
            "data.d.where.x",
        )
    ]


# Folds


@given(st.integers(2, 6), st.integers(1, 40))
def test_each_row_is_a_test_row_of_exactly_one_fold(of, count):
    source = numbered(count)
    tests = [Rows.load(source, RowSpec(fold=FoldSpec(k + 1, of)), "d").splits["test"] for k in range(of)]
    assert sorted(number for numbers in tests for number in numbers) == list(range(count))


def test_a_fold_of_many_rows_is_about_its_share_and_validation_is_of_the_rest():
    spec = RowSpec(fold=FoldSpec(2, 5), split=SplitSpec(validation=0.25))
    rows = Rows.load(numbered(4000), spec, "d")
    assert abs(len(rows.splits["test"]) - 800) < 5 * (4000 * 0.2 * 0.8) ** 0.5
    assert abs(len(rows.splits["validation"]) - 800) < 5 * (3200 * 0.25 * 0.75) ** 0.5
    assert sorted(number for split in SPLITS for number in rows.splits[split]) == list(range(4000))


def test_duplicates_are_in_one_fold_and_other_rows_move_none():
    base = numbered(60).records
    spec = RowSpec(fold=FoldSpec(1, 3), split=SplitSpec(by=("text",)))
    found = set(Rows.load(Listed(base), spec, "d").splits["test"])
    doubled = Rows.load(Listed(base + tuple({**row, "label": "x"} for row in base)), spec, "d").splits["test"]
    assert set(doubled) == found | {number + 60 for number in found}


def test_folds_that_can_not_be_meant():
    for k, of in ((0, 3), (4, 3), (1, 1)):
        with pytest.raises(ValueError, match=f"^there is no fold {k} of {of}; folds are counted from 1$"):
            FoldSpec(k, of)
    with pytest.raises(ValueError, match="^fold says which rows are for testing, and so does the share of"):
        RowSpec(fold=FoldSpec(1, 2), split=SplitSpec(test=0.1))
    with pytest.raises(ValueError, match="^fold divides the rows, and so does the split column$"):
        RowSpec(fold=FoldSpec(1, 2), split=SplitSpec(column="x"))
    own = listed({"text": "a", "split": "test"})
    assert problems_of(own, RowSpec(fold=FoldSpec(1, 2))) == [
        Problem(
            "fold divides the rows, and so does the column 'split'",
            'to leave the column aside write split = { column = "" }',
            "data.d.fold",
        )
    ]
    assert len(Rows.load(own, RowSpec(fold=FoldSpec(1, 2), split=SplitSpec(column="")), "d").splits) == 3


# Pairs

PAIRED = RowSpec(split=SplitSpec(validation=0.2, test=0.2), pair=PairSpec("text", "label"))
labelled = st.lists(
    st.fixed_dictionaries(
        {"text": st.sampled_from("abcdefghij"), "label": st.sampled_from(["x", "y", "z", ""])}
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40)
@given(labelled, st.sampled_from(["positive", "triplet", "either"]))
def test_partners_are_of_the_same_split_and_belong_as_they_say(made, kind):
    spec = evolve(PAIRED, pair=PairSpec("text", "label", kind))
    source = Listed(tuple(made))
    rows = Rows.load(source, spec, "d")
    plain = Rows.load(source, evolve(spec, pair=None), "d")
    for split in SPLITS:
        there = {(row["text"], row["label"]) for row in plain.each(split)}
        for row in rows.each(split):
            assert sorted(row) == sorted(our_columns(source.columns(), spec))
            assert row["text_pair"] != row["text"] or not row.get("same", 1)
            belongs = (row["text_pair"], row["label"]) in there
            apart = {text for text, label in there if label not in (row["label"], "")}
            if kind == "either":
                assert row["text_pair"] in (
                    {text for text, label in there if label == row["label"]} if row["same"] else apart
                )
            else:
                assert belongs
            if kind == "triplet":
                assert row["text_negative"] in apart
        assert rows.all(split) == list(rows.each(split))
        lost = len(plain.splits[split]) - len(rows.splits[split])
        told = [warning for warning in rows.warnings if f" of {split} found no other row" in warning]
        assert len(told) == (lost > 0)


@settings(max_examples=40)
@given(labelled, st.randoms(use_true_random=False))
def test_partners_do_not_depend_on_the_order_of_rows(made, shuffle):
    def found(records):
        rows = Rows.load(Listed(tuple(records)), PAIRED, "d")
        return {split: sorted(map(str, rows.each(split))) for split in SPLITS}

    before = found(made)
    shuffle.shuffle(made)
    assert found(made) == before


def test_a_row_more_changes_the_partners_of_few():
    rows = [{"text": f"row {number}", "label": str(number % 3)} for number in range(90)]
    spec = RowSpec(pair=PairSpec("text", "label"))

    def partners(records):
        found = Rows.load(Listed(tuple(records)), spec, "d")
        return {row["text"]: row["text_pair"] for row in found.each("train")}

    before, after = partners(rows), partners([*rows, {"text": "new", "label": "0"}])
    assert sum(after[text] != pair for text, pair in before.items()) == 1


def test_about_half_of_either_belong():
    spec = RowSpec(pair=PairSpec("text", "label", "either"))
    rows = Rows.load(numbered(1000), spec, "d")
    same = [row["same"] for row in rows.each("train")]
    assert len(same) == 1000
    assert 400 < sum(same) < 600


def test_rows_without_a_partner_are_told():
    source = listed(
        {"text": "a", "label": "x"},
        {"text": "b", "label": "x"},
        {"text": "c", "label": "y"},
        {"text": "d", "label": None},
    )
    rows = Rows.load(source, RowSpec(pair=PairSpec("text", "label")), "d")
    assert [(row["text"], row["text_pair"]) for row in rows.each("train")] == [("a", "b"), ("b", "a")]
    assert rows.numbers("train", [0, 1]) == [0, 1]
    assert rows.warnings == ("2 rows of train found no other row to pair by 'label', and are left out",)
    assert rows.fingerprint != Rows.load(source, RowSpec(limit={"train": 9}), "d").fingerprint


def test_columns_that_pair_names_are_held_against_the_data():
    spec = RowSpec(columns={"body": "text"}, pair=PairSpec("text", "group"))
    assert column_problems(("text", "label"), spec, "d") == [
        Problem("the data has no column 'text'", "its columns are 'body', 'label'", "data.d.pair.column"),
        Problem("the data has no column 'group'", "its columns are 'body', 'label'", "data.d.pair.by"),
    ]


# Rows left out


class Broken(Listed):
    def skipped(self):
        first = tuple(Problem("is blank", file="t.csv", line=number) for number in range(1, 6))
        return Skipped(7, first)


def test_rows_that_a_source_left_out_are_told():
    rows = Rows.load(Broken(({"text": "a"},)), RowSpec(), "d")
    assert rows.warnings == (
        "7 rows that can't be read are left out: t.csv:1  is blank; t.csv:2  is blank; t.csv:3  is blank; "
        "t.csv:4  is blank; t.csv:5  is blank; and 2 more",
    )
    assert Rows.load(listed({"text": "a"}), RowSpec(), "d").warnings == ()


def test_each_reads_a_few_rows_at_a_time():
    asked = []

    class Counting(Listed):
        def rows(self, numbers):
            asked.append(len(numbers))
            return super().rows(numbers)

    records = [{"text": str(random.Random(number).random()), "label": "x"} for number in range(5000)]
    rows = Rows.load(Counting(tuple(records)), RowSpec(split=SplitSpec(test=0.5), limit={"test": 10}), "d")
    assert len(list(rows.each("train"))) == len(rows.splits["train"])
    assert max(asked) <= 1024

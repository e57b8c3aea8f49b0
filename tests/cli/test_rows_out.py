"""Tables that a spreadsheet opens: text that would be a formula is text, numbers are numbers."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.cli.rows_out import RowWriter, harmless, opened
from mtlkit.whole_file import write_whole

FORMULAS = [
    "=1+1",
    "+1+1",
    "-cmd",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "  =1",
    "＝1",
    "-",
    "+49 30 1234",
    "-1-1",
    "=-1",
]
TEXTS = ["", "a=b", "1", "-1", "+1", "-3.5", "-.5", "-1e-5", "1,5", "<script>", "'=1", "a\tb", "a - b", "é"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", TEXTS)
def test_numbers_and_other_texts_stay(text):
    assert harmless(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_every_number_stays_as_it_is_written(number):
    assert harmless(repr(number)) == repr(number)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_what_was_written_is_read_but_for_the_apostrophe(texts):
    for form, mark in (("csv", ","), ("tsv", "\t")):
        stream = io.StringIO(newline="")
        RowWriter(stream, form, ["a", *texts]).write({"a": -1.5})
        header, row = csv.reader(io.StringIO(stream.getvalue(), newline=""), delimiter=mark)
        assert [each.removeprefix("'") for each in header[1:]] == [each.removeprefix("'") for each in texts]
        assert row[0] == "-1.5"


def test_columns_and_cells_of_a_table_but_not_of_json_lines():
    stream = io.StringIO()
    RowWriter(stream, "csv", ["=a", "n"]).write({"=a": "=1\0", "n": -2})
    assert stream.getvalue() == "'=a,n\n'=1\ufffd,-2\n"
    stream = io.StringIO()
    RowWriter(stream, "jsonl", ["=a"]).write({"=a": "=1"})
    assert stream.getvalue() == '{"=a": "=1"}\n'


def test_a_link_beside_the_file_is_not_written_through(tmp_path):
    victim, file = tmp_path / "victim", tmp_path / "rows.csv"
    victim.write_text("mine")
    (tmp_path / "rows.csv.partial").symlink_to(victim)
    with opened(file) as stream:
        RowWriter(stream, "csv", ["a"]).write({"a": "1"})
    write_whole(tmp_path / "plan.svg", "<svg/>")
    assert (victim.read_text(), file.read_text()) == ("mine", "a\n1\n")
    (tmp_path / "plan.svg.partial").symlink_to(victim)
    write_whole(tmp_path / "plan.svg", "<svg></svg>")
    assert victim.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.svg", "rows.csv", "victim"]

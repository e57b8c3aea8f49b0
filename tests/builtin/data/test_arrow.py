import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.data.arrow import arrow_source
from mtlkit.builtin.data.parquet import parquet_source
from mtlkit.builtin.data.table_options import ArrowOptions, ParquetOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, Problem

ROWS = [{"a": number, "b": None if number == 1 else [str(number), ""]} for number in range(7)]
FORMS = ("file", "stream", "zipped-file", "zipped-stream", "parquet")
cells = st.fixed_dictionaries(
    {
        "t": st.none() | st.text(max_size=5),
        "n": st.none() | st.integers(-9, 9),
        "l": st.lists(st.text(max_size=3)),
    }
)


def written(path, table, form, rows=2):
    table = table if isinstance(table, pa.Table) else pa.Table.from_pylist(table)
    if form == "parquet":
        pq.write_table(table, path, row_group_size=rows)
        return
    options = pa.ipc.IpcWriteOptions(compression="zstd" if "zipped" in form else None)
    new = pa.ipc.new_stream if "stream" in form else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)


def source(path, form="file", mode="error"):
    place = path if isinstance(path, dict) else Place(str(path))
    if form == "parquet":
        return parquet_source(ParquetOptions(place, mode))
    return arrow_source(ArrowOptions(place, mode))


def all_rows(of):
    return of.rows(range(len(of)))


@pytest.mark.parametrize("form", FORMS)
def test_rows_by_number(tmp_path, form):
    written(tmp_path / "t", ROWS, form)
    read = source(tmp_path / "t", form)
    assert (read.columns(), len(read)) == (("a", "b"), 7)
    assert read.rows([6, 1, 2, 3, 6]) == [ROWS[6], ROWS[1], ROWS[2], ROWS[3], ROWS[6]]
    assert read.rows([]) == []
    assert all_rows(read) == ROWS
    taken = read.rows([0, 0])
    taken[0]["b"].append("changed")
    assert taken[1] == ROWS[0] == read.rows([0])[0]
    with pytest.raises(IndexError, match=r"^row 7 of 7$"):
        read.rows([0, 7])


@settings(max_examples=30)
@given(st.lists(cells, min_size=1, max_size=9), st.sampled_from(FORMS), st.integers(1, 4))
def test_what_was_written_is_read(tmp_path_factory, rows, form, chunk):
    path = tmp_path_factory.mktemp("arrow") / "t"
    schema = pa.schema({"t": pa.string(), "n": pa.int8(), "l": pa.list_(pa.string())})
    written(path, pa.Table.from_pylist(rows, schema), form, chunk)
    assert all_rows(source(path, form)) == rows


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    written(tmp_path / "t", ROWS, "parquet")
    read = source(tmp_path / "t", "parquet")
    assert all_rows(read) == ROWS
    assert list((tmp_path / "tmp").iterdir()) == []
    (tmp_path / "t").unlink()
    assert all_rows(read) == ROWS


def test_a_plain_file_is_mapped_and_a_compressed_one_is_not(tmp_path):
    from mtlkit.builtin.data.arrow import _opened

    table = pa.table({"a": ["x" * 1000] * 5000})
    for form in FORMS[:4]:
        written(tmp_path / form, table, form, 1000)
        with _opened(tmp_path / form) as file:
            assert file.mapped == ("zipped" not in form), form


def test_mapped_rows_take_no_memory(tmp_path):
    written(tmp_path / "t", pa.table({"a": ["x" * 1000] * 20_000}), "file", 1000)
    read = source(tmp_path / "t")
    before = pa.total_allocated_bytes()
    assert len(read) == 20_000
    assert read.rows([19_999]) == [{"a": "x" * 1000}]
    assert pa.total_allocated_bytes() - before < 100_000


def test_dates_times_and_decimals_are_text(tmp_path):
    when = datetime.datetime(2020, 1, 2, 3, 4, 5)
    table = pa.table(
        {
            "d": [when.date()],
            "t": [when],
            "n": [Decimal("1.50")],
            "l": [[when.date(), None]],
            "s": [{"x": when}],
        }
    )
    for form in ("file", "parquet"):
        written(tmp_path / form, table, form)
        assert all_rows(source(tmp_path / form, form)) == [
            {
                "d": "2020-01-02",
                "t": "2020-01-02T03:04:05",
                "n": "1.50",
                "l": ["2020-01-02", None],
                "s": {"x": "2020-01-02T03:04:05"},
            }
        ]


@pytest.mark.parametrize("form", ["file", "stream", "parquet"])
def test_a_table_of_files_adds_the_column_split_and_widens_types(tmp_path, form):
    written(tmp_path / "one", pa.table({"a": [1, 2], "b": ["x", "y"]}), form)
    written(tmp_path / "two", pa.table({"b": ["z"], "a": [0.5]}), form)
    read = source({"train": Place(str(tmp_path / "one")), "test": Place(str(tmp_path / "two"))}, form)
    assert read.columns() == ("a", "b", "split")
    assert all_rows(read) == [
        {"a": 1.0, "b": "x", "split": "train"},
        {"a": 2.0, "b": "y", "split": "train"},
        {"a": 0.5, "b": "z", "split": "test"},
    ]
    written(tmp_path / "two", pa.table({"b": [[1]], "a": [0.5]}), form)
    with pytest.raises(DataError, match="^the splits differ in the types of their columns: "):
        len(source({"train": Place(str(tmp_path / "one")), "test": Place(str(tmp_path / "two"))}, form))


@pytest.mark.parametrize("form", FORMS)
def test_text_that_is_not_utf8_is_refused_or_skipped(tmp_path, form):
    raw = pa.array([b"one", b"\xff", b"three", b"\xc3"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 4, raw.buffers())
    written(tmp_path / "t", pa.table({"a": text, "b": [1, 2, 3, 4]}), form, 3)
    with pytest.raises(DataError) as caught:
        len(source(tmp_path / "t", form))
    (problem,) = caught.value.problems
    assert problem.file == str(tmp_path / "t")
    assert problem.message.startswith("row 1 (from 0) can't be read: ")
    assert "UTF8" in problem.message
    read = source(tmp_path / "t", form, "skip")
    assert all_rows(read) == [{"a": "one", "b": 1}, {"a": "three", "b": 3}]
    assert read.skipped().count == 2
    assert read.skipped().first[0] == problem
    assert "row 3 (from 0)" in read.skipped().first[1].message


def test_a_stream_that_is_cut_between_batches_is_noticed(tmp_path):
    written(tmp_path / "t", ROWS, "stream")
    whole = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(whole[:-8])
    with pytest.raises(DataError) as caught:
        len(source(tmp_path / "t"))
    assert caught.value.problems == (
        Problem(
            "is neither an Arrow file nor an Arrow stream with its end",
            "it may be cut short",
            file=str(tmp_path / "t"),
        ),
    )


@pytest.mark.parametrize(
    "content", [b"", b"no", b"ARROW1\x00\x00" + b"x" * 40, b"\xff\xff\xff\xff\x00\x00\x00\x00"]
)
def test_what_is_not_arrow_is_refused(tmp_path, content):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(DataError) as caught:
        source(tmp_path / "t").columns()
    (problem,) = caught.value.problems
    assert problem.file == str(tmp_path / "t")


def test_the_fingerprint_is_of_content(tmp_path):
    written(tmp_path / "t", ROWS, "file")
    first = source(tmp_path / "t").fingerprint()
    assert source(Path(tmp_path / "t").rename(tmp_path / "u")).fingerprint() == first
    written(tmp_path / "t", ROWS[1:], "file")
    assert source(tmp_path / "t").fingerprint() != first

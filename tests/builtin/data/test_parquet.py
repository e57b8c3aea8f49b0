import shutil

import pytest

from mtlkit.builtin.data.parquet import parquet_source
from mtlkit.builtin.data.table_options import ParquetOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
ROWS = [{"a": number, "b": None if number == 1 else [str(number), ""]} for number in range(5)]


def source(path):
    return parquet_source(ParquetOptions(Place(str(path))))


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "year=2020"  # must not become a column
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "t.parquet", row_group_size=2)
    return folder / "t.parquet"


def test_rows_by_number(file):
    read = source(file)
    assert (read.columns(), len(read)) == (("a", "b"), 5)
    assert read.rows([4, 1, 4]) == [ROWS[4], ROWS[1], ROWS[4]]
    assert read.rows([]) == []
    assert read.rows(range(5)) == ROWS
    read.rows([0])[0]["b"].append("changed")
    assert read.rows([0]) == [ROWS[0]]
    with pytest.raises(IndexError, match=r"^row 5 of 5$"):
        read.rows([0, 5])


def test_a_table_of_files_adds_the_column_split(file):
    pq.write_table(pa.table({"b": [["x"]], "a": [7]}), file.with_name("u.parquet"))
    path = {"train": Place(str(file)), "test": Place(str(file.with_name("u.parquet")))}
    read = parquet_source(ParquetOptions(path))
    assert read.columns() == ("a", "b", "split")
    assert read.rows([5, 0]) == [{"a": 7, "b": ["x"], "split": "test"}, ROWS[0] | {"split": "train"}]


def test_what_is_not_parquet_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_text("no")
    with pytest.raises(DataError) as caught:
        source(tmp_path / "t.parquet").columns()
    (problem,) = caught.value.problems
    assert problem.file == str(tmp_path / "t.parquet")
    assert problem.message.startswith("can't be read as Parquet: ")


def test_the_fingerprint_is_of_content(file, tmp_path):
    first = source(file).fingerprint()
    assert source(shutil.copy(file, tmp_path / "copy")).fingerprint() == first
    pq.write_table(pa.Table.from_pylist(ROWS[1:]), file)
    assert source(file).fingerprint() != first

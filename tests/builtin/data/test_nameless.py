"""Temporary copies: where they can not go is said, and what they are of is not blamed."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtlkit.builtin.data.csv import CsvSource
from mtlkit.builtin.data.options import CsvOptions
from mtlkit.builtin.data.parquet import parquet_source
from mtlkit.builtin.data.spool import Spool
from mtlkit.builtin.data.squad import SquadSource
from mtlkit.builtin.data.squad_options import SquadOptions
from mtlkit.builtin.data.table_options import ParquetOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import ResourceError


def wide(path):
    path.write_bytes("a\n1\n".encode("utf-16"))
    return CsvSource(CsvOptions(Place(str(path)), encoding="utf-16"))


def parquet(path):
    pq.write_table(pa.table({"a": [1]}), path)
    return parquet_source(ParquetOptions(Place(str(path))))


def squad(path):
    path.write_text(json.dumps({"data": []}))
    return SquadSource(SquadOptions(Place(str(path))))


@pytest.mark.parametrize("make", [wide, parquet, squad])
def test_a_folder_for_copies_that_is_not_there_is_named(tmp_path, monkeypatch, make):
    source = make(tmp_path / "t")
    missing = str(tmp_path / "missing")
    monkeypatch.setattr("tempfile.tempdir", missing)
    told = (
        f"a temporary copy of the data can't be written to {missing}: No such file or directory  "
        "the environment variable TMPDIR says where such copies go"
    )
    with pytest.raises(ResourceError, match=f"^{re.escape(told)}$"):
        len(source)


def test_values_of_a_spool_are_found_again_while_others_are_added():
    spool = Spool()
    values = [None, "é", [1, {"a": "\ud800"}], 1.5, ""]
    for number, value in enumerate(values):
        assert spool.add(value) == number
        assert spool.get(number) == value
    assert [spool.get(number) for number in (4, 0, 2, 2)] == [values[number] for number in (4, 0, 2, 2)]
    assert len(spool) == 5

import sqlite3
import sys
from contextlib import closing
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.data.sql import SqlSource
from mtlkit.builtin.data.table_options import SqlOptions
from mtlkit.catalog.options import dump_options
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, Problem, ResourceError

QUERY = "SELECT text, label FROM reviews ORDER BY id"
cell = (
    st.none()
    | st.text(max_size=6)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def database(folder, rows):
    path = folder / "it's a #1.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE reviews (id INTEGER PRIMARY KEY, text, label)")
        connection.executemany("INSERT INTO reviews (text, label) VALUES (?, ?)", rows)
    return path


def source(path, query=QUERY, **options):
    return SqlSource(SqlOptions(query, Place(str(path)), **options))


@settings(max_examples=40)
@given(st.lists(st.tuples(cell, cell), max_size=5))
def test_what_was_written_is_read(tmp_path_factory, rows):
    read = source(database(tmp_path_factory.mktemp("sql"), rows))
    assert read.columns() == ("text", "label")
    assert [tuple(row.values()) for row in read.rows(range(len(read)))] == rows


def test_columns_are_those_of_the_query(tmp_path):
    path = database(tmp_path, [("a", 1), ("b", 2)])
    read = source(path, "SELECT upper(text) AS loud, label * 2 AS twice FROM reviews WHERE label > 1")
    assert (read.columns(), read.rows([0])) == (("loud", "twice"), [{"loud": "B", "twice": 4}])


def test_the_fingerprint_is_of_the_rows_of_the_answer(tmp_path):
    path = database(tmp_path, [("a", 1), ("b", 2)])
    first = source(path).fingerprint()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE another (x)")
    assert source(path).fingerprint() == first
    assert source(path, QUERY + " DESC").fingerprint() != first


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT x FROM nowhere", Problem("the query fails: no such table: nowhere")),
        ("DELETE FROM reviews", Problem("the query fails: not authorized", "a query may only read")),
        (
            "ATTACH 'other.sqlite' AS other",
            Problem("the query fails: not authorized", "a query may only read"),
        ),
        ("PRAGMA writable_schema = ON", Problem("the query fails: not authorized", "a query may only read")),
        ("SELECT 1; SELECT 2", Problem("the query fails: You can only execute one statement at a time.")),
        ("-- nothing", Problem("the query gives no rows", "write a SELECT")),
        (
            "SELECT text, text FROM reviews",
            Problem("the query gives more than one column 'text'", "name them: SELECT a AS first"),
        ),
    ],
)
def test_queries_that_are_refused(tmp_path, monkeypatch, query, told):
    monkeypatch.chdir(tmp_path)
    path = database(tmp_path, [("a", 1)])
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        source(path, query).columns()
    (problem,) = caught.value.problems
    assert (problem.message, problem.suggestion, problem.file) == (told.message, told.suggestion, str(path))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_bytes_and_broken_text_are_refused_or_skipped(tmp_path):
    path = database(tmp_path, [("a", 1), (b"\x00\x01", 2), ("c", 3)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO reviews (text, label) VALUES (CAST(x'ff' AS TEXT), 9e999)")
    with pytest.raises(DataError) as caught:
        len(source(path))
    assert caught.value.problems == (
        Problem(
            "row 1 (from 0) of the query has no text or number in column 'text'",
            "bytes, and text that is not UTF-8, have to be left out or cast by the query",
            file=str(path),
        ),
    )
    read = source(path, on_bad_row="skip")
    assert [row["text"] for row in read.rows([0, 1])] == ["a", "c"]
    assert (len(read), read.skipped().count) == (2, 2)


def test_what_is_not_sqlite_is_refused(tmp_path):
    (tmp_path / "t").write_text("no data base " * 100)
    with pytest.raises(DataError) as caught:
        source(tmp_path / "t").columns()
    assert str(caught.value) == f"{tmp_path / 't'}  the query fails: file is not a database"
    with pytest.raises(ResourceError, match="does not exist"):
        source(tmp_path / "none").columns()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "either path, for a SQLite file, or url is needed"),
        (
            {"path": Place("x"), "url": "postgresql://host/db"},
            "either path, for a SQLite file, or url is needed",
        ),
        ({"path": Place("x"), "query": " "}, "query is empty"),
        (
            {"url": "postgresql://me:hush@host/db"},
            "url holds a password; leave it out and set MTLKIT_SQL_PASSWORD",
        ),
        (
            {"url": "mysql://host/db?Password=hush"},
            "url holds a password; leave it out and set MTLKIT_SQL_PASSWORD",
        ),
    ],
)
def test_options_that_can_not_be_meant(options, told):
    with pytest.raises(ValueError, match=f"^{told}$") as caught:
        SqlOptions(**{"query": QUERY, **options})
    assert "hush" not in str(caught.value)


def test_without_sqlalchemy_other_data_bases_are_a_missing_resource(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ResourceError) as caught:
        SqlSource(SqlOptions(QUERY, url="postgresql://me@host/db")).columns()
    assert str(caught.value) == (
        "the data base at postgresql://host/db needs SQLAlchemy, which is not installed  "
        "pip install sqlalchemy, and what it needs for this data base"
    )


class Connection:
    """The part of SQLAlchemy's connection that is used."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execution_options(self, **options):
        assert options == {"stream_results": True}
        return self

    def execute(self, query):
        class Answer(list):
            def keys(self):
                return ["text", "label"]

        assert query == QUERY
        return Answer([("a", 1), ("b", None)])


class Address:
    def __init__(self, url, password=None):
        self.url, self.word = url, password

    def set(self, password):
        return Address(self.url, password)


def test_a_password_comes_from_the_environment_and_is_written_nowhere(monkeypatch):
    opened = []

    def create_engine(address):
        opened.append(address)
        return SimpleNamespace(connect=Connection)

    alchemy = ModuleType("sqlalchemy")
    alchemy.make_url, alchemy.create_engine, alchemy.text = Address, create_engine, str
    alchemy.exc = SimpleNamespace(SQLAlchemyError=RuntimeError)
    monkeypatch.setitem(sys.modules, "sqlalchemy", alchemy)
    monkeypatch.setenv("MTLKIT_SQL_PASSWORD", "hush")
    options = SqlOptions(QUERY, url="postgresql://me@host/db")
    read = SqlSource(options)
    assert read.rows([1, 0]) == [{"text": "b", "label": None}, {"text": "a", "label": 1}]
    assert {address.word for address in opened} == {"hush"}
    assert "hush" not in str(dump_options(options)) + repr(options)


def test_a_damaged_schema_that_is_repeated_in_the_message(tmp_path):
    path = database(tmp_path, [("x", "y")])
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREA\x80E TABLE"))
    with pytest.raises(DataError) as raised:
        source(path).columns()
    (problem,) = raised.value.problems
    assert problem.message.startswith("the query fails: 'utf-8' codec can't decode byte 0x80")
    assert problem.file == str(path)

"""A password and tokens are in nothing that a run writes or says."""

import json
import sqlite3
import sys
from types import SimpleNamespace

import pytest
from engine_recipes import write_recipe

from mtlkit.cli.main import _code

CANARY = "c4n4ry-s3cr3t"
VARIABLES = (
    "MTLKIT_SQL_PASSWORD",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch, tmp_path):
    for name in VARIABLES:
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))


def told_nowhere(folder, capfd):
    shown = capfd.readouterr()
    assert CANARY not in shown.out + shown.err
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if CANARY.encode() in path.read_bytes() or CANARY in str(path)] == []
    return files, shown


def test_a_run_on_rows_of_a_data_base(tmp_path, capfd):
    with sqlite3.connect(tmp_path / "rows.db") as rows:
        rows.execute("CREATE TABLE r (text TEXT, label TEXT)")
        rows.executemany("INSERT INTO r VALUES (?, ?)", [(f"word{n}", "ab"[n % 2]) for n in range(80)])
    rows.close()
    table = '{use="sql", path="rows.db", query="SELECT text, label FROM r", split={test=0.2, validation=0.2}}'
    words = ["--set", f"data.reviews={table}", "--out", str(tmp_path / "out")]
    assert _code(["run", str(write_recipe(tmp_path, length="2st", more="")), *words]) == 0
    files, _ = told_nowhere(tmp_path, capfd)
    names = {path.name for path in files}
    assert {"recipe.toml", "plan.json", "events.jsonl", "state.json", "weights.safetensors"} <= names


@pytest.mark.parametrize(
    "url", [f"postgresql://me:{CANARY}@host/db", f"postgresql://host/db?password={CANARY}"]
)
@pytest.mark.parametrize("command", ["validate", "plan", "run", "data"])
def test_an_address_with_a_password_is_refused_and_not_repeated(tmp_path, monkeypatch, capfd, url, command):
    monkeypatch.chdir(tmp_path)
    table = f'data.reviews={{use="sql", url={json.dumps(url)}, query="SELECT 1"}}'
    assert _code([command, str(write_recipe(tmp_path, more="")), "--set", table]) == 2
    _, shown = told_nowhere(tmp_path, capfd)
    message = "url holds a password  leave it out and set MTLKIT_SQL_PASSWORD"
    assert shown.err == f"--set  data.reviews  {message}\n"


def test_a_data_base_that_repeats_the_password(tmp_path, monkeypatch, capfd):
    class Failed(Exception):
        pass

    def fails(address):
        raise Failed(f"no login with {address}")

    address = SimpleNamespace(set=lambda password: f"postgresql://me:{password}@host/db")
    library = SimpleNamespace(
        make_url=lambda url: address, create_engine=fails, exc=SimpleNamespace(SQLAlchemyError=Failed)
    )
    monkeypatch.setitem(sys.modules, "sqlalchemy", library)
    monkeypatch.chdir(tmp_path)
    table = 'data.reviews={use="sql", url="postgresql://me@host/db", query="SELECT 1"}'
    assert _code(["run", str(write_recipe(tmp_path, more="")), "--set", table]) == 5
    _, shown = told_nowhere(tmp_path, capfd)
    assert "does not give the rows: no login with postgresql://me:***@host/db" in shown.err

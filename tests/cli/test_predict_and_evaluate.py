"""`mtlkit predict` and `mtlkit evaluate` on a finished run."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mtlkit
from mtlkit.cli import predict as predict_command
from mtlkit.cli.main import _code
from mtlkit.cli.rows_out import plain
from mtlkit.contracts.scored import ScoredLabel

RECIPE = """
name = "two"
[backbone]
use = "tiny"
hidden_size = 8
blocks = 1
vocabulary = 32
[data.reviews]
use = "jsonl"
path = "reviews.jsonl"
labels = { label = { "0" = "neg", "1" = "pos" } }
split = { test = 0.3 }
[data.mentions]
use = "jsonl"
path = "mentions.jsonl"
columns = { tokens = "words" }
[tasks.sentiment]
data = "reviews"
head = { use = "sequence-classification" }
[tasks.names]
data = "mentions"
head = { use = "token-classification", label = "tags" }
[training]
length = "2st"
batch_size = 4
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    (folder / "recipe.toml").write_text(RECIPE)
    reviews = [{"text": f"good {n}" if n % 2 else f"bad {n}", "label": n % 2} for n in range(20)]
    mentions = [{"words": ["a", f"w{n}"], "tags": ["O", "B-X"]} for n in range(6)]
    for name, rows in (("reviews", reviews), ("mentions", mentions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return mtlkit.run(mtlkit.plan(mtlkit.load(folder / "recipe.toml")), folder / "runs").run_dir


@pytest.fixture
def ask(monkeypatch, capsys, run):
    """Run a command with some text on standard input; its code, output and last line of errors."""

    def asked(command, *words, given=""):
        raw = given if isinstance(given, bytes) else given.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        code = _code([command, str(run), *words])
        told = capsys.readouterr()
        return code, told.out, told.err.strip().split("\n")[-1]

    return asked


def test_json_lines_in_json_lines_out(ask, run):
    rows = [{"text": "good", "kept": [1, None]}, {"text": "schlecht ü\u2028", "other": {"a": 1.5}}]
    given = "\ufeff" + "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows) + "\n"
    code, out, note = ask("predict", "--task", "sentiment", given=given)
    wanted = mtlkit.open_run(run).predict("sentiment", rows)
    assert code == 0
    assert [json.loads(line) for line in out.strip("\n").split("\n")] == [
        {**row, "sentiment": label} for row, label in zip(rows, wanted, strict=True)
    ]
    assert note == "2 rows, predicted by sentiment of step-00000002"


def test_a_table_in_a_table_out(ask, tmp_path):
    (tmp_path / "in.csv").write_text('text,words\n"good, or so",a b c\n"=1+""1""",\n')
    code, out, _ = ask("predict", "--in", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"))
    assert (code, out) == (0, "")
    rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert rows[0] == ["text", "words", "sentiment", "names"]
    assert [row[0] for row in rows[1:]] == ["good, or so", "'" + '=1+"1"']
    assert len(json.loads(rows[1][3])) == 3
    assert rows[2][1:2] + rows[2][3:] == ["[]", "[]"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_one_format_in_another_out(ask, tmp_path):
    out = tmp_path / "out.tsv"
    code, *_ = ask("predict", "--task", "sentiment", "--out", str(out), given='{"text": "good"}\n')
    assert code == 0
    assert out.read_text().startswith("text\tsentiment\ngood\t")
    code, told, _ = ask("predict", "--task", "sentiment", "--format", "csv", given="text\ngood\n")
    assert told.startswith("text,sentiment\ngood,")


def test_no_rows_are_no_error(ask):
    assert ask("predict", "--task", "sentiment")[:2] == (0, "")
    assert ask("predict", "--task", "sentiment", "--format", "csv", given="text\n")[:2] == (
        0,
        "text,sentiment\n",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('{"text": "a"}\n{"text" "b"}\n', "<standard input>:2:9  is not JSON: Expecting ':' delimiter  "
         'every line is one object: {"text": "...", "label": "..."}'),
        ('{"text": "a"}\n\n{"text": "b"}\n', "<standard input>:2  is blank  remove it"),
        ('{"text": "a"}\n["b"]\n', '<standard input>:2  is not a JSON object  '
         'every line is one object: {"text": "...", "label": "..."}'),
        (b'{"text": "a"}\n{"text": "\xff"}\n', "<standard input>:2  is not UTF-8: byte 0xff in column 11  convert it to UTF-8"),
        ('{"text": "a"}\n{"txt": "b"}\n', "<standard input>:2  has no column 'text', which task 'sentiment' reads  "
         "did you mean 'text'?".replace("'text'?", "'txt'?")),
        ('{"text": ["a"]}\n', "<standard input>:1  has a list in the column 'text', and task 'sentiment' reads text"),
    ],
)  # fmt: skip
def test_a_broken_row_is_named_and_nothing_is_written(ask, given, message):
    assert ask("predict", "--task", "sentiment", given=given) == (3, "", message)


def test_a_row_without_a_list(ask):
    wanted = """<standard input>:1  has text in the column 'tokens', and task 'names' reads a list  lists are written as ["one", "two"]"""
    assert ask("predict", "--task", "names", given='{"words": "a b"}\n') == (3, "", wanted)


def test_a_broken_table_is_named(ask, tmp_path):
    code, out, told = ask("predict", "--format", "csv", given="text\na\nb,c\n")
    assert (code, out) == (3, "")
    assert told.startswith("<standard input>:3  has 2 cells where the table has 1")


def test_a_failure_leaves_the_old_file(ask, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    out.write_text("before")

    def fails(*_, **__):
        raise mtlkit.PluginError("failed")

    monkeypatch.setattr(predict_command, "_predictions", fails)
    code, *_ = ask("predict", "--task", "sentiment", "--out", str(out), given='{"text": "a"}\n')
    assert code == 4
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--task", "sentimant"], 2, "there is no task 'sentimant'  did you mean 'sentiment'?"),
        (["--task", "sentiment", "--in", "rows.txt"], 2, "the name of 'rows.txt' tells no format  end it in .jsonl, .csv, .tsv, or say --format"),
        (["--task", "sentiment", "--in", "gone.csv"], 5, "gone.csv can't be read: No such file or directory"),
        (["--task", "sentiment", "--out", "gone/out.csv"], 5, "gone/out.csv can't be written: No such file or directory  choose another --out"),
        (["--checkpoint", "worst"], 2, "'worst' is no checkpoint  write best, last or a number of steps"),
    ],
)  # fmt: skip
def test_wrong_usage(ask, words, code, message):
    assert ask("predict", *words, given='{"text": "a"}\n') == (code, "", message)


def test_a_column_of_the_name_of_a_task(ask):
    told = "the rows have a column 'sentiment' already  rename it, or leave it out of the rows"
    assert ask("predict", "--task", "sentiment", given='{"text": "a", "sentiment": "pos"}\n') == (2, "", told)


def test_scores_where_there_are_some(ask, monkeypatch):
    scored = ScoredLabel("pos", {"neg": 0.25, "pos": 0.75})
    monkeypatch.setattr(
        "mtlkit.engine.opened.Run.predict_all", lambda self, rows, tasks: {"sentiment": [scored]}
    )
    code, out, _ = ask("predict", "--task", "sentiment", "--scores", given='{"text": "a"}\n')
    assert code == 0
    assert json.loads(out) == {
        "text": "a",
        "sentiment": "pos",
        "sentiment.scores": {"neg": 0.25, "pos": 0.75},
    }


def test_numbers_that_json_does_not_have_are_null():
    assert plain([float("nan"), float("inf"), 1.5, {1}, ("a",)]) == [None, None, 1.5, [1], ["a"]]


def test_evaluate_shows_what_the_run_measured(ask, run):
    code, out, _ = ask("evaluate", "--json")
    document = json.loads(out)
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    final = next(each for each in lines if each.get("purpose") == "final")
    assert code == 0
    assert (document["run"], document["split"]) == (str(run), "test")
    assert {name: each["value"] for name, each in document["metrics"].items()} == pytest.approx(
        final["metrics"]
    )
    code, out, _ = ask("evaluate", "--split", "train", "--task", "names")
    assert out.splitlines()[0].split() == ["task", "metric", "value", "95", "%", "interval", "rows"]
    assert out.splitlines()[-1] == "results on train rows, weights of step-00000002"


def test_evaluate_other_rows(ask, tmp_path):
    """In the source's own format with its values, or in another one with labels."""
    (tmp_path / "new.jsonl").write_text('{"text": "good 1", "label": 1}\n{"text": "bad 2", "label": 0}\n')
    (tmp_path / "new.csv").write_text("text,label\ngood 1,pos\nbad 2,0\n")
    values = []
    for name in ("new.jsonl", "new.csv"):
        code, out, told = ask("evaluate", "--task", "sentiment", "--data", str(tmp_path / name), "--json")
        assert code == 0, told
        document = json.loads(out)
        assert document["split"] == str(tmp_path / name)
        assert {each["rows"] for each in document["metrics"].values()} == {2}
        values.append(document["metrics"])
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--data", "x.jsonl"], 2, "one file can't be the data of all these tasks: sentiment reads reviews, names reads mentions  name tasks of one source"),
        (["--data", "x.parquet", "--task", "names"], 2, "'x.parquet' is not of the kind that data 'mentions' reads (.jsonl)  give the rows themselves, or a file of that kind"),
        (["--data", "x.jsonl", "--split", "test"], 2, "a file has no splits: all of its rows are evaluated  leave out --split or --data"),
        (["--split", "validation"], 2, "there are no validation rows  there are train and test rows"),
        (["--split", "test", "--task", "names"], 2, "there are no test rows  there are train rows"),
    ],
)  # fmt: skip
def test_what_can_not_be_evaluated(ask, words, code, message):
    assert ask("evaluate", *words) == (code, "", message)


def test_a_file_that_is_not_there(ask):
    code, _, told = ask("evaluate", "--task", "sentiment", "--data", "gone.jsonl")
    assert code == 5
    assert "gone.jsonl" in told


def test_as_a_process(run):
    asked = [sys.executable, "-m", "mtlkit", "predict", str(run), "--task", "sentiment"]
    done = subprocess.run(
        asked,
        cwd=Path(__file__).parents[2],
        input='{"text": "é"}\n'.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith('{"text": "é", "sentiment": "')

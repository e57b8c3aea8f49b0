"""Rows that can't be read: refused with file and line, or left out, counted, and nothing else changed."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.conll import ConllSource
from mtlkit.builtin.data.csv import CsvSource
from mtlkit.builtin.data.jsonl import JsonlSource
from mtlkit.builtin.data.options import ConllOptions, CsvOptions, JsonlOptions, TextFolderOptions, TsvOptions
from mtlkit.builtin.data.text_folder import TextFolderSource
from mtlkit.cli.main import _code
from mtlkit.contracts.place import Place
from mtlkit.contracts.rows import SPLITS, RowSpec, SplitSpec
from mtlkit.engine.rows import Rows
from mtlkit.errors import DataError

cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
DIVIDED = RowSpec(split=SplitSpec(validation=0.2, test=0.3), limit={"train": 3})


def csv_row(text, delimiter=","):
    whole = io.StringIO()
    csv.writer(whole, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow([text, "x"])
    return whole.getvalue().encode()


def csv_file(pieces):
    return b"text,label\n" + b"".join(pieces) + csv_row("the last")


def jsonl_file(pieces):
    return b"".join(pieces) + b'{"text": "the last", "label": "x"}\n'


def conll_file(pieces):
    return b"\n".join([*pieces, b"the\tO\nlast\tO\n"])


def conll_row(text):
    return "".join(f"{token or '-'}\tO\n" for token in ["a", *text.split()] if token.isprintable()).encode()


KINDS = {
    "csv": (
        lambda path, mode: CsvSource(CsvOptions(Place(str(path)), on_bad_row=mode)),
        csv_file,
        csv_row,
        [
            b"a\n",
            b"a,b,c\n",
            b"\n",
            b'a,"b"c\n',
            b"\xff,b\n",
            b'"a\n\xff",b\n',
            b"\0,b\n",
            b'"\n\0"\n',
            b'"a\nb"\n',
        ],
    ),
    "tsv": (
        lambda path, mode: CsvSource(TsvOptions(Place(str(path)), on_bad_row=mode)),
        lambda pieces: csv_file(pieces).replace(b",", b"\t", 1).replace(b'","', b'"\t"'),
        lambda text: csv_row(text.replace(",", ""), "\t"),
        [b"a\n", b"a,b\n", b"a\tb\tc\n", b"\n", b"\xff\tb\n"],
    ),
    "jsonl": (
        lambda path, mode: JsonlSource(JsonlOptions(Place(str(path)), ("text", "label"), on_bad_row=mode)),
        jsonl_file,
        lambda text: json.dumps({"text": text, "label": "x"}).encode() + b"\n",
        [
            b"{\n",
            b"[]\n",
            b"1\n",
            b" \n",
            b'{"text": NaN}\n',
            b'{"a": 1, "a": 2}\n',
            b'"\xff"\n',
            b'{"text": "\0"}\n',
        ],
    ),
    "conll": (
        lambda path, mode: ConllSource(ConllOptions(Place(str(path)), separator="\t", on_bad_row=mode)),
        conll_file,
        conll_row,
        [b"a\n", b"a\tO\nb\n", b"a\t\n", b"\tO\n", b"a\tO\n\xff\tO\n", b"\xff\n\0\n"],
    ),
}


def read(kind, path, pieces, mode):
    make, whole, _, _ = KINDS[kind]
    path.write_bytes(whole(pieces))
    return make(path, mode)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_skipping_gives_the_file_without_its_bad_rows(tmp_path_factory, kind, data):
    _, _, row, broken = KINDS[kind]
    good = st.tuples(st.just(True), cell.map(row))
    bad = st.tuples(st.just(False), st.sampled_from(broken))
    pieces = data.draw(st.lists(good | bad, max_size=12))
    path = tmp_path_factory.mktemp(kind) / "file"
    clean = read(kind, path, [piece for fine, piece in pieces if fine], "error")
    wanted = clean.rows(range(len(clean)))
    splits = Rows.load(clean, DIVIDED, "d").splits
    source = read(kind, path, [piece for _, piece in pieces], "skip")
    assert source.rows(range(len(source))) == wanted
    assert [source.rows([number])[0] for number in range(len(source))] == wanted
    found = Rows.load(source, DIVIDED, "d").splits
    assert {split: list(found[split]) for split in SPLITS} == {split: list(splits[split]) for split in SPLITS}
    count = sum(not fine for fine, _ in pieces)
    skipped = source.skipped()
    assert (skipped.count, len(skipped.first)) == (count, min(count, 5))
    lines = [problem.line for problem in skipped.first]
    assert lines == sorted(lines)
    assert all(problem.file == str(path) and problem.message for problem in skipped.first)
    if count:
        with pytest.raises(DataError) as caught:
            len(read(kind, path, [piece for _, piece in pieces], "error"))
        assert caught.value.problems == skipped.first[:1]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('a,b\n1,2\n3,"x\n4,5\n6,7\n', 3, "opens a quote that is never closed"),
        ('a,b\n1,2\n3,"x\n4,"y"\n6,7\n', 3, "can't be read as CSV: ',' expected after '\"'"),
    ],
)
def test_a_row_without_an_end_can_not_be_skipped(tmp_path, text, line, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        len(CsvSource(CsvOptions(Place(str(path)), on_bad_row="skip")))
    assert str(caught.value) == (
        f"{path}:{line}  {message}, so where its row ends is unknown and it can't be skipped"
        '  double the quotes inside a cell, or set quote = "" where quotes mean nothing'
    )


def test_a_header_can_not_be_skipped(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,\xff\n1,2\n")
    with pytest.raises(DataError, match="byte 0xff is not utf-8"):
        CsvSource(CsvOptions(Place(str(path)), on_bad_row="skip")).columns()
    bare = CsvOptions(Place(str(path)), header=False, names=("x", "y"), on_bad_row="skip")
    assert CsvSource(bare).rows([0]) == [{"x": "1", "y": "2"}]


def test_a_key_that_comes_up_late_is_skipped_and_counted(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n' * 1000 + '{"b": 2}\n{"a": 3}\n')
    source = JsonlSource(JsonlOptions(Place(str(path)), on_bad_row="skip"))
    assert (len(source), source.rows([1000])) == (1001, [{"a": 3}])
    assert [str(problem) for problem in source.skipped().first] == [
        f"{path}:1001  has the key 'b', which none of the first 1,000 lines has  list the keys to read in names"
    ]


def test_a_file_of_a_folder_is_skipped_and_counted(tmp_path):
    for name, content in {
        "a/1.txt": b"one",
        "a/2.txt": b"\xff",
        "b/1.txt": b"x\n\0",
        "b/2.txt": b"two",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    source = TextFolderSource(TextFolderOptions(Place(str(tmp_path)), on_bad_row="skip"))
    assert [row["text"] for row in source.rows(range(len(source)))] == ["one", "two"]
    assert source.skipped().count == 2
    assert [(problem.file, problem.line) for problem in source.skipped().first] == [
        (str(tmp_path / "a" / "2.txt"), 1),
        (str(tmp_path / "b" / "1.txt"), 2),
    ]


def test_without_bad_rows_nothing_is_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    for mode in ("error", "skip"):
        skipped = CsvSource(CsvOptions(Place(str(path)), on_bad_row=mode)).skipped()
        assert (skipped.count, skipped.first) == (0, ())


RECIPE = """
name = "skipping"
backbone = { use = "tiny", hidden_size = 16 }
training = { length = "1st", batch_size = 4 }
[data.d]
use = "csv"
path = "t.csv"
on_bad_row = "skip"
split = { test = 0.2, by = ["text"] }
[tasks.t]
data = "d"
head = { use = "sequence-classification" }
"""


def test_what_is_skipped_reaches_the_user(tmp_path, capsys):
    (tmp_path / "r.toml").write_text(RECIPE)
    rows = "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(40))
    (tmp_path / "t.csv").write_text(f"text,label\n{rows}one,two,three\n")
    told = (
        f"data.d: 1 row that can't be read is left out: {tmp_path / 't.csv'}:42  has 3 cells where the table "
        "has 2  quote cells that hold the delimiter"
    )
    assert _code(["plan", str(tmp_path / "r.toml")]) == 0
    assert f"\nwarning: {told}\n" in capsys.readouterr().out
    assert _code(["run", str(tmp_path / "r.toml"), "--out", str(tmp_path / "runs"), "--json"]) == 0
    assert told in json.loads(capsys.readouterr().out)["warnings"]
    [events] = (tmp_path / "runs").rglob("events.jsonl")
    assert told in [json.loads(line).get("message") for line in events.read_text().splitlines()]

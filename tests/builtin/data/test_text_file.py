"""Lines of bytes: where they are, what they say, and how little is kept of them."""

import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data import text_file
from mtlkit.builtin.data.csv import CsvSource
from mtlkit.builtin.data.jsonl import JsonlSource
from mtlkit.builtin.data.options import CsvOptions, JsonlOptions
from mtlkit.builtin.data.spans import Spans
from mtlkit.builtin.data.text_file import TextFile
from mtlkit.contracts.place import Place
from mtlkit.contracts.rows import RowSpec, SplitSpec
from mtlkit.engine.rows import Rows
from mtlkit.errors import DataError

piece = st.sampled_from(
    ["a", "é", "☃", "\n", "\r", "\r\n", '"', "\u2028", "\x85", "\x1c", "\ufeff", "long text "]
)
CUT = ["utf-8", "ascii", "latin-1", "cp1252", "koi8-r", "mac-roman", "shift_jis", "gb18030", "big5", "euc_kr"]
COPIED = ["utf-16", "utf-16-le", "utf-32-be", "utf-7", "iso2022_jp", "cp037", "utf-8-sig"]


@given(st.lists(piece).map("".join), st.integers(1, 9), st.booleans())
def test_lines_are_those_of_a_text_file(tmp_path_factory, text, block, any_end):
    path = tmp_path_factory.mktemp("lines") / "t"
    path.write_bytes(text.encode())
    with path.open(encoding="utf-8-sig", newline="" if any_end else "\n") as file:
        wanted = list(file)
    whole = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_file, "BLOCK_BYTES", block)
        read = TextFile(path, "utf-8", any_end=any_end)
        found = list(read.lines())
        with read.at_places() as at:
            assert [at(start, start + len(raw)) for _, start, raw in found] == [raw for _, _, raw in found]
    assert [raw.decode() for _, _, raw in found if raw] == wanted
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert all(whole[start : start + len(raw)] == raw for _, start, raw in found)


@pytest.mark.parametrize("encoding", CUT + COPIED)
def test_a_table_is_the_same_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "t.csv"
    odd = {
        "ascii": "e",
        "shift_jis": "ー表ソ",
        "gb18030": "漢\U0001f600",
        "big5": "功許",
        "iso2022_jp": "日本",
        "koi8-r": "я",
    }
    word = odd.get(encoding, "한" if encoding == "euc_kr" else "é")
    rows = [{"a": f"{word} {number}", "b": f"{word},\r\n{word}"} for number in range(50)]
    text = "a,b\r\n" + "".join(f'{row["a"]},"{row["b"]}"\r\n' for row in rows)
    path.write_bytes(text.encode(encoding))
    read = CsvSource(CsvOptions(Place(str(path)), encoding=encoding))
    assert read.rows(range(len(read))) == rows
    assert read.rows([49, 0]) == [rows[49], rows[0]]


@pytest.mark.parametrize(
    ("encoding", "content", "line", "told"),
    [
        ("utf-16", "a\n1\n".encode("utf-16") + b"\x00\xdc\x00\x00", 3, "byte 0x00 is not utf-16"),
        ("utf-16", "a\n1\n".encode("utf-16") + b"x", 3, "byte 0x78 is not utf-16"),
        ("shift_jis", b"a\n1\n\x81\n", 3, "byte 0x81 is not shift_jis"),
        ("iso2022_jp", b"a\n\xff\n", 2, "byte 0xff is not iso2022_jp"),
    ],
)
def test_bytes_outside_an_encoding_are_named_by_line(tmp_path, encoding, content, line, told):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        len(CsvSource(CsvOptions(Place(str(path)), encoding=encoding)))
    (problem,) = caught.value.problems
    assert (problem.message, problem.file, problem.line) == (told, str(path), line)


def test_old_files_of_tables_end_lines_with_a_carriage_return(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'a,b\r1,2\r"x\ry",4\r')
    read = CsvSource(CsvOptions(Place(str(path))))
    assert read.rows(range(len(read))) == [{"a": "1", "b": "2"}, {"a": "x\ry", "b": "4"}]


def test_a_file_that_changes_while_it_is_in_use_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n2\n")
    read = CsvSource(CsvOptions(Place(str(path))))
    assert len(read) == 2
    path.write_text("a\n1\n22\n")
    with pytest.raises(DataError) as caught:
        read.rows([0])
    assert str(caught.value) == f"{path}  has changed since it was first read  start anew"


def test_a_source_works_in_a_forked_process(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("".join(["a\n", *(f"é{number}\n" for number in range(100))]).encode("utf-16"))
    read = CsvSource(CsvOptions(Place(str(path)), encoding="utf-16"))
    assert len(read) == 100
    child = os.fork()
    if not child:
        os._exit(0 if read.rows([7, 99]) == [{"a": "é7"}, {"a": "é99"}] else 1)
    assert read.rows([3]) == [{"a": "é3"}]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_row_takes_24_bytes_of_memory_however_long_it_is(tmp_path, kind):
    path = tmp_path / "t"
    text = "word " * 300
    if kind == "csv":
        path.write_text("text,label\n" + "".join(f"{number} {text},x\n" for number in range(8000)))
        source = CsvSource(CsvOptions(Place(str(path))))
    else:
        path.write_text("".join(f'{{"text": "{number} {text}"}}\n' for number in range(8000)))
        source = JsonlSource(JsonlOptions(Place(str(path))))
    Rows.load(source, RowSpec(split=SplitSpec(test=0.1)), "warm")
    source = type(source)(source._options)
    tracemalloc.start()
    try:
        rows = Rows.load(source, RowSpec(split=SplitSpec(test=0.1)), "d")
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rows.splits["train"]) > 7000
    assert held < 8000 * 30 + 60_000
    assert peak < held + path.stat().st_size / 2


def test_neighbours_are_read_together_and_files_apart(tmp_path):
    spans = Spans()
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"aabbcc")
        spans.begin(TextFile(tmp_path / name, "utf-8"))
        for start in (0, 2, 4):
            spans.add(start, start + 2)
    assert list(spans._runs([0, 1, 2, 3, 4, 1, 0, 5])) == [[0, 1, 2], [3, 4], [1], [0], [5]]
    assert list(spans.read([5, 0, 1, 2, 3])) == [(1, b"cc"), (0, b"aa"), (0, b"bb"), (0, b"cc"), (1, b"aa")]
    with pytest.raises(IndexError, match=r"^row 6 of 6$"):
        list(spans.read([6]))

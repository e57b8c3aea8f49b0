"""Shelves on disk: what was written comes back from another opening, and what is damaged does not."""

import multiprocessing
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.engine.cache import Cache
from mtlkit.engine.shelf_file import CHUNK_ROWS, CHUNK_TOKENS, SUMS, VALUES, Layout, ShelfFile
from mtlkit.engine.shelves import ABOUT, folder, kept, remove
from mtlkit.engine.store import Address, Store

LENGTHS = [1 + row % 37 for row in range(120)]
CHUNKS = Layout.of(LENGTHS).chunks
WORDS = {"words": "states of rows"}


def value_of(row, ragged=True, dtype=torch.float32):
    shape = (LENGTHS[row], 3) if ragged else (3,)
    return (torch.arange(LENGTHS[row] * 3 if ragged else 3).view(shape) + 100 * row).to(dtype)


def filled(path, ragged=True, dtype=torch.float32):
    layout = Layout.of(LENGTHS)
    shelf = ShelfFile.make(path, layout, value_of(0, ragged, dtype), WORDS)
    for number in range(CHUNKS):
        shelf.write(number, [value_of(row, ragged, dtype) for row in layout.chunk(number)])
    return shelf


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("ragged", [True, False])
def test_values_come_back_from_another_opening_bit_for_bit(tmp_path, ragged, dtype):
    filled(tmp_path / "shelf", ragged, dtype).close()
    shelf = ShelfFile.open(tmp_path / "shelf", Layout.of(LENGTHS))
    assert all(shelf.has(number) for number in range(CHUNKS))
    for row in range(len(LENGTHS)):
        assert torch.equal(shelf.row(row), value_of(row, ragged, dtype))
        assert shelf.row(row).dtype == dtype
    shelf.close()


@given(st.lists(st.integers(1, 9) | st.integers(1, 2 * CHUNK_TOKENS), max_size=100))
def test_a_layout_puts_every_row_in_one_place_shorter_rows_first(lengths):
    layout = Layout.of(lengths)
    chunks = [layout.chunk(number) for number in range(layout.chunks)]
    assert sorted(row for chunk in chunks for row in chunk) == list(range(len(lengths)))
    assert all(layout.chunk_of(row) == number for number, chunk in enumerate(chunks) for row in chunk)
    in_order = [lengths[row] for chunk in chunks for row in chunk]
    assert in_order == sorted(lengths)
    assert layout.starts(2, ragged=True)[-1] == 2 * sum(lengths)
    sizes = [sum(lengths[row] for row in chunk) for chunk in chunks]
    assert all(1 <= len(chunk) <= CHUNK_ROWS for chunk in chunks)
    assert all(len(chunk) == 1 or size <= CHUNK_TOKENS for chunk, size in zip(chunks, sizes, strict=True))
    for chunk, size, behind in zip(
        chunks, sizes, chunks[1:], strict=False
    ):  # none is smaller than it has to be
        assert len(chunk) == CHUNK_ROWS or size + lengths[behind[0]] > CHUNK_TOKENS


@settings(max_examples=40)
@given(st.data())
def test_vectors_are_those_of_the_rows_and_none_where_one_is_missing(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("shelf") / "shelf"
    layout = Layout.of(LENGTHS)
    shelf = ShelfFile.make(path, layout, value_of(0, ragged=False), WORDS)
    there = data.draw(st.sets(st.integers(0, CHUNKS - 1)))
    for number in there:
        shelf.write(number, [value_of(row, ragged=False) for row in layout.chunk(number)])
    rows = data.draw(st.lists(st.sampled_from(range(len(LENGTHS))), min_size=1, max_size=9))
    found = shelf.vectors(rows)
    if all(layout.chunk_of(row) in there for row in rows):
        assert torch.equal(found, torch.stack([value_of(row, ragged=False) for row in rows]))
    else:
        assert found is None
    shelf.close()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_bit_makes_its_chunk_missing_and_no_other(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("shelf") / "shelf"
    filled(path).close()
    name = data.draw(st.sampled_from([VALUES, SUMS]))
    content = bytearray((path / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    (path / name).write_bytes(content)
    layout = Layout.of(LENGTHS)
    shelf = ShelfFile.open(path, layout)
    starts = shelf.starts[layout.bounds[:-1]] * 4
    damaged = at // 8 if name == SUMS else max(number for number in range(CHUNKS) if starts[number] <= at)
    assert [shelf.has(number) for number in range(CHUNKS)] == [number != damaged for number in range(CHUNKS)]
    shelf.close()


def test_a_chunk_that_was_not_written_is_missing(tmp_path):
    layout = Layout.of(LENGTHS)
    shelf = ShelfFile.make(tmp_path / "shelf", layout, value_of(0), WORDS)
    assert not any(shelf.has(number) for number in range(CHUNKS))
    shelf.write(1, [value_of(row) for row in layout.chunk(1)])
    assert [shelf.has(number) for number in range(CHUNKS)] == [number == 1 for number in range(CHUNKS)]
    shelf.close()


@pytest.mark.parametrize("damage", ["rows", "about", "values", "sums", "lock", "nothing"])
def test_a_shelf_that_can_not_be_used_is_made_anew(tmp_path, damage):
    filled(tmp_path / "d").close()
    lengths = [2, *LENGTHS[1:]] if damage == "rows" else LENGTHS
    if damage == "about":
        (tmp_path / "d" / ABOUT).write_text("[]")
    if damage == "values":
        (tmp_path / "d" / VALUES).write_bytes(b"")
    if damage == "sums":
        (tmp_path / "d" / SUMS).write_bytes(bytes(8 * (CHUNKS - 1)))
    if damage == "lock":
        (tmp_path / "d" / "lock").unlink()
    cache, layout = Cache(tmp_path), Layout.of(lengths)
    found = cache.find("d", layout)
    assert (found is not None) == (damage == "nothing")
    if found is None:
        found = cache.make("d", layout, value_of(0), "words")
        assert not any(found.has(number) for number in range(CHUNKS))
    found.close()


def test_the_least_recently_used_shelves_make_room_but_not_open_ones(tmp_path):
    for name in ("first", "open", "last"):
        filled(tmp_path / name).close()
    sizes = {each.folder.name: each.size for each in kept(tmp_path)}
    held = ShelfFile.open(tmp_path / "open", Layout.of(LENGTHS))
    for name, used in (("open", 1), ("first", 2), ("last", 3)):
        import os

        os.utime(tmp_path / name / ABOUT, (used, used))
    cache = Cache(tmp_path, max_bytes=sum(sizes.values()))
    cache.make("new", Layout.of(LENGTHS), value_of(0), "words").close()
    assert {each.folder.name for each in kept(tmp_path)} == {"open", "last", "new"}
    assert not remove(tmp_path / "open")
    held.close()
    assert remove(tmp_path / "open")


def test_a_store_without_room_on_disk_goes_on_in_memory(tmp_path):
    computed = []

    def compute(chunk):
        computed.append(tuple(chunk))
        return [value_of(row) for row in chunk]

    for cache in (Cache(tmp_path, max_bytes=10), Cache(Path("/dev/null/nowhere"))):
        computed.clear()
        store = Store(cache=cache)
        for _ in range(2):
            values = store.rows(("k",), 1, LENGTHS, range(70), compute, lambda: Address("a", "words"))
            assert all(torch.equal(value, value_of(row)) for row, value in enumerate(values))
        assert len(computed) == CHUNKS
        store.close()
    assert not list(kept(tmp_path))


def _write(path, ready):
    ready.wait()
    shelf = filled(Path(path))
    shelf.close()


def test_several_processes_that_write_one_shelf_leave_a_whole_one(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    writers = [context.Process(target=_write, args=(str(tmp_path / "shelf"), ready)) for _ in range(4)]
    for writer in writers:
        writer.start()
    ready.set()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    shelf = ShelfFile.open(tmp_path / "shelf", Layout.of(LENGTHS))
    assert all(shelf.has(number) for number in range(CHUNKS))
    assert all(torch.equal(shelf.row(row), value_of(row)) for row in range(70))
    shelf.close()
    assert [path.name for path in tmp_path.iterdir()] == ["shelf"]


def test_the_folder_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path))
    assert folder() == tmp_path / "activations"
    monkeypatch.delenv("MTLKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert folder() == tmp_path / "x" / "mtlkit" / "activations"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder() == tmp_path / ".cache" / "mtlkit" / "activations"


def test_a_chunk_of_short_rows_has_so_many_and_no_more():
    layout = Layout.of([1] * (3 * CHUNK_ROWS + 1))
    assert [len(layout.chunk(number)) for number in range(layout.chunks)] == [CHUNK_ROWS] * 3 + [1]

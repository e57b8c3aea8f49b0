"""Prepared rows are found again by content alone; kept, damaged or removed, runs end in the same bytes."""

import importlib
import shutil
import sys

import numpy as np
import pytest
from engine_recipes import PAIRS, final_bytes, run_recipe, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.backbones.flat_rows import FlatTokenRows
from mtlkit.builtin.backbones.options import Tiny
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.builtin.backbones.token_batch import TokenRow
from mtlkit.engine.cache import Cache
from mtlkit.engine.shelves import ABOUT, folder, kept
from mtlkit.engine.token_shelf import LENGTHS, VALUES, TokenShelf, shelf_of

FLAT = FlatTokenRows("plain")
FIELDS = ("ids", "types", "words", "texts", "spans")
numbers = st.integers(-(2**31), 2**31 - 1)


@st.composite
def token_rows(draw):
    """Rows that all have the same fields."""
    names = draw(st.sets(st.sampled_from(FIELDS[1:])))
    rows = []
    for length in draw(st.lists(st.integers(1, 6), min_size=1, max_size=12)):
        made = {
            name: np.asarray(draw(st.lists(numbers, min_size=length, max_size=length)), np.int32)
            for name in ("ids", *sorted(names - {"spans"}))
        }
        if "spans" in names:
            made["spans"] = np.arange(2 * length, dtype=np.int32).reshape(length, 2)
        rows.append(TokenRow(**made))
    return rows


def same(left, right):
    return all(
        (one is None and other is None) or np.array_equal(one, other)
        for one, other in ((getattr(left, name), getattr(right, name)) for name in FIELDS)
    )


def filled(cache, rows, portions=2, rows_told=("digest", "train", "text")):
    shelf = TokenShelf.of(cache, FLAT, rows_told, "tokens of a test")
    writer = shelf.writer()
    for start in range(0, len(rows), portions):
        writer.add(rows[start : start + portions])
    writer.finish([len(row) for row in rows])
    return shelf


@given(token_rows(), st.integers(1, 5))
def test_rows_come_back_as_they_were(tmp_path_factory, rows, portions):
    shelf = filled(Cache(tmp_path_factory.mktemp("cache")), rows, portions)
    found = shelf.find(len(rows))
    assert found.lengths.tolist() == [len(row) for row in rows]
    assert all(same(one, other) for one, other in zip(found, rows, strict=True))
    assert all(same(one, other) for one, other in zip(found[1:], rows[1:], strict=True))
    assert shelf.find(len(rows) + 1) is None


def rows_of(count=4, **fields):
    return [TokenRow(np.arange(at + 1, dtype=np.int32), **fields) for at in range(count)]


@pytest.mark.parametrize("file", [VALUES, LENGTHS, ABOUT])
@pytest.mark.parametrize("how", ["flipped", "cut", "emptied", "gone"])
def test_what_is_damaged_is_not_used_and_made_again(tmp_path, file, how):
    cache, rows = Cache(tmp_path), rows_of()
    shelf = filled(cache, rows)
    (place,) = tmp_path.iterdir()
    content = bytearray((place / file).read_bytes())
    content[-3] ^= 8
    damaged = {"flipped": content, "cut": content[:-4], "emptied": b""}
    if how == "gone":
        (place / file).unlink()
    else:
        (place / file).write_bytes(damaged[how])
    assert shelf.find(4) is None
    assert filled(cache, rows).find(4) is not None
    assert [path.name for path in tmp_path.iterdir()] == [shelf.address]


def test_rows_that_are_not_alike_or_in_windows_are_not_kept(tmp_path):
    alike, cache = rows_of(2), Cache(tmp_path)
    other = rows_of(2, types=np.zeros(1, np.int32))
    for rows in ([*alike, *other], [alike[0], other[0]], rows_of(2, windows=(1, 1))):
        assert filled(cache, rows).find(len(rows)) is None
    assert list(tmp_path.iterdir()) == []


def test_other_rows_and_other_tokenizers_have_other_addresses(tmp_path):
    told = [("a", "train", "text"), ("b", "train", "text"), ("a", "test", "text"), ("a", "train", "x", "y")]
    flats = [TinyBackbone(Tiny(**changes)).flat() for changes in ({}, {"vocabulary": 99}, {"max_length": 9})]
    addresses = {TokenShelf.of(Cache(tmp_path), flat, rows, "").address for flat in flats for rows in told}
    assert len(addresses) == 12


def test_there_has_to_be_room_and_the_least_recently_used_makes_it(tmp_path):
    rows = rows_of(8)
    one = filled(Cache(tmp_path), rows, rows_told=("one",))
    size = sum(each.size for each in kept(tmp_path))
    two = filled(Cache(tmp_path, size), rows, rows_told=("two",))
    assert (one.find(8), two.find(8) is None) == (None, False)
    three = filled(Cache(tmp_path, size - 1), rows, rows_told=("three",))
    assert (three.find(8), list(kept(tmp_path))) == (None, [])


def test_who_is_slower_finds_what_the_other_wrote(tmp_path):
    cache, rows = Cache(tmp_path), rows_of()
    shelf = TokenShelf.of(cache, FLAT, ("x",), "")
    slow = shelf.writer()
    slow.add(rows)
    filled(cache, rows, rows_told=("x",))
    before = shelf.find(4)
    slow.finish([1, 2, 3, 4])
    assert all(same(one, other) for one, other in zip(before, shelf.find(4), strict=True))


def test_a_folder_that_can_not_be_written_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    assert filled(Cache(tmp_path / "file"), rows_of()).find(4) is None


@pytest.fixture
def prepared(monkeypatch, tmp_path):
    """The rows that a backbone prepares, with a store of the test's own."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    seen, prepare = [], TinyBackbone.prepare
    monkeypatch.setattr(TinyBackbone, "prepare", lambda self, rows: seen.extend(rows) or prepare(self, rows))
    return seen


def test_cold_warm_damaged_deleted_and_off_give_the_same_bytes(tmp_path, prepared):
    recipe = write_recipe(tmp_path, dropout=0.3, more=PAIRS, training='batching = "buckets"')
    cold, _ = run_recipe(recipe)
    asked = len(prepared)
    words = {each.words for each in kept(folder())}
    assert {"tokens of reviews, train, text", "tokens of pairs, test, body"} <= words
    prepared.clear()
    warm, _ = run_recipe(recipe)
    assert prepared == []
    for shelf in kept(folder()):
        content = bytearray((shelf.folder / VALUES).read_bytes())
        content[len(content) // 2] ^= 4
        (shelf.folder / VALUES).write_bytes(content)
    damaged, _ = run_recipe(recipe)
    assert len(prepared) == asked
    shutil.rmtree(folder())
    deleted, _ = run_recipe(recipe)
    prepared.clear()
    off, _ = run_recipe(recipe, ["training.store.max_bytes=0"])
    assert len(prepared) == asked
    for run in (warm, damaged, deleted, off):
        assert final_bytes(run) == final_bytes(cold)


def test_another_row_is_prepared_and_not_taken_for_one_that_was(tmp_path, prepared):
    recipe = write_recipe(tmp_path, more="")
    run_recipe(recipe)
    prepared.clear()
    reviews = tmp_path / "reviews.csv"
    reviews.write_text(reviews.read_text().replace("good", "goad", 1))
    run_recipe(recipe)
    assert any("goad" in text for (text,) in prepared)


STRANGER = """
from mtlkit.builtin.backbones.flat_rows import FlatTokenRows

class Whole:
    def flat(self):
        return FlatTokenRows("equal")
    def prepare(self, rows):
        return rows

class Otherwise(Whole):
    def prepare(self, rows):
        return rows[::-1]
"""


def test_rows_of_a_stranger_are_those_of_its_code(tmp_path, monkeypatch):
    """One file, then edited: another address. A class that prepares otherwise and inherits `flat` has none."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file, cache, addresses = tmp_path / "stranger_rows.py", Cache(tmp_path / "cache"), []
    for text in (STRANGER, STRANGER, f"{STRANGER}# edited\n"):
        file.write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "stranger_rows", raising=False)
        importlib.invalidate_caches()
        module = importlib.import_module("stranger_rows")
        addresses.append(shelf_of(cache, module.Whole(), ("x",), "").address)
        assert shelf_of(cache, module.Otherwise(), ("x",), "") is None
        assert shelf_of(None, module.Whole(), ("x",), "") is None
    assert addresses[0] == addresses[1] != addresses[2]

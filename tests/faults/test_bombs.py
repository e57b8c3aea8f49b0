"""Recipes that are small on disk and much work to read, to place and to put right."""

import time

import pytest
from engine_recipes import write_recipe

import mtlkit
from mtlkit.cli.main import _code
from mtlkit.engine import memory, session
from mtlkit.engine.session import preview

SECONDS = 10  # that nothing hangs; how fast it is depends on what else the process has in memory


def lines(number, line):
    return "\n".join(line.replace("#", str(each)) for each in range(number))


BOMBS = {
    "unknown keys": lines(2_900, "k#=1"),
    "long unknown keys": lines(2_900, "k" + "x" * 240 + "#=1"),
    "quoted keys": lines(2_900, '"k#' + "é" * 100 + '"=1'),
    "nearly keys": "[training]\n" + lines(2_900, "lenght#=1"),
    "tables of one name": lines(900, "[[freeze]]\nuse='gradul'\nlayrs='x'"),
    "tables of many names": lines(450, "[tasks.t#]\ndata='x'\n[tasks.t#.head]\nuse='classifcation'"),
    "a list of wrong values": "freeze=[" + "1," * 29_000 + "]",
    "lists in lists": lines(600, "k#=" + "[" * 15 + "1" + "]" * 15),
    "long strings": lines(15, "s#='" + "y" * 60_000 + "'"),
    "long keys": lines(15, "'k#" + "x" * 60_000 + "'=1"),
    "a long name of a plugin": "[backbone]\nuse='" + "x" * 65_000 + "'",
    "signs of four bytes": "name='" + "😀" * 16_000 + "'\nx='" + "😀" * 16_000 + "'",
    "nothing": "\n" * (1024 * 1024),
}
LIMITS = {
    "more than 3,000 keys that are no labels": lines(9_900, "k#=1"),
    "more than 1,000 tables": lines(900, "[a.b#.c.d.e.f.g.h.i.j]"),
    "more than 60,000 symbols": lines(2_800, ".".join(["a"] * 14) + ".k#=1"),
    "more than 10,000 keys": lines(11_000, "k#=1"),
    "nested deeper than 16 levels": "a=" + "{a=" * 17 + "1" + "}" * 17,
}


def problems(folder, text):
    file = folder / "bomb.toml"
    file.write_text(text, encoding="utf-8")
    begun = time.thread_time()
    with pytest.raises(mtlkit.RecipeError) as caught:
        mtlkit.load(file)
    assert time.thread_time() - begun < SECONDS
    return caught.value.problems


@pytest.fixture(autouse=True)
def _imported(tmp_path):
    """What is measured is not the first import of the parser and of the plugins."""
    file = tmp_path / "first.toml"
    file.write_text("nothing = 1\n[backbone]\nuse = 'x'\n")
    with pytest.raises(mtlkit.RecipeError):
        mtlkit.load(file)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(tmp_path, name):
    found = problems(tmp_path, BOMBS[name])
    assert 0 < len(found) <= 120
    assert all(problem.message and len(str(problem)) < 21_000 for problem in found)


@pytest.mark.parametrize("message", LIMITS)
def test_the_limit_that_is_passed_is_told(tmp_path, message):
    (problem,) = problems(tmp_path, LIMITS[message])
    assert (problem.message, problem.suggestion) == (message, "is this a recipe?")
    assert problem.file.endswith("bomb.toml")
    assert problem.line > 0


def test_labels_may_be_many(tmp_path):
    text = "[data.x]\nuse=1\n[data.x.labels.label]\n" + lines(9_000, "l#='x'")
    assert [problem.message for problem in problems(tmp_path, text)[:1]] == ["missing key 'backbone'"]


def test_a_run_without_end_is_refused_before_it_is_laid_out(tmp_path):
    recipe = write_recipe(tmp_path, length="999999999999st", more="")
    made = mtlkit.plan(mtlkit.load(recipe))
    begun = time.thread_time()
    with pytest.raises(mtlkit.RecipeError) as caught:
        preview(made)
    assert time.thread_time() - begun < 30
    (problem,) = caught.value.problems
    assert (problem.message, problem.suggestion, problem.path) == (
        "the run would have 999,999,999,999 steps",
        "make it shorter: at most 2,000,000",
        "training.length",
    )


FAR = "1000000000000"
NUMBERS = {
    f"training.batch_size={FAR}": "write a number of at most 1000000",
    f"training.accumulate={FAR}": "write a number of at most 1000000",
    "training.accumulate=1000000": "make it smaller: at most 10,000,000",
    f"tasks.sentiment.batch_size={FAR}": "write a number of at most 1000000",
    f"backbone.blocks={FAR}": "write a number of at most 200",
    f"backbone.hidden_size={FAR}": "write a number of at most 16384",
    f"backbone.vocabulary={FAR}": "write a number of at most 1000000",
    f"backbone.max_length={FAR}": "write a number of at most 1000000",
    f"training.max_tokens={FAR}": "",
    f"training.keep={FAR}": "",
    f"tasks.sentiment.limit={FAR}": "",
    f"data.reviews.limit.train={FAR}": "",
    "tasks.sentiment.weight=1e308": "",
    "seed=9223372036854775808": "write a smaller number",
    "lr.curve={use='expression', formula='0x" + "f" * 296 + "'}": "write at most 1e308",
    "lr.curve={use='expression', formula='" + "-" * 290 + "1'}": "",
    "lr.curve={use='step', every='0.0000001%'}": "",
    "data.reviews.fold={k=1, of=1000000000000}": "",
    "freeze={use='gradual-unfreeze', every='1st', group_size=1000000000000}": "",
}


@pytest.mark.parametrize("setting", NUMBERS)
def test_numbers_that_no_run_has_are_refused_or_harmless(tmp_path, capsys, setting):
    recipe, wanted = write_recipe(tmp_path, length="2st", more=""), NUMBERS[setting]
    begun = time.thread_time()
    code = _code(["plan", str(recipe), "--set", setting])
    told = capsys.readouterr().err
    assert time.thread_time() - begun < SECONDS
    assert code == (2 if wanted else code)
    assert code in (0, 2)
    assert wanted in told
    assert told.count("\n") == (code == 2)


@pytest.mark.parametrize("size", [10**9, 10**12, 10**18])
def test_weights_that_no_memory_holds_are_refused_before_they_are_made(tmp_path, monkeypatch, capsys, size):
    monkeypatch.setattr(memory, "total", lambda: 2**32)
    monkeypatch.setattr(session, "build", None)  # not reached
    recipe = write_recipe(tmp_path, length="2st", more="")
    head = f'tasks.sentiment.head={{use="sequence-classification", hidden=[{size}]}}'
    assert _code(["run", str(recipe), "--out", str(tmp_path / "runs"), "--set", head]) == 5
    told = capsys.readouterr().err.splitlines()[-1]
    assert ("memory; the largest is heads.sentiment.tower" in told) == (size < 10**18)
    assert "memory" in told
    assert list(tmp_path.glob("runs/*/*")) == []


def test_memory_is_that_of_the_machine_or_its_container(tmp_path, monkeypatch):
    there = memory.total()
    assert there is None or there > 2**28
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    monkeypatch.setattr(memory, "LIMITS", (str(limit), str(tmp_path / "nothere")))
    assert memory.total() == 2**20
    limit.write_text("max\n")
    assert memory.total() in (None, there) or memory.total() >= there


def test_a_table_of_very_many_columns_is_read_in_time_of_its_size(tmp_path, capsys):
    """A megabyte of commas; what is asked of each column may not go through all columns."""
    recipe, wide = write_recipe(tmp_path, length="2st", more=""), tmp_path / "wide.csv"
    for content in ("," * 1_000_000 + "\n", ",".join(f"c{at}" for at in range(100_000)) + "\n1\n"):
        wide.write_text(content)
        begun = time.thread_time()
        assert _code(["plan", str(recipe), "--set", f"data.reviews={{use='csv', path='{wide}'}}"]) in (2, 3)
        assert time.thread_time() - begun < SECONDS
        assert len(capsys.readouterr().err) < 50_000

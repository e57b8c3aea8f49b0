"""Recipes that are small on disk and much work to read, to place and to put right."""

import time

import pytest
from engine_recipes import write_recipe

import mtlkit
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

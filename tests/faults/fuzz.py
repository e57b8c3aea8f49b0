"""What `make fuzz` runs: 10,000 recipes, and 2,000 that are one mistake away from valid."""

from collections import Counter

import pytest
from fuzzing import fuzz
from hypothesis import HealthCheck, given, settings

import mtlkit
from mtlkit.testing.strategies import nearly_valid_recipes
from mtlkit.testing.strategies.recipes import write_rows


@pytest.mark.parametrize("seed", range(10))
def test_no_recipe_makes_a_traceback_a_hang_or_a_file(tmp_path, seed):
    assert sum(fuzz(tmp_path, 1000, seed).values()) == 1000


def test_a_mistake_is_named_and_a_slip_put_right(tmp_path):
    write_rows(tmp_path)
    seen = Counter()

    @settings(max_examples=2000, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(nearly_valid_recipes())
    def check(drawn):
        text, path, right = drawn
        (tmp_path / "wrong.toml").write_text(text)
        try:
            mtlkit.load(tmp_path / "wrong.toml")
            problems = ()
        except mtlkit.RecipeError as error:
            problems = error.problems
        found = [problem for problem in problems if problem.path == path]
        seen["all"] += 1
        seen["named"] += bool(found)
        seen["slips"] += bool(right)
        seen["put right"] += bool(right) and any(repr(right) in problem.suggestion for problem in found)

    check()
    assert seen["all"] >= 1900
    assert seen["named"] >= 0.99 * seen["all"]
    assert seen["put right"] >= 0.95 * seen["slips"]

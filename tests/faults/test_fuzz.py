"""A sample of `make fuzz`."""

from fuzzing import fuzz


def test_no_recipe_makes_a_traceback_a_hang_or_a_file(tmp_path):
    told = fuzz(tmp_path, 240, seed=1)
    assert told["refused"] > 180
    assert told["accepted"] > 0

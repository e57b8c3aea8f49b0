import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.contracts.globs import Glob

TEXTS = st.text(alphabet="ab.1[", max_size=12)
PATTERNS = st.text(alphabet="ab.1[*?", max_size=12)


def as_regex(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in pattern)


@given(PATTERNS, TEXTS)
def test_means_what_the_regular_expression_means(pattern, name):
    expected = re.fullmatch(as_regex(pattern), name, re.DOTALL) is not None
    assert Glob(pattern).matches(name) is expected


@given(TEXTS, st.data())
def test_a_name_with_parts_replaced_by_wildcards_matches_itself(name, data):
    pattern = "".join(data.draw(st.sampled_from((mark, "?", "*", f"*{mark}"))) for mark in name)
    assert Glob(pattern).matches(name)


def test_layer_1_is_not_layer_10():
    glob = Glob("backbone.encoder.layer.1.*")
    assert glob.matches("backbone.encoder.layer.1.output.weight")
    assert not glob.matches("backbone.encoder.layer.10.output.weight")
    assert not Glob("layer.1").matches("backbone.encoder.layer.1")


@pytest.mark.parametrize("pattern", ["*a" * 200 + "*b", "*a?" * 200 + "*b", "*" + "?a" * 500 + "b*"])
def test_no_pattern_explodes(pattern):
    start = time.process_time()
    assert not Glob(pattern).matches("a" * 5000)
    assert time.process_time() - start < 5


def test_many_patterns_over_many_names():
    names = [
        f"backbone.encoder.layer.{number}.{part}.{leaf}"
        for number in range(100)
        for part in ("query", "key", "value", "out", "norm", "up", "down", "gate", "mix", "last")
        for leaf in ("weight", "bias")
    ]
    rng = random.Random(13)

    def pattern() -> str:
        marks = list(rng.choice(names))
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(marks))
            marks[place : place + rng.randint(0, 8)] = [rng.choice("*?*")]
        return "".join(marks)

    globs = [Glob(pattern()) for _ in range(10_000)]
    start = time.process_time()
    matches = sum(glob.matches(name) for glob in globs[:2000] for name in names)
    assert matches >= 2000
    assert time.process_time() - start < 10

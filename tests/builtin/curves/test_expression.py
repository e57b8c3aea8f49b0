import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.expression import NAMES, Expression
from mtlkit.builtin.curves.formula import FUNCTIONS, read
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.curves.polynomial import Polynomial
from mtlkit.contracts.duration import Duration
from mtlkit.testing.strategies import progresses

TEN = Duration(10, "st")
TWINS = {
    "1 - share": Linear(warmup=TEN),
    "(1 + cos(pi * share)) / 2": Cosine(warmup=TEN),
    "(1 - share) ** 2": Polynomial(2.0, warmup=TEN),
    "(steps - step) / max(1, steps)": Linear(warmup=TEN),
}


@pytest.mark.parametrize("formula", TWINS)
@given(progresses(), st.integers(0, 50))
def test_a_formula_is_the_curve_that_it_writes_down(formula, progress, age):
    if progress.total <= 10 and "steps" in formula:
        return  # no step is left after the warm-up
    expected = TWINS[formula].factor(progress, age)
    assert Expression(formula, warmup=TEN).factor(progress, age) == pytest.approx(expected, abs=1e-12)


@given(progresses(), st.floats(0, 1), st.sampled_from(("3 - 5 * share", "sin(9 * share)", "2")))
def test_between_the_floor_and_1(progress, floor, formula):
    assert floor <= Expression(formula, floor).factor(progress, 0) <= 1


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        ("2 + 3 * 4 - 6 / 3", {}, 12),
        ("-share ** 2", {"share": 3.0}, -9),
        ("1 if epoch < 2 else 0.1 ** (epoch - 1)", {"epoch": 3.0}, 0.01),
        ("max(1, step, 2) + min(share)", {"step": 5.0, "share": 1.0}, 6),
        ("floor(2.7) + abs(-1) + sqrt(4) + exp(0) + log(1)", {}, 6),
        ("9 ** 9 ** 9", {}, math.nan),
        ("1 / 0", {}, math.nan),
        ("log(0)", {}, math.nan),
        ("(-1) ** 0.5", {}, math.nan),
    ],
)
def test_values(formula, values, expected):
    assert read(formula, NAMES)(values) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("1 -", "the formula '1 -' can't be read; write such as (1 + cos(pi * share)) / 2"),
        ("shares", "there is no 'shares' in a formula; there are share, step, epoch, steps, epochs, pi"),
        ("tan(1)", f"there is no function 'tan' in a formula; there are {', '.join(FUNCTIONS)}"),
        ("cos(1, 2)", "cos takes one number, not 2"),
        ("min()", "min takes one number or more, not 0"),
        ("__import__('os')", "is not allowed in a formula"),
        ("share.real", "'share.real' is not allowed in a formula; it may have numbers, names, + - * / **, if and else"),
        ("[1][0]", "'[1][0]' is not allowed"),
        ("lambda: 1", "'lambda: 1' is not allowed"),
        ("True", "'True' is not allowed"),
        ("1j", "'1j' is not allowed"),
        ("1 / step", "the formula '1 / step' has no value at share 0 of a run"),
        ("1 + " * 100 + "1", "the formula has 401 characters; write at most 300"),
        ("(" * 150 + "1" + ")" * 149, "can't be read"),
    ],
)  # fmt: skip
def test_what_is_refused(formula, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Expression(formula)

"""What all curves have in common, and what is refused."""

import math
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.cosine_restarts import CosineRestarts
from mtlkit.builtin.curves.exponential import Exponential
from mtlkit.builtin.curves.inverse_sqrt import InverseSqrt
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.curves.multistep import Multistep
from mtlkit.builtin.curves.one_cycle import OneCycle
from mtlkit.builtin.curves.plateau import Plateau
from mtlkit.builtin.curves.polynomial import Polynomial
from mtlkit.builtin.curves.sequence import Piece, Sequence
from mtlkit.builtin.curves.step import Step
from mtlkit.builtin.curves.triangular import Triangular
from mtlkit.builtin.curves.warmup_stable_decay import WarmupStableDecay
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import durations, progresses

shares = st.floats(0, 1)
some = durations().filter(lambda duration: duration.amount > 0)
pieces = st.lists(
    st.builds(
        Piece, some, st.floats(0.01, 1), st.sampled_from(("constant", "linear", "cosine", "exponential"))
    ),
    max_size=4,
).map(lambda drawn: (Piece(Duration(1, "st"), 1.0, "constant"), *drawn))
CURVES = {
    "constant": st.builds(Constant, durations()),
    "linear": st.builds(Linear, shares, durations()),
    "cosine": st.builds(Cosine, shares, durations()),
    "polynomial": st.builds(Polynomial, st.floats(0.1, 5), shares, durations()),
    "inverse-sqrt": st.builds(InverseSqrt, durations(), st.none() | some, shares),
    "cosine-restarts": st.builds(
        CosineRestarts, st.integers(1, 30), st.floats(1, 5), st.floats(0.1, 1), shares, durations()
    ),
    "warmup-stable-decay": st.builds(
        WarmupStableDecay, durations(), st.sampled_from(("linear", "cosine", "sqrt")), shares, durations()
    ),
    "one-cycle": st.builds(
        OneCycle,
        durations(),
        st.floats(0.5, 1),
        st.floats(0, 0.5),
        st.sampled_from(("linear", "cosine")),
        st.booleans(),
    ),
    "triangular": st.builds(
        Triangular,
        durations(),
        st.sampled_from(("triangular", "triangular2", "exp_range")),
        st.floats(0.1, 1),
        st.floats(0.1, 0.9),
        shares,
        durations(),
    ),
    "step": st.builds(Step, some, st.floats(0.01, 1), shares, durations()),
    "multistep": st.builds(
        Multistep, st.lists(some, min_size=1, max_size=3).map(tuple), st.floats(0.01, 1), shares, durations()
    ),
    "exponential": st.builds(Exponential, st.floats(0.01, 1), some, shares, durations()),
    "plateau": st.builds(Plateau, st.just("t/x"), floor=shares, warmup=durations()),
    "sequence": st.builds(Sequence, pieces, st.just(1.0), durations()),
}
ANY = st.one_of(*CURVES.values())
NO_WARMUP = Duration(0, "st")


def test_all_curves_are_here_and_share_their_options():
    assert len(CURVES) == 14
    shared = {"warmup", "rewarm", "rewarm_scope"}
    classes = [Constant, Linear, Cosine, Polynomial, InverseSqrt, CosineRestarts, WarmupStableDecay, OneCycle]
    classes += [Triangular, Step, Multistep, Exponential, Plateau, Sequence]
    for cls in classes:
        names = {field.name for field in attrs.fields(cls)}
        assert shared <= names
        assert ("floor" in names) == (cls not in (Constant, Sequence))


@given(ANY, durations(), progresses(), st.integers(0, 1000))
def test_pure_finite_and_between_0_and_1(curve, rewarm, progress, age):
    curve = attrs.evolve(curve, rewarm=rewarm)
    found = curve.factor(progress, age)
    assert math.isfinite(found)
    assert 0 <= found <= 1 + 1e-12
    assert attrs.evolve(curve).factor(progress, age) == found


@given(ANY, durations(), st.integers(0, 150), st.integers(1, 50), st.data())
def test_constant_after_the_end(curve, rewarm, total, per_epoch, data):
    curve = attrs.evolve(curve, rewarm=rewarm)
    thaw = data.draw(st.integers(0, total))
    end = curve.factor(Progress(total, total, per_epoch), total - thaw)
    for step in (total + 1, total + 5, 3 * total + 1, 10**9):
        assert curve.factor(Progress(step, total, per_epoch), step - thaw) == end


@pytest.mark.parametrize("name", [name for name in CURVES if name != "sequence"])
@given(st.data(), st.integers(0, 60))
def test_the_peak_is_1_exactly(name, data, warmup):
    given_curve = data.draw(CURVES[name])
    length = Duration(max(1, warmup) if name == "one-cycle" else warmup, "st")
    curve = attrs.evolve(given_curve, warmup=length)
    total = 400
    found = [curve.factor(Progress(step, total, 40), step) for step in range(total + 1)]
    if name == "triangular" and not warmup:  # its first peak may lie beyond the run
        period = max(2, Progress(0, total, 40).steps(curve.period))
        if round(curve.rise * period) > total:
            return
    assert max(found) == pytest.approx(1, abs=1e-15)
    if warmup and name not in ("one-cycle",):
        assert found[: warmup + 1] == pytest.approx([step / warmup for step in range(warmup + 1)])


@given(ANY)
def test_one_peak_where_a_curve_says_so(curve):
    if not getattr(curve, "one_peak", False):
        return
    found = [curve.factor(Progress(step, 120, 12), step) for step in range(121)]
    top = found.index(max(found))
    assert all(after >= before - 1e-12 for before, after in pairwise(found[: top + 1]))
    assert all(after <= before + 1e-12 for before, after in pairwise(found[top:]))


@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_falls_end_at_the_floor(floor):
    ends = [
        Linear(floor),
        Cosine(floor),
        Polynomial(2.0, floor),
        CosineRestarts(3, 2.0, 0.5, floor),
        WarmupStableDecay(floor=floor),
        OneCycle(start=0.3, floor=floor),
        OneCycle(start=0.3, floor=floor, three_phase=True),
    ]
    for curve in ends:
        assert curve.factor(Progress(100, 100, 10), 100) == pytest.approx(floor, abs=1e-12)


def test_restarts_get_longer_and_lower():
    curve = CosineRestarts(3, t_mult=2.0, decay=0.5, floor=0.2)
    found = [curve.factor(Progress(step, 70, 7), step) for step in range(71)]
    assert [found[step] for step in (0, 10, 30)] == pytest.approx([1, 0.6, 0.4])
    rises = [step for step in range(1, 71) if found[step] > found[step - 1] + 1e-12]
    assert rises == [10, 30]


def test_a_warm_up_takes_the_place_of_the_first_rise_of_a_triangle():
    curve = Triangular(Duration(10, "st"), floor=0.5, warmup=Duration(4, "st"))
    found = [curve.factor(Progress(step, 40, 4), step) for step in range(20)]
    assert found[:5] == [0, 0.25, 0.5, 0.75, 1]
    assert found[4:15] == pytest.approx([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.6, 0.7, 0.8, 0.9, 1])


def test_pieces_follow_each_other():
    curve = Sequence(
        (
            Piece(Duration(4, "st"), 1.0),
            Piece(Duration(2, "st"), 1.0, "constant"),
            Piece(Duration(4, "st"), 0.5, "cosine"),
            Piece(Duration(2, "st"), 0.125, "exponential"),
        ),
        start=0.0,
    )
    found = [curve.factor(Progress(step, 30, 3), step) for step in range(15)]
    middle = 0.5 + 0.25 * (1 + math.cos(math.pi / 4))
    assert found[:4] == [0, 0.25, 0.5, 0.75]
    assert found[4:7] == [1, 1, 1]
    assert found[7] == pytest.approx(middle)
    assert found[8] == pytest.approx(0.75)
    assert found[10:] == pytest.approx([0.5, 0.25, 0.125, 0.125, 0.125])


@given(durations(), st.integers(1, 80), st.integers(1, 30), st.floats(0.1, 1))
def test_a_sequence_can_be_linear(warmup, total, per_epoch, floor):
    fall = Sequence((Piece(Duration(total, "st"), floor),))
    for step in range(total + 1):
        progress = Progress(step, total, per_epoch)
        assert fall.factor(progress, 0) == pytest.approx(Linear(floor).factor(progress, 0))


REFUSED = [
    (lambda: Step(NO_WARMUP), "every is '0st'; a stair must be longer than nothing"),
    (lambda: Exponential(every=NO_WARMUP), "every is '0st'; it must be longer than nothing"),
    (lambda: InverseSqrt(timescale=NO_WARMUP), "timescale is '0st'; it must be longer than nothing"),
    (lambda: Multistep(()), "milestones is empty; write at least one, or use the curve 'constant'"),
    (lambda: Multistep((NO_WARMUP,)), "a milestone is '0st'; it must come after the start"),
    (
        lambda: OneCycle(start=0.1, floor=0.2, three_phase=True),
        "floor is 0.2 and start 0.1; the third phase falls from start to floor",
    ),
    (lambda: Sequence(()), "pieces is empty; write at least one, or use the curve 'constant'"),
    (lambda: Piece(NO_WARMUP, 0.5), "length is '0st'; a piece must be longer than nothing"),
    (
        lambda: Sequence((Piece(Duration(1, "ep"), 0.0, "exponential"),)),
        "piece 1 is exponential, from 1.0 to 0.0; neither may be 0",
    ),
    (
        lambda: Sequence((Piece(Duration(1, "ep"), 1.0),), 0.5, Duration(1, "st")),
        "start is 0.5, and a warm-up ends at 1; write the rise as a piece instead",
    ),
    (
        lambda: Sequence((Piece(Duration(1, "ep"), 0.5, "constant"),)),
        "no step has the factor 1: the rates of the recipe are those of the peak",
    ),
    (
        lambda: Sequence((Piece(Duration(1, "ep"), 1.0), Piece(Duration(1, "ep"), 0.5, "constant")), 0.0),
        "no step has the factor 1: the rates of the recipe are those of the peak",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=r".") as caught:
        make()
    assert str(caught.value) == message

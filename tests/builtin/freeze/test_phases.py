import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import param_tables


def ends(*texts: str) -> tuple[PhaseSpec, ...]:
    return tuple(PhaseSpec(Duration.parse(text) if text else None) for text in texts)


def test_phases_begin_where_the_one_before_ends():
    policy = Phases((PhaseSpec(Duration(1, "ep"), name="heads"), *ends("50%", "")))
    asked = [policy.phase(Progress(step, 100, 10)) for step in (0, 9, 10, 49, 50, 99, 100, 10**9)]
    assert asked == ["heads", "heads", 1, 1, 2, 2, 2, 2]


def test_a_phase_that_ends_before_the_one_ahead_never_begins():
    policy = Phases(ends("2ep", "5st", ""))
    assert {policy.phase(Progress(step, 100, 10)) for step in range(100)} == {0, 2}


@given(param_tables())
def test_each_phase_freezes_its_own(table):
    policy = Phases(
        (PhaseSpec(Duration(1, "ep"), ("backbone",), "probe"), PhaseSpec(None, ("embeddings", "heads")))
    )
    for row in table:
        assert policy.trainable(row, table, "probe") is (row.role == "head")
        assert policy.trainable(row, table, 1) is (row.role in ("block", "final"))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True).map(sorted))
def test_time_never_runs_backwards(untils):
    specs = (*(PhaseSpec(Duration(until, "st")) for until in untils), PhaseSpec())
    asked = [Phases(specs).phase(Progress(step, 400, 10)) for step in range(402)]
    assert asked == [sum(step >= until for until in untils) for step in range(402)]


def test_reports_selectors_and_tasks_once():
    policy = Phases(
        (PhaseSpec(Duration(1, "ep"), ("backbone", "head.a")), PhaseSpec(None, ("head.a", "head.b & *")))
    )
    assert policy.patterns() == ("backbone", "head.a", "head.b & *")
    assert policy.tasks() == ("a", "b")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Phases(()), "phases is empty; write at least one phase"),
        (lambda: Phases(ends("1ep")), "phase 1 of 1 is the last one and may not have an until"),
        (lambda: Phases(ends("", "")), "phase 1 of 2 is not the last one and needs an until"),
        (lambda: Phases(ends("2ep", "2ep", "")), "phase 2 ends at '2ep'; it must end after '2ep'"),
        (lambda: Phases(ends("2ep", "50%", "1ep", "")), "phase 3 ends at '1ep'; it must end after '2ep'"),
        (lambda: Phases(ends("0st", "")), "phase 1 ends at '0st'; it must end after '0st'"),
        (
            lambda: Phases((PhaseSpec(Duration(1, "ep"), name="a"), PhaseSpec(name="a"))),
            "two phases are named 'a'; names must differ",
        ),
        (
            lambda: PhaseSpec(freeze=("block",)),
            "selector 'block', position 1: unknown word 'block'; did you mean 'blocks'?",
        ),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=r".") as caught:
        build()
    assert str(caught.value) == message

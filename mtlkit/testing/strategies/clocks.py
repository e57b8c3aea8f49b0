"""Lengths of training, moments of runs, whole runs, and where runs are cut short."""

from hypothesis import strategies as st

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies.metrics import metric_logs

FAR = 10**9


def durations() -> st.SearchStrategy[Duration]:
    """Durations of each unit, nothing and fractions of epochs included."""
    return st.one_of(
        st.builds(Duration, st.integers(0, 40).map(lambda quarters: quarters / 4), st.just("ep")),
        st.builds(Duration, st.integers(0, 500).map(float), st.just("st")),
        st.builds(Duration, st.integers(0, 200).map(lambda halves: halves / 2), st.just("%")),
    )


@st.composite
def progresses(draw: st.DrawFn, max_total: int = 500) -> Progress:
    """Moments of runs of 0 to `max_total` steps, the end and far beyond it included."""
    total = draw(st.integers(0, max_total))
    step = draw(st.one_of(st.integers(0, total), st.integers(total, 2 * total), st.just(FAR)))
    return Progress(step, total, draw(st.integers(1, max(1, total))))


@st.composite
def walks(
    draw: st.DrawFn, tasks: tuple[str, ...] = ("sentiment", "news"), max_total: int = 60
) -> tuple[Progress, ...]:
    """The moments of one run of 0 to `max_total` steps, in order: step 0 first, beyond the end last.

    Either every step or some of them. Each moment knows of one metric log what was measured by then.
    """
    total = draw(st.integers(0, max_total))
    per_epoch = draw(st.integers(1, max(1, total)))
    beyond = draw(st.one_of(st.integers(total + 1, 2 * total + 2), st.just(FAR + total)))
    every = st.just(list(range(1, total + 1)))
    some = st.lists(st.integers(1, total), max_size=8, unique=True).map(sorted) if total else every
    log = draw(metric_logs(tasks, max_step=total))
    steps = [0, *draw(st.one_of(some, every)), beyond]
    return tuple(
        Progress(step, total, per_epoch, tuple(entry for entry in log if entry.step <= step))
        for step in steps
    )


def interruptions(total: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Where a run of `total` steps is stopped: increasing steps from 0 to `total`, none to four of them.

    A run may be stopped before its first step, after its last, and after each of two steps in a row.
    """
    return st.lists(st.integers(0, total), max_size=4, unique=True).map(lambda steps: tuple(sorted(steps)))

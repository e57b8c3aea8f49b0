"""Logs of measured metrics, as untidy as runs make them."""

from math import inf, nan

from hypothesis import strategies as st

from mtlkit.contracts.progress import Measurement

NAMES = ("accuracy", "macro-f1", "loss")
ODD = (nan, inf, -inf, 0.0, 1.0)


@st.composite
def metric_logs(
    draw: st.DrawFn, tasks: tuple[str, ...] = ("sentiment", "news"), max_step: int = 60, max_size: int = 16
) -> tuple[Measurement, ...]:
    """Metric logs of these tasks, in the order of their steps, 0 to `max_step`.

    Several metrics may be measured after one step or only one of them, and one metric may be there twice
    for a step, with the same value or another. Steps have gaps. Values may be NaN or infinite.
    """
    metrics = [f"{task}/{name}" for task in tasks for name in NAMES]
    if not metrics:
        return ()
    values = st.one_of(st.floats(0, 1, allow_subnormal=False), st.floats(-4, 4), st.sampled_from(ODD))
    entry = st.builds(Measurement, st.integers(0, max_step), st.sampled_from(metrics), values)
    entries = sorted(draw(st.lists(entry, max_size=max_size)), key=lambda each: each.step)
    twice = draw(st.integers(0, 2 * len(entries)))
    if twice < len(entries):
        again = entries[twice]
        value = draw(st.one_of(st.just(again.value), values))
        entries.insert(twice + 1, Measurement(again.step, again.metric, value))
    return tuple(entries)

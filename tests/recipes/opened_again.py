"""A finished run opened again: it measures what it measured, and a row is predicted alone as among others."""

import pytest

import mtlkit

ROWS = 6
ROUNDING = 1e-5


def check_opened(result, plan):
    """Evaluate the run again, and predict some of its rows together, backwards and one by one."""
    run = mtlkit.open_run(result.run_dir)
    split, scores = run.evaluate()
    assert split == result.split
    told = {name: metric.value for name, metric in result.metrics.items()}
    assert {name: score.value for name, score in scores.items()} == pytest.approx(told, abs=ROUNDING)
    data = mtlkit.api.preview(plan).data
    for task in run.tasks:
        rows = data[plan.task(task).data].all("test")[:ROWS]
        together = run.predict(task, rows)
        assert alike(together, run.predict(task, rows[::-1])[::-1])
        assert alike(together, [run.predict(task, [row])[0] for row in rows])


def alike(first, second):
    """Whether predictions are equal, numbers but for rounding, scores included."""
    if isinstance(first, float) and isinstance(second, float):
        return first == pytest.approx(second, abs=ROUNDING, nan_ok=True)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if hasattr(first, "tolist"):
        return alike(first.tolist(), second.tolist())
    if hasattr(first, "scores") and not alike(dict(first.scores), dict(second.scores)):
        return False
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(alike, first, second))
    return first == second

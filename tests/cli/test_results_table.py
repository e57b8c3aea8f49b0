"""The table that a run ends with."""

from pathlib import Path

from mtlkit.cli.run import results_table
from mtlkit.outputs.result import Best, Metric, Result

SHOWN = """
task  metric    value  95 % interval   untrained  rows
a     accuracy  0.750  [0.500, 1.000]  0.250      8

best of  by          validation  step  kept as
the run  a/accuracy  0.800       4     step-00000004
a        a/accuracy  0.800       4

stopped early: a/accuracy was no better in 2 evaluations in a row
8 steps; frozen weights: unchanged, bit for bit; results on test rows
runs/x/1"""


def result(best, early, metrics):
    return Result(
        Path("runs/x/1"), 8, "test" if metrics else "", metrics, "unchanged", (), best, early, lambda: None
    )


def test_the_best_evaluations_and_why_it_ended_early():
    best = {
        "a": Best(4, "a/accuracy", 0.8, ""),
        "": Best(4, "a/accuracy", 0.8, "checkpoints/step-00000004"),
    }
    early = "a/accuracy was no better in 2 evaluations in a row"
    assert results_table(result(best, early, {"a/accuracy": Metric(0.75, 0.5, 1.0, 0.25, 8)})) == SHOWN


def test_a_run_without_evaluations():
    assert results_table(result({}, "", {})).splitlines() == [
        "",
        "no held-out rows: nothing was measured",
        "",
        "8 steps; frozen weights: unchanged, bit for bit; results on no rows",
        "runs/x/1",
    ]

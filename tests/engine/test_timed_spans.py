"""Spans: every moment belongs to one name, nothing is recorded unasked, and a run is the same with them."""

import json
import time

import pytest
from engine_recipes import final_bytes, run_recipe, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.cli.main import main
from mtlkit.cli.profile import MEANINGS, TRACE, profile_table, write_trace
from mtlkit.engine import spans
from mtlkit.engine.spans import REST, WHOLE, Recorder, Span, recording, span, spanned

NAMES = ("data", "tail", "evaluation", "saving", "step")
trees = st.recursive(
    st.just([]), lambda inner: st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=3), max_leaves=12
)
ticks = st.lists(st.floats(0, 10), min_size=200, max_size=200)


class Clock:
    """A clock that goes on by these amounts, one at each look."""

    def __init__(self, steps):
        self.now, self.steps = 0.0, iter(steps)

    def __call__(self):
        self.now += next(self.steps, 1.0)
        return self.now


def walk(tree):
    for name, inner in tree:
        with span(name):
            walk(inner)


@given(trees, ticks)
def test_the_sums_are_the_whole_time(tree, steps):
    clock = Clock(steps)
    with recording(clock) as recorder:
        walk(tree)
    assert sum(recorder.sums.values()) == pytest.approx(clock.now - recorder.begun)
    for each in recorder.spans:
        assert 0 <= each.start <= each.end
    assert all(seconds >= 0 for seconds in recorder.sums.values())


def test_time_belongs_to_the_innermost_span_or_to_the_outermost_whole_one():
    with recording(Clock([])) as recorder:  # a second passes between two looks
        with span("step"), span("data"):
            pass
        with span("evaluation"), span("tail"), span("saving"):
            pass
    assert recorder.sums == {REST: 3.0, "step": 2.0, "data": 1.0, "evaluation": 5.0}
    assert [each.name for each in recorder.spans] == ["data", "step", "saving", "tail", "evaluation"]
    assert recorder.spans[0] == Span("data", 2.0, 3.0)
    assert {"evaluation", "saving"} < WHOLE


def test_what_is_stored_is_stem_to_its_end():
    with recording(Clock([])) as recorder:
        with span("stem"), span("data"):
            pass
        with span("stem"), span("tail"):
            pass
    assert recorder.sums == {REST: 3.0, "stem": 5.0, "data": 1.0}


def test_a_span_that_fails_ends_too():
    with recording(Clock([])) as recorder:
        with pytest.raises(ValueError, match="wrong"), span("data"):
            raise ValueError("wrong")
        with span("step"):
            pass
    assert recorder.sums == {REST: 3.0, "data": 1.0, "step": 1.0}


def test_nothing_is_recorded_unasked_and_the_clock_is_not_read(monkeypatch):
    monkeypatch.setattr(Recorder, "span", None)

    @spanned("data")
    def double(number, *, plus=0):
        """Twice the number."""
        return 2 * number + plus

    assert double(3, plus=1) == 7
    assert double.__doc__ == "Twice the number."
    assert span("data") is span("tail")


def test_only_so_many_spans_are_kept_and_all_of_them_counted(monkeypatch):
    monkeypatch.setattr(spans, "MOST_KEPT", 3)
    with recording(Clock([])) as recorder:
        for _ in range(5):
            with span("data"):
                pass
    assert (len(recorder.spans), recorder.sums["data"]) == (3, 5.0)


def test_a_run_that_is_recorded_ends_in_the_same_bytes_and_adds_up(tmp_path):
    freeze = '[freeze]\nuse = "bottom-layers"\nlayers = 1\n'
    path = write_recipe(tmp_path, freeze=freeze, length="1ep")
    plain, _ = run_recipe(path)
    began = time.perf_counter()
    with recording(time.perf_counter) as recorder:
        recorded, _ = run_recipe(path, ["training.store.max_bytes=0"])
    wall = time.perf_counter() - began
    assert final_bytes(recorded) == final_bytes(plain)
    assert sum(recorder.sums.values()) == pytest.approx(wall, rel=0.02)
    steps = {"data", "stem", "tail", "heads", "backward", "optimizer", "step"}
    assert set(recorder.sums) == steps | {"start", "evaluation", "saving", "freezing", "rest"}
    assert set(recorder.sums) == set(MEANINGS)
    lines = profile_table(recorder).splitlines()
    assert [line.split()[0] for line in lines if line.split()[0] in MEANINGS] == list(MEANINGS)
    assert lines[-1].split()[0] == "all"
    events = json.loads(write_trace(recorder, tmp_path).read_text())["traceEvents"]
    assert len(events) == len(recorder.spans)
    names = [event["name"] for event in events]
    assert names.count("step") == names.count("optimizer") == recorded.steps
    assert all(event["ph"] == "X" and event["ts"] >= 0 and event["dur"] >= 0 for event in events)


def test_the_command_tells_and_writes_where_it_is_asked(tmp_path, capsys):
    path = write_recipe(tmp_path, length="2st", more="")
    for asked in ((), ("--profile",)):
        with pytest.raises(SystemExit) as left:
            main(["run", str(path), "--out", str(tmp_path / "runs"), "--json", *asked])
        out, err = capsys.readouterr()
        assert left.value.code == 0
        trace = (tmp_path / "runs").glob(f"*/*/{TRACE}")
        run_dir = json.loads(out)["run"]
        assert [str(file.parent) for file in trace] == ([run_dir] if asked else [])
        assert ("optimizer" in err) == bool(asked)

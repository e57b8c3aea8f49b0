"""What `mtlkit prove` tries, and that it finds a difference; the whole of it is in long.py."""

from pathlib import Path

from engine_recipes import write_recipe
from hypothesis import given
from hypothesis import strategies as st

from mtlkit import proving
from mtlkit.cli.main import _code
from mtlkit.proving import MOST_POINTS, Subject, Trial, points, prove


@given(st.integers(1, 200), st.lists(st.integers(1, 200), max_size=8))
def test_points_lie_inside_the_run_and_are_not_many(steps, borders):
    found = points(steps, borders)
    assert found == sorted(set(found))
    assert all(1 <= step < steps for step in found)
    assert len(found) <= MOST_POINTS


def test_points_are_around_phase_changes():
    assert points(40, [10, 30]) == [1, 9, 10, 11, 20, 29, 30, 39]
    assert points(40, [10]) == [1, 9, 10, 11, 20, 39]
    assert points(1, []) == []


def test_a_trial_says_which_files_differ(tmp_path, monkeypatch):
    def run(subject, out, step, how):
        last = out / "small" / "1" / "checkpoints" / "step-00000004"
        last.mkdir(parents=True)
        for name in proving.COMPARED:
            (last / name).write_text("the same" if name != "state.json" else f"{step}")
        (out / "small" / "1" / "recipe.toml").write_text("")
        (out / "small" / "1" / "resumes.jsonl").write_text('{"step": 1}\n{"step": 2}\n')
        (out / "small" / "1" / "events.jsonl").write_text("the same")

    monkeypatch.setattr(proving, "_run", run)
    monkeypatch.setattr(proving, "_wait", lambda *_: None)
    subject = Subject(Path("r.toml"), ("seed=1",), (), 4, tmp_path)
    assert subject.settings() == ("seed=1", "training.length=4st", "training.checkpoint_every=1st")
    assert list(prove(subject, [])) == [
        Trial(1, "SIGKILL", 2, ("state.json",)),
        Trial(2, "SIGTERM", 2, ("state.json",)),
        Trial(3, "SIGKILL", 2, ("state.json",)),
    ]


def test_a_proof_of_nothing_is_none(tmp_path, capsys):
    words = ["prove", str(write_recipe(tmp_path)), "--steps", "1", "--out", str(tmp_path / "runs")]
    assert _code(words) == 2
    assert capsys.readouterr().err == "a run of one step is never interrupted  take --steps 2 or more\n"

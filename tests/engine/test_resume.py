"""A run that was stopped, or killed, goes on and ends with the bytes of one that never stopped."""

import json
import shutil

import pytest
from engine_recipes import run_recipe, write_recipe

import mtlkit
from mtlkit.api import preview, resume, run_prepared
from mtlkit.contracts.events import Evaluated, PhaseStarted, Resumed, StepDone
from mtlkit.engine.checkpoint import read, verify
from mtlkit.engine.stopping import Stop
from mtlkit.errors import RecipeError, ResourceError, StoppedError

SAVING = 'checkpoint_every = "3st"\nevaluate_every = "2st"'
PHASED = (
    '[freeze]\nuse = "phases"\nphases = [{ until = "2st", freeze = ["backbone"] }, '
    '{ until = "4st", freeze = ["heads"] }, { freeze = ["embeddings", "blocks[0]"] }]\n'
)
ENDED = "step-00000012"


class Killed(BaseException):
    """What stands for the end of the process: nothing but closing happens after it."""


def content(run_dir):
    """The event log and every file of the checkpoints that are there, as bytes."""
    files = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in run_dir.glob("checkpoints/*/*")}
    return {**files, "events.jsonl": (run_dir / "events.jsonl").read_bytes()}


def interrupted(path, at, kind=StepDone, *, kill=False, overrides=()):
    """The directory of a run that was asked to stop, or killed, when it told of that step."""
    stop = Stop()

    def on_event(event):
        if isinstance(event, kind) and getattr(event, "step", None) == at:
            if kill:
                raise Killed
            stop.ask(15)

    prepared = preview(mtlkit.plan(mtlkit.load(path, overrides)))
    with pytest.raises(Killed if kill else StoppedError) as caught:
        run_prepared(prepared, path.parent / "stopped", on_event=on_event, stop=stop)
    if not kill:
        assert caught.value.exit_code == 143
    return max((path.parent / "stopped" / "small").iterdir(), key=lambda run: run.stat().st_mtime_ns)


def check_twins(run_dir, ended):
    """The last checkpoint, the event log and the result are those of the run that never stopped."""
    result = resume(run_dir)
    ours, theirs = content(run_dir), content(ended.run_dir)
    last = [name for name in theirs if name.startswith(f"step-{ended.steps:08d}")]
    assert len(last) == 4
    differ = [name for name in ["events.jsonl", *last] if ours.get(name) != theirs[name]]
    assert differ == []
    assert [name for name in {*ours} & {*theirs} if ours[name] != theirs[name]] == []
    assert (result.metrics, result.steps, result.frozen) == (ended.metrics, ended.steps, ended.frozen)
    return result


def added(result, ended):
    """The warnings that a run has beside those of the one that never stopped."""
    return [warning for warning in result.warnings if warning not in ended.warnings]


@pytest.fixture(scope="module")
def phased(tmp_path_factory):
    path = write_recipe(
        tmp_path_factory.mktemp("phased"), training=SAVING, freeze=PHASED, accumulate=2, batch=8
    )
    ended, events = run_recipe(path)
    assert ended.steps == 12
    return path, ended, events


@pytest.mark.parametrize("at", range(1, 13))
def test_a_run_that_is_stopped_at_any_step_ends_with_the_same_bytes(phased, at):
    path, ended, _ = phased
    check_twins(interrupted(path, at), ended)


@pytest.mark.parametrize("at", [1, 4, 7, 12])
def test_so_does_one_that_is_killed(phased, at):
    path, ended, _ = phased
    run_dir = interrupted(path, at, kill=True)
    check_twins(run_dir, ended)


def test_and_one_that_is_stopped_again_and_again(phased):
    path, ended, _ = phased
    run_dir = interrupted(path, 2)
    for at in (3, 4, 5, 9):
        stop = Stop()

        def on_event(event, at=at, stop=stop):
            if isinstance(event, StepDone) and event.step == at:
                stop.ask(2)

        with pytest.raises(StoppedError) as caught:
            resume(run_dir, on_event=on_event, stop=stop)
        assert caught.value.exit_code == 130
        assert caught.value.problems[0].suggestion == f"go on with: mtlkit resume {run_dir}"
    check_twins(run_dir, ended)


@pytest.mark.parametrize(("kind", "at"), [(PhaseStarted, 4), (Evaluated, 0), (Evaluated, 12)])
def test_a_stop_outside_of_the_steps_loses_nothing(phased, kind, at):
    path, ended, _ = phased
    check_twins(interrupted(path, at, kind), ended)


def test_a_run_that_goes_on_says_so_and_tells_no_step_twice(phased):
    path, _, _ = phased
    run_dir, events = interrupted(path, 5), []
    resume(run_dir, on_event=events.append)
    assert events[0] == Resumed(5, 12, "checkpoints/step-00000005")
    assert [event.step for event in events if isinstance(event, StepDone)] == list(range(6, 13))
    lines = [json.loads(line) for line in (run_dir / "events.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "StepDone"] == list(range(1, 13))
    (entry,) = (run_dir / "resumes.jsonl").read_text().splitlines()
    assert json.loads(entry) == {"step": 5, "warnings": []}


def test_a_run_without_a_checkpoint_begins_again_in_its_directory(phased):
    path, ended, _ = phased
    run_dir = interrupted(path, 2, kill=True)
    shutil.rmtree(run_dir / "checkpoints")
    check_twins(run_dir, ended)


def test_a_run_that_ended_is_shown_and_not_trained(phased):
    _, ended, _ = phased
    before = content(ended.run_dir)
    events = []
    assert resume(ended.run_dir, on_event=events.append).metrics == ended.metrics
    assert (events, content(ended.run_dir)) == ([], before)


def test_a_run_that_was_killed_between_its_last_checkpoint_and_its_last_event_only_tells_its_end(
    phased, tmp_path
):
    _, ended, _ = phased
    run_dir = tmp_path / "run"
    shutil.copytree(ended.run_dir, run_dir)
    log = run_dir / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-2]))
    check_twins(run_dir, ended)


def test_the_selected_weights_and_their_checkpoint_survive(tmp_path):
    path = write_recipe(tmp_path, training=SAVING)
    overrides = ["selection.metric=sentiment/accuracy"]
    ended, _ = run_recipe(path, overrides)
    for at in (3, 6, 11, 12):
        check_twins(interrupted(path, at, overrides=overrides), ended)
    check_twins(interrupted(path, 12, Evaluated, overrides=overrides), ended)


def test_a_run_in_buckets_goes_on_where_it_was(tmp_path):
    path = write_recipe(tmp_path, training=f'{SAVING}\nbatching = "buckets"', batch=4, length="1ep")
    ended, _ = run_recipe(path)
    for at in (5, 13):
        check_twins(interrupted(path, at), ended)


def damage(run_dir, name, file):
    target = run_dir / "checkpoints" / name / file
    whole = bytearray(target.read_bytes())
    whole[len(whole) // 2] ^= 1
    target.write_bytes(whole)


@pytest.mark.parametrize(
    "file", ["weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json"]
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(phased, file):
    path, ended, _ = phased
    run_dir = interrupted(path, 8)
    damage(run_dir, "step-00000008", file)
    with pytest.raises(ResourceError) as caught:
        resume(run_dir, leave=mtlkit.Leave(damage=False))
    assert str(caught.value) == f"step-00000008 is damaged: {file}"
    result = check_twins(run_dir, ended)
    assert added(result, ended) == [f"step-00000008 is damaged: {file}"]
    assert (run_dir / "checkpoints" / "step-00000008.damaged1").is_dir()


def test_when_all_are_damaged_the_run_is_refused(phased):
    path, _, _ = phased
    run_dir = interrupted(path, 8)
    for name in ("step-00000008", "step-00000006"):
        damage(run_dir, name, "weights.safetensors")
    with pytest.raises(ResourceError) as caught:
        resume(run_dir)
    assert [problem.message for problem in caught.value.problems] == [
        "step-00000008 is damaged: weights.safetensors",
        "step-00000006 is damaged: weights.safetensors",
        f"no checkpoint in {run_dir / 'checkpoints'} is whole",
    ]


def test_checkpoints_that_swapped_a_file_or_their_names_are_damaged(phased):
    path, _, _ = phased
    run_dir = interrupted(path, 8)
    one, two = (run_dir / "checkpoints" / name for name in ("step-00000006", "step-00000008"))
    shutil.copy(one / "weights.safetensors", two / "weights.safetensors")
    assert verify(two) == ["weights.safetensors"]
    shutil.rmtree(two)
    one.rename(two)
    assert verify(two) == ["the step in its name"]


def test_a_folder_that_is_no_run_directory_is_refused(tmp_path):
    with pytest.raises(ResourceError, match="is no directory of a run: it has no recipe.toml"):
        resume(tmp_path)


def test_changes_of_the_recipe_are_refused_or_need_leave(phased):
    path, ended, _ = phased
    run_dir = interrupted(path, 5)
    with pytest.raises(RecipeError) as caught:
        resume(run_dir, ["seed=4", "lr.heads=0.5", "logging.every=2st"])
    assert [(problem.message, problem.suggestion) for problem in caught.value.problems] == [
        ("lr.heads was 0.01 and is 0.5", "pass --allow lr.heads to go on all the same"),
        ("seed was 3 and is 4: another run, which can't go on from this one", "start it with `mtlkit run`"),
    ]
    result = resume(run_dir, ["lr.heads=0.5"], leave=mtlkit.Leave(keys=("lr",)))
    told = "from step 5 on: lr.heads was 0.01 and is 0.5"
    assert told in added(result, ended)
    assert read(run_dir / "checkpoints" / ENDED).standing.inexact == (told,)
    assert "heads = 0.5" in (run_dir / "recipe.toml").read_text()
    assert "heads = 0.01" in (run_dir / "recipe-until-5.toml").read_text()


def test_other_conditions_are_refused_or_mark_the_run(phased, monkeypatch):
    import torch

    path, ended, _ = phased
    run_dir = interrupted(path, 5)
    monkeypatch.setattr(torch, "__version__", "2.0.0")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    with pytest.raises(ResourceError) as caught:
        resume(run_dir)
    torch_changed, threads_changed, verdict = caught.value.problems
    assert torch_changed.message.startswith("threads was ")
    assert threads_changed.message.endswith(" and is 2.0.0")
    assert verdict.message == "the run would not end as if it had never stopped"
    result = resume(run_dir, leave=mtlkit.Leave(inexact=True))
    assert [warning[:17] for warning in added(result, ended)] == ["from step 5 on: t"] * 2


def test_other_data_is_refused(phased, tmp_path):
    path, ended, _ = phased
    run_dir = interrupted(path, 5)
    reviews = path.parent / "reviews.csv"
    content = reviews.read_text()
    try:
        reviews.write_text(content + "another one,pos\n")
        with pytest.raises(ResourceError, match="data reviews was [0-9a-f]+ and is [0-9a-f]+"):
            resume(run_dir)
        moved = tmp_path / "moved.csv"
        moved.write_text(content)
        assert resume(run_dir, [f"data.reviews.path={moved}"])
        assert added(resume(run_dir), ended) == []
    finally:
        reviews.write_text(content)


def test_a_run_that_ended_can_be_made_longer(tmp_path):
    path = write_recipe(tmp_path, more="", length="4st", training='evaluate_every = "2st"')
    ended, _ = run_recipe(path)
    leave = mtlkit.Leave(keys=("training.length",))
    longer = resume(ended.run_dir, ["training.length=8st"], leave=leave)
    assert longer.steps == 8
    assert "from step 4 on: training.length was '4st' and is '8st'" in longer.warnings
    lines = [json.loads(line) for line in (ended.run_dir / "events.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "StepDone"] == list(range(1, 9))


def test_one_that_went_back_to_its_best_weights_can_not(tmp_path):
    path = write_recipe(tmp_path, more="", length="4st", training='evaluate_every = "2st"')
    ended, _ = run_recipe(path, ["selection.metric=sentiment/accuracy"])
    with pytest.raises(ResourceError, match="holds the selected weights"):
        resume(ended.run_dir, ["training.length=8st"], leave=mtlkit.Leave(keys=("training.length",)))


def test_a_run_can_not_be_made_shorter_than_it_is(phased):
    path, _, _ = phased
    run_dir = interrupted(path, 5)
    with pytest.raises(ResourceError, match="the recipe ends after 3 steps, and the run has done 5"):
        resume(run_dir, ["training.length=3st"], leave=mtlkit.Leave(keys=("training.length",)))

"""Selection in a run: what is kept, what the events tell, when it ends."""

import json

import pytest
from engine_recipes import final_bytes, of_type, run_recipe, write_recipe

import mtlkit
from mtlkit.contracts.events import Evaluated, RunEnded, Selected, StoppedEarly
from mtlkit.engine.opened import checkpoint_of
from mtlkit.outputs.plan_selection import selection_document, selection_text

TWIN = """
[tasks.twin]
data = "reviews"
head = { use = "sequence-classification", dropout = 0.1 }
"""
SELECTION = """evaluate_every = "2st"
[selection]
{}
"""


def recipe(folder, selection, **changes):
    return write_recipe(folder, more=TWIN, training=SELECTION.format(selection), batch=8, **changes)


def progress(events):
    return [event for event in of_type(events, Evaluated) if event.purpose == "progress"]


def test_the_best_of_a_formula_is_what_the_run_ends_with(tmp_path):
    metrics = (
        'metrics = { "sentiment/accuracy" = 1.0, "twin/macro-f1" = 0.5 }\nrelative = true\neach_task = true'
    )
    result, events = run_recipe(recipe(tmp_path, metrics, length="10st"))
    found = progress(events)
    assert [event.step for event in found] == [0, 2, 4, 6, 8, 10]
    start = found[0].metrics

    def score(event):
        way = {name: (value - start[name]) / (1 - start[name]) for name, value in event.metrics.items()}
        return (way["sentiment/accuracy"] + 0.5 * way["twin/macro-f1"]) / 1.5

    top = max(found[1:], key=lambda event: (score(event), -event.step))
    best = result.best[""]
    assert (best.step, best.score) == (top.step, pytest.approx(score(top)))
    assert best.metric == "the relative 1·sentiment/accuracy + 0.5·twin/macro-f1"
    for task in ("sentiment", "twin"):
        name = f"{task}/accuracy"
        top = max(found[1:], key=lambda event: (event.metrics[name], -event.step))
        assert (result.best[task].step, result.best[task].score) == (top.step, top.metrics[name])
        assert checkpoint_of(result.run_dir, task).name == f"step-{top.step:08d}"
        assert result.best[task].path == f"checkpoints/step-{top.step:08d}"
    assert checkpoint_of(result.run_dir, "best").name == f"step-{best.step:08d}"
    of_best = mtlkit.open_run(result.run_dir).evaluate()[1]
    of_last = mtlkit.open_run(result.run_dir, "last").evaluate()[1]
    assert of_best == of_last
    assert {name: each.value for name, each in of_best.items()} == pytest.approx(
        {name: each.value for name, each in result.metrics.items()}
    )
    with pytest.raises(mtlkit.UsageError) as caught:
        checkpoint_of(result.run_dir, "nobody")
    advice = "write best, last or a number of steps, or a task of which the best is kept: sentiment, twin"
    assert str(caught.value) == f"'nobody' is no checkpoint  {advice}"


def test_the_best_of_a_task_is_told_and_not_kept_unless_asked(tmp_path):
    result, events = run_recipe(recipe(tmp_path, 'metric = "sentiment/accuracy"', length="6st"))
    assert set(result.best) == {"", "sentiment", "twin"}
    assert result.best["twin"].path == ""
    assert result.best[""].score == result.best["sentiment"].score
    kept = {event.path.rpartition("/")[2] for event in of_type(events, Selected) if event.path}
    assert result.best[""].path.rpartition("/")[2] in kept
    told = json.loads(
        (result.run_dir / "checkpoints" / f"step-{result.steps:08d}" / "state.json").read_text()
    )
    assert list(told["run"]["best"]) == [""]
    assert [event.step for event in progress(events)] == [2, 4, 6]


def test_without_a_selection_tasks_are_told_of_too(tmp_path):
    result, _ = run_recipe(write_recipe(tmp_path, more=TWIN, length="4st", training='evaluate_every = "2st"'))
    assert set(result.best) == {"sentiment", "twin"}
    assert checkpoint_of(result.run_dir, "best").name == "step-00000004"


STILL = 'metric = "sentiment/accuracy"\npatience = 2'


def test_a_run_that_gets_no_better_ends_early(tmp_path):
    path = recipe(tmp_path, STILL, length="20st", dropout=0.0)
    result, events = run_recipe(path, ["lr={use='uniform',peak=1e-12}"])
    [early] = of_type(events, StoppedEarly)
    assert (early.step, early.steps) == (6, 20)
    assert early.reason == "sentiment/accuracy was no better in 2 evaluations in a row"
    assert [event.step for event in of_type(events, RunEnded)] == [6]
    assert (result.steps, result.early, result.best[""].step) == (6, early.reason, 2)
    assert [event.step for event in progress(events)] == [2, 4, 6]
    assert (result.run_dir / "checkpoints" / "step-00000006").is_dir()
    again = mtlkit.resume(result.run_dir)
    assert (again.steps, again.early, again.best) == (6, early.reason, result.best)


def test_a_run_that_ended_early_goes_on_to_the_same_end(tmp_path):
    """Stopped after the evaluation at which patience ran out, or before it: the rest is told again."""
    path = recipe(tmp_path, f"{STILL}\nrelative = true\neach_task = true", length="20st", dropout=0.0)
    plan = mtlkit.plan(mtlkit.load(path, ["lr={use='uniform',peak=1e-12}", "training.checkpoint_every=1st"]))
    whole = []
    unbroken = mtlkit.run(plan, tmp_path / "whole", on_event=whole.append)
    for after in (5, 6):
        stop = Stopping(after)
        with pytest.raises(mtlkit.errors.StoppedError):
            mtlkit.api.run_prepared(
                mtlkit.api.preview(plan), tmp_path / f"{after}", on_event=stop.hear, stop=stop.stop
            )
        [run_dir] = (tmp_path / f"{after}" / "small").iterdir()
        result = mtlkit.resume(run_dir)
        assert (result.steps, result.best) == (6, unbroken.best)
        assert final_bytes(result) == final_bytes(unbroken)
        lines = [json.loads(line)["event"] for line in (run_dir / "events.jsonl").read_text().splitlines()]
        wanted = [type(event).__name__ for event in whole if type(event).__name__ != "Activity"]
        assert [name for name in lines if name not in ("Activity", "Resumed", "Stopped")] == wanted


class Stopping:
    """Asks for a stop when a step is done."""

    def __init__(self, after):
        from mtlkit.engine.stopping import Stop

        self.after, self.stop = after, Stop()

    def hear(self, event):
        if type(event).__name__ == "StepDone" and event.step == self.after:
            self.stop.ask(15)


def shown(path, *overrides):
    prepared = mtlkit.api.preview(mtlkit.plan(mtlkit.load(path, overrides)))
    line = prepared.timeline
    asked = (prepared.plan, line.total, line.steps_per_epoch)
    return selection_text(*asked), selection_document(*asked)


def test_the_plan_tells_what_will_be_selected_and_when_it_may_end(tmp_path):
    path = recipe(tmp_path, f"{STILL}\nmin_delta = 0.01\neach_task = true", length="11st")
    text, document = shown(path)
    assert text.splitlines() == [
        "selection",
        "  of 6 evaluations, the one with the highest sentiment/accuracy is kept",
        "  and, for every task, the best by its primary metric",
        "  it ends after 2 evaluations in a row that are no better by more than 0.01: at step 6 at the earliest",
    ]
    assert document == {
        "steps": [2, 4, 6, 8, 10, 11], "by": "sentiment/accuracy", "mode": "max", "each_task": True,
        "patience": 2, "earliest_end": 6,
    }  # fmt: skip
    text, document = shown(path, "selection.patience=5", "training.length=5st")
    assert text.splitlines()[-1].endswith("better by more than 0.01: never, there are too few")
    assert (document["steps"], document["earliest_end"]) == ([2, 4, 5], None)
    text, document = shown(write_recipe(tmp_path, length="4st", training='evaluate_every = "2st"'))
    assert (text, document) == ("", {"steps": [2, 4]})


@pytest.mark.parametrize(
    ("selection", "path", "message"),
    [
        ("patience = 2", "selection", 'the selection names no metric  write metric = "TASK/METRIC", or metrics = { "TASK/METRIC" = WEIGHT, ... }'),
        ('metric = "twin/accuracy"\nmetrics = { "twin/accuracy" = 1.0 }', "selection.metrics", "there are metric and metrics  keep one of them"),
        ('metrics = { "twin/accuracy" = 0.0 }', 'selection.metrics."twin/accuracy"', "a weight of 0 selects nothing  leave the metric out"),
        ('metric = "twin/accuracy"\nmin_delta = 0.1', "selection.min_delta", "min_delta says what patience calls better, and there is no patience  add patience, or leave it out"),
        ('metrics = { "twin/acuracy" = 1.0 }', 'selection.metrics."twin/acuracy"', "task 'twin' measures no 'acuracy'  did you mean 'accuracy'?"),
    ],
)  # fmt: skip
def test_what_a_selection_may_not_say(tmp_path, selection, path, message):
    with pytest.raises(mtlkit.RecipeError) as caught:
        mtlkit.load(recipe(tmp_path, selection))
    [problem] = caught.value.problems
    assert f"{problem.message}  {problem.suggestion}" == message
    assert problem.path.replace('"', "") == path.replace('"', "")
    assert problem.line > 1


def test_patience_needs_evaluations(tmp_path):
    text = f"evaluate_every = false\n[selection]\n{STILL}"
    with pytest.raises(mtlkit.RecipeError) as caught:
        mtlkit.load(write_recipe(tmp_path, more=TWIN, training=text))
    assert str(caught.value).endswith(
        "selection.patience  patience counts evaluations, and with training.evaluate_every = false there is only "
        'the last  write evaluate_every = "1ep"'
    )


LOW_HEAD = '''
import mtlkit
from attrs import frozen

@frozen
class Low:
    """Measures something of which lower is better."""

    text: str = mtlkit.option("the text", "text")
    lower_is_better = ("regret",)

    def columns(self):
        return {"text": self.text}

    def metrics(self):
        return "regret", "joy"

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "low", "low", Low, "nowhere:Head")]
'''


def test_a_metric_of_which_lower_is_better_is_not_selected_for_being_high(tmp_path):
    plugin = tmp_path / "mtlkit_test_low.py"
    plugin.write_text(LOW_HEAD)
    pairs = '[tasks.pairs]\ndata = "reviews"\nhead = { use = "low" }\n'
    for selection, told in (
        ('metric = "pairs/regret"', 'selection.metric  of pairs/regret lower is better, and the selection takes the higher  write mode = "min"'),
        ('metrics = { "pairs/regret" = 2.0 }', "of pairs/regret lower is better, and the selection takes the higher  give it a negative weight"),
        ('metric = "pairs/regret"\nmode = "min"', ""),
        ('metrics = { "pairs/regret" = -2.0, "pairs/joy" = 1.0 }', ""),
    ):  # fmt: skip
        path = write_recipe(tmp_path, more=pairs, training=SELECTION.format(selection))
        if not told:
            assert mtlkit.load(path, plugin_files=[plugin]).recipe.selection
            continue
        with pytest.raises(mtlkit.RecipeError) as caught:
            mtlkit.load(path, plugin_files=[plugin])
        assert str(caught.value).endswith(told)

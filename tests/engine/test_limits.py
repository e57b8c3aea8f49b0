"""How many labelled rows a task learns from, and what becomes of missing labels."""

from types import SimpleNamespace

import pytest
import torch
from engine_recipes import WORDS, of_type, run_recipe, write_recipe

import mtlkit
from mtlkit.contracts.events import StepDone
from mtlkit.engine.apply import set_eval
from mtlkit.engine.features import Encoder
from mtlkit.engine.given import as_rows
from mtlkit.engine.heads import Readers
from mtlkit.engine.session import open_session

TWIN = """
[tasks.twin]
data = "reviews"
{other}
head = {{ use = "sequence-classification", dropout = 0.0 }}
"""


def session_of(path):
    return open_session(mtlkit.api.preview(mtlkit.plan(mtlkit.load(path))))


def recipe(folder, *, limit="", other="", more="", rows=None, **changes):
    """A recipe of two tasks over the same reviews; `rows` are lines of the file in place of the usual ones."""
    path = write_recipe(folder, more=more, **changes)
    text = path.read_text()
    text = text.replace('data = "reviews"\nhead', f'data = "reviews"\n{limit}\nhead')
    path.write_text(text + TWIN.format(other=other))
    if rows is not None:
        (folder / "reviews.csv").write_text("text,label\n" + "".join(f"{line}\n" for line in rows))
    return path


def counted(session, task):
    """The texts of the training rows that the task learns from."""
    [readers] = [each for each in session.readers if task in each.heads]
    rows = session.data[readers.source].all("train")
    told = readers.labelled(task, "train", range(len(rows)), rows)
    head = session.built.heads[task]
    return {row["text"] for row, one in zip(rows, told, strict=True) if head.count(head.targets([one]))}


def test_a_limit_counts_the_same_rows_for_every_task_and_seed_and_is_nested(tmp_path):
    found = {}
    for limit in (5, 9):
        folder = tmp_path / str(limit)
        folder.mkdir()
        session = session_of(recipe(folder, limit=f"limit = {limit}", other="limit = 5", seed=limit))
        found[limit] = counted(session, "sentiment")
        assert len(found[limit]) == limit
        assert counted(session, "twin") == found[5]
    assert found[5] < found[9]


def test_only_labelled_rows_are_counted(tmp_path):
    texts = [f"{WORDS[n % 10]} {n}" for n in range(40)]
    rows = [f"{text},{('pos', '', 'neg', '')[n % 4]}" for n, text in enumerate(texts)]
    session = session_of(recipe(tmp_path, limit="limit = 6", rows=rows))
    labelled = counted(session, "twin")
    assert 6 < len(labelled) < len(session.data["reviews"].splits["train"])
    assert counted(session, "sentiment") < labelled
    assert len(counted(session, "sentiment")) == 6


def test_a_limit_above_what_there_is_changes_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    losses = []
    for folder, limit in (("a", ""), ("b", "limit = 1000")):
        _, events = run_recipe(recipe(tmp_path / folder, limit=limit, length="4st"))
        losses.append([event.losses for event in of_type(events, StepDone)])
    assert losses[0] == losses[1]


def test_rows_beyond_the_limit_are_as_rows_without_a_label(tmp_path):
    session = session_of(recipe(tmp_path, limit="limit = 7"))
    kept = counted(session, "sentiment")
    [readers] = [each for each in session.readers if "sentiment" in each.heads]
    rows = session.data["reviews"].all("train")
    told = readers.labelled("sentiment", "train", range(len(rows)), rows)
    assert told == [row if row["text"] in kept else {**row, "label": None} for row in rows]
    assert readers.labelled("twin", "train", range(len(rows)), rows) == rows
    assert readers.labelled("sentiment", "test", range(3), rows[:3]) == rows[:3]


def test_a_task_without_labels_lacks_the_second_text(tmp_path):
    pairs = '[tasks.pairs]\ndata = "pairs"\nlimit = 3\nhead = { use = "sentence-embedding", first = "title", second = "body" }\n'
    session = session_of(write_recipe(tmp_path, more=pairs))
    [readers] = [each for each in session.readers if "pairs" in each.heads]
    rows = session.data["pairs"].all("train")
    told = readers.labelled("pairs", "train", range(len(rows)), rows)
    assert session.built.heads["pairs"].count(session.built.heads["pairs"].targets(told)) == 3
    assert sum(row["body"] is None for row in told) == len(rows) - 3


def test_a_task_that_learns_from_every_row_has_no_labelled_ones():
    from mtlkit.engine.limits import limit_of

    head = SimpleNamespace(corrupt=None, views=(("text",),))
    task = SimpleNamespace(name="guess", limit=4, data="reviews", head=None)
    with pytest.raises(mtlkit.RecipeError) as caught:
        limit_of(task, head, None)
    assert str(caught.value) == (
        "tasks.guess.limit  task 'guess' learns from every row, labelled or not  "
        "limit the rows themselves: [data.reviews] limit = { train = 4 }"
    )


def test_missing_labels_of_one_task_leave_the_loss_of_the_others_alone(tmp_path):
    """A mix: rows with both labels, one, the other, none. Every loss is the mean over its own labelled rows."""
    path = recipe(tmp_path, length="1st", batch=12, dropout=0.0, other="weight = 1.0")
    rows = [
        f"{WORDS[n % 10]} {n},{('pos', 'neg', '')[n % 3]},{('', 'low', 'high', '')[n % 4]}" for n in range(48)
    ]
    (tmp_path / "reviews.csv").write_text("text,label,level\n" + "\n".join(rows) + "\n")
    text = path.read_text()
    assert text.rstrip().endswith("dropout = 0.0 }")
    path.write_text(text.rstrip()[:-1] + ', label = "level" }\n')
    session = session_of(path)
    taken = session.data["reviews"].records("train", session.streams["reviews"].take(0, 12))
    wanted = {}
    set_eval(session.built.model)
    for task, column in (("sentiment", "label"), ("twin", "level")):
        labelled = [row for row in taken if row[column]]
        assert 0 < len(labelled) < 12
        wanted[task] = mean_loss(session, task, labelled)
    _, events = run_recipe(path)
    [step] = of_type(events, StepDone)
    assert step.losses == pytest.approx(wanted, abs=1e-6)


def mean_loss(session, task, rows):
    """The loss of rows that all have a label, by torch."""
    head = session.built.heads[task]
    reading = Readers("given", {task: head})
    encoder = Encoder(session.built.backbone, {"given": as_rows(rows)}, (), "fp32", session.device)
    scores = reading.outputs(encoder, reading.take(encoder, "test", range(len(rows))))[task]
    return torch.nn.functional.cross_entropy(scores, head.targets(rows)).item()


def test_tasks_of_one_source_share_one_encoding_in_a_step(tmp_path, monkeypatch):
    from mtlkit.engine.step import Cursors, training_step

    session = session_of(recipe(tmp_path, length="2st", batch=8))
    encoded = []
    forward = session.built.backbone.forward
    monkeypatch.setattr(
        session.built.backbone, "forward", lambda batch: encoded.append(len(batch.ids)) or forward(batch)
    )
    for weight in session.handles.weights.values():
        for parameter in weight.parameters:
            parameter.requires_grad_(True)
    outcome = training_step(session, session.timeline.progress(0), Cursors())
    assert set(outcome.losses) == {"sentiment", "twin"}
    assert sum(encoded) == 8


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_takes_the_batch_size_of_a_task_wherever_the_sampler_takes_rows_of_its_source(
    tmp_path, accumulate
):
    pairs = '[tasks.pairs]\ndata = "pairs"\nbatch_size = 5\nhead = { use = "sentence-embedding", first = "title", second = "body" }\n'
    path = recipe(tmp_path, length="1ep", batch=16, accumulate=accumulate, more=pairs)
    result, events = run_recipe(path, ['sampler.use="round-robin"'])
    steps = [event.rows for event in of_type(events, StepDone)]
    each = {"pairs": 5 * accumulate, "reviews": 16 * accumulate}
    assert steps[:2] == [{"pairs": each["pairs"]}, {"reviews": each["reviews"]}]
    assert all(rows.items() <= each.items() for rows in steps)
    session = session_of(path)
    total = sum(len(rows.splits["train"]) for rows in session.data.values())
    assert abs(sum(sum(rows.values()) for rows in steps) - total) <= 2 * max(each.values())
    assert result.steps == len(steps)


def test_sources_that_are_mixed_in_a_step(tmp_path):
    pairs = '[tasks.pairs]\ndata = "pairs"\nbatch_size = 3\nhead = { use = "sentence-embedding", first = "title", second = "body" }\n'
    _, events = run_recipe(
        recipe(tmp_path, length="3st", batch=8, more=pairs), ['sampler={use="uniform",unit="row"}']
    )
    assert [event.rows for event in of_type(events, StepDone)] == [{"reviews": 4, "pairs": 3}] * 3


def test_tasks_that_read_the_same_rows_agree_on_their_size(tmp_path):
    with pytest.raises(mtlkit.RecipeError) as caught:
        mtlkit.load(recipe(tmp_path, limit="batch_size = 8", other="batch_size = 16"))
    [problem] = caught.value.problems
    assert (problem.path, problem.message, problem.suggestion) == (
        "tasks.twin.batch_size",
        "tasks 'sentiment' and 'twin' read the same rows, in batches of 8 and 16",
        "write 8 for both, or for one of them alone",
    )
    one = mtlkit.plan(mtlkit.load(recipe(tmp_path, limit="batch_size = 8")))
    assert one.batch_size("reviews") == 8
    assert one.recipe["tasks"]["sentiment"]["batch_size"] == 8
    assert "batch_size" not in one.recipe["tasks"]["twin"]

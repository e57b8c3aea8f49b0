"""Parts of a step: every row once, none above the budget, and the gradient of the whole."""

import pytest
from engine_recipes import PAIRS, final_bytes, final_checkpoint, of_type, run_recipe, write_recipe
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import StepDone
from mtlkit.engine.heads import Readers
from mtlkit.engine.micro_batches import micro_batches, within
from mtlkit.engine.session import open_session

rows_of = st.integers(1, 3).flatmap(
    lambda views: st.lists(st.tuples(*[st.integers(1, 40)] * views), min_size=1, max_size=30)
)
sources = st.dictionaries(st.sampled_from("abc"), rows_of, min_size=1)
SGD = ["optimizer.use=sgd", "optimizer.momentum=0.9", "lr.blocks=1e-2", "lr.heads=1e-1"]


def padded(lengths, part):
    return sum(
        len(places)
        * sum(max(lengths[name][at][view] for at in places) for view in range(len(lengths[name][0])))
        for name, places in part.items()
    )


@given(sources, st.integers(1, 400))
def test_every_row_is_in_one_part_and_no_part_is_above_the_budget(lengths, most):
    parts = within(lengths, most)
    for name, rows in lengths.items():
        assert sorted(at for part in parts for at in part.get(name, ())) == list(range(len(rows)))
    for part in parts:
        assert padded(lengths, part) <= most or [len(places) for places in part.values()] == [1]


@given(sources)
def test_what_fits_is_one_part_in_its_order(lengths):
    everything = {name: list(range(len(rows))) for name, rows in lengths.items()}
    most = padded(lengths, everything)
    assert within(lengths, most) == [everything]
    if sum(map(len, lengths.values())) > 1:
        assert len(within(lengths, most - 1)) > 1


@given(sources, st.integers(1, 400))
def test_rows_of_a_part_are_of_like_length(lengths, most):
    for name in lengths:
        totals = [
            [sum(lengths[name][at]) for at in part[name]] for part in within(lengths, most) if name in part
        ]
        ends = sorted((max(part), min(part)) for part in totals)
        assert all(shorter[0] <= longer[1] for shorter, longer in zip(ends, ends[1:], strict=False))


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), max_size=20)), st.integers(1, 9))
def test_micro_batches_are_runs_of_near_equal_length(positions, accumulate):
    parts = micro_batches(positions, accumulate)
    for name, rows in positions.items():
        runs = [part[name] for part in parts if name in part]
        assert [row for run in runs for row in run] == rows
        assert not runs or max(map(len, runs)) - min(map(len, runs)) <= 1
    assert len(parts) <= accumulate
    assert all(parts)


def runs(folder, *, budget, overrides=SGD, **changes):
    """A run without dropout, with that token budget or none, and its events."""
    folder.mkdir()
    told = f"max_tokens = {budget}" if budget else ""
    path = write_recipe(folder, **{"dropout": 0.0, "more": "", "training": told, **changes})
    return run_recipe(path, overrides)


@pytest.mark.parametrize("task", ["sentiment", "cached pairs"])
def test_a_budget_changes_no_gradient(tmp_path, task):
    changes = {"more": PAIRS} if task == "cached pairs" else {}
    overrides = [*SGD, "tasks.pairs.head.cached=true"] if task == "cached pairs" else SGD
    (whole, events), (parts, others) = (
        runs(tmp_path / str(budget), budget=budget, overrides=overrides, **changes) for budget in (None, 40)
    )
    left, right = (load_file(final_checkpoint(run) / "weights.safetensors") for run in (whole, parts))
    assert max(float((left[name] - right[name]).abs().max()) for name in left) <= 2e-6
    one, two = ([event.losses for event in of_type(told, StepDone)] for told in (events, others))
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in zip(one, two, strict=True))


def test_no_pass_has_more_tokens_than_the_budget(tmp_path, monkeypatch):
    shapes, training = [], []
    outputs = Readers.outputs

    def spy(self, encoder, taken, gates=None):
        if taken.split == "train" and gates is not None:
            training.append(0)
            collate = encoder.backbone.collate

            def counting(items):
                batch = collate(items)
                training[-1] += batch.ids.numel()
                shapes.append(batch.ids.numel())
                return batch

            encoder.backbone.collate = counting
            try:
                return outputs(self, encoder, taken, gates)
            finally:
                del encoder.backbone.collate
        return outputs(self, encoder, taken, gates or {})

    monkeypatch.setattr(Readers, "outputs", spy)
    runs(tmp_path / "budget", budget=40, more=PAIRS)
    assert max(training) <= 40
    most = max(training)
    training.clear()
    runs(tmp_path / "whole", budget=None, more=PAIRS)
    assert max(training) > 40 > most / 2


def test_a_budget_that_is_never_reached_changes_nothing(tmp_path):
    one, two = (runs(tmp_path / str(budget), budget=budget, dropout=0.1)[0] for budget in (None, 100_000))
    assert final_bytes(one) == final_bytes(two)


def test_a_view_counts_as_often_as_it_is_encoded(tmp_path):
    twice = 'head = { use = "sentence-embedding", first = "text", objective = "simcse" }'
    masked = 'head = { use = "masked-lm", text = "text" }'
    for number, (head, times) in enumerate((("", 1), (twice, 2), (masked, 2))):
        (tmp_path / str(number)).mkdir()
        more = f'[tasks.more]\ndata = "reviews"\n{head}\n' if head else ""
        path = write_recipe(tmp_path / str(number), more=more)
        session = open_session(preview(mtlkit.plan(mtlkit.load(path))))
        readers = next(each for each in session.readers if each.source == "reviews")
        assert len(readers.encodings(session.encoder, "train")) == times


def test_the_resolved_recipe_has_the_budget_where_there_is_one(tmp_path):
    for budget in (None, 64):
        told = f"max_tokens = {budget}" if budget else ""
        plan = mtlkit.plan(mtlkit.load(write_recipe(tmp_path, training=told)))
        assert plan.training.max_tokens == budget
        assert plan.recipe["training"].get("max_tokens") == budget

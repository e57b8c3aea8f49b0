"""Adding a task changes no other task's rows or initial head; other randomness changes nothing at all."""

import random

import numpy as np
import torch
from engine_recipes import PAIRS, of_type, run_recipe, write_recipe
from hypothesis import given
from hypothesis import strategies as st

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import StepDone
from mtlkit.engine.seeds import derive, kept_globals, permutation, python_rng, seed_globals, seeded
from mtlkit.engine.session import open_session

purposes = st.lists(st.text(st.characters(exclude_characters="\0"), max_size=6), min_size=1, max_size=3)
FIRST = '\n[tasks.a_first]\ndata = "reviews"\nhead = { use = "sequence-classification" }\n'
SECOND = PAIRS + FIRST


def opened(folder, **changes):
    folder.mkdir()
    return open_session(preview(mtlkit.plan(mtlkit.load(write_recipe(folder, **changes)))))


def test_another_task_changes_no_initial_weight_and_no_row(tmp_path):
    alone, both = opened(tmp_path / "a", more=""), opened(tmp_path / "b", more=SECOND)
    there = dict(both.built.model.parameters())
    for name, parameter in alone.built.model.parameters():
        assert torch.equal(parameter, there[name]), name
    assert alone.streams["reviews"].take(0, 200) == both.streams["reviews"].take(0, 200)
    assert alone.data["reviews"].splits == both.data["reviews"].splits
    twins = [
        dict(both.built.model.parameters())[f"heads.{task}.tower.output.weight"]
        for task in ("sentiment", "a_first")
    ]
    assert not torch.equal(*twins)


def test_another_task_changes_no_row_in_buckets(tmp_path):
    buckets = {"training": 'batching = "buckets"', "batch": 4}
    alone, both = (opened(tmp_path / name, more=more, **buckets) for name, more in (("a", ""), ("b", SECOND)))
    plain = opened(tmp_path / "c", more="")
    order = alone.streams["reviews"].take(0, 200)
    assert order == both.streams["reviews"].take(0, 200)
    assert order != plain.streams["reviews"].take(0, 200)


def test_the_order_of_the_tasks_changes_no_initial_weight(tmp_path):
    one, two = opened(tmp_path / "a", more=SECOND), opened(tmp_path / "b", more=FIRST + PAIRS)
    assert list(one.built.heads) != list(two.built.heads)
    forth, back = dict(one.built.model.parameters()), dict(two.built.model.parameters())
    assert all(torch.equal(forth[name], back[name]) for name in forth)


def test_rows_come_in_stream_order_however_many_another_task_takes(tmp_path, monkeypatch):
    from mtlkit.engine import step

    taken = []
    parts_of_step = step.parts_of_step

    def spy(session, positions):
        taken.append({name: list(rows) for name, rows in positions.items()})
        return parts_of_step(session, positions)

    monkeypatch.setattr(step, "parts_of_step", spy)
    orders = []
    for name, more in (("a", ""), ("b", PAIRS)):
        (tmp_path / name).mkdir()
        _, events = run_recipe(write_recipe(tmp_path / name, more=more, length="2ep"))
        orders.append([row for rows in taken for row in rows.get("reviews", [])])
        assert [dict(e.rows) for e in of_type(events, StepDone)] == [
            {source: len(rows) for source, rows in rows_of.items()} for rows_of in taken
        ]
        taken.clear()
    shorter = min(map(len, orders))
    assert shorter > 16
    assert orders[0][:shorter] == orders[1][:shorter]


@given(st.integers(0, 2**63 - 1), purposes, purposes)
def test_seeds_differ_if_and_only_if_their_purposes_do(seed, one, two):
    assert (derive(seed, *one) == derive(seed, *two)) == (one == two)
    assert 0 <= derive(seed, *one) < 2**63


@given(st.integers(0, 2**63 - 1), purposes)
def test_seeded_randomness_leaves_no_trace_and_reads_none(seed, purpose):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    with seeded(seed, *purpose):
        first = torch.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    with seeded(seed, *purpose):
        assert torch.equal(torch.rand(3), first)
    python, numpy = random.getstate(), np.random.get_state()[1].tolist()
    assert python_rng(seed, *purpose).random() == python_rng(seed, *purpose).random()
    assert sorted(permutation(9, seed, *purpose)) == list(range(9))
    assert random.getstate() == python
    assert np.random.get_state()[1].tolist() == numpy


@given(st.integers(0, 2**63 - 1), purposes)
def test_global_seeds_are_those_of_torch_and_nothing_is_written_down(seed, purpose):
    """Without a GPU torch keeps a call for each kind of GPU at every `torch.manual_seed`, with its stack."""
    waiting = len(torch.cuda._queued_calls)
    with kept_globals():
        seed_globals(seed, *purpose)
        ours = torch.rand(3)
        assert len(torch.cuda._queued_calls) == waiting
        torch.manual_seed(derive(seed, *purpose))
        assert torch.equal(ours, torch.rand(3))

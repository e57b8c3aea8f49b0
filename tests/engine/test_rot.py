"""A head that stands still while the backbone moves: its task is evaluated and the change is told."""

import re

from engine_recipes import of_type, run_recipe, write_recipe

from mtlkit.contracts.events import Evaluated, Warned
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.engine.rot import decay_of, standing_heads

HEAD = '[freeze]\nuse = "head"\ntask = "sentiment"\n'


def told(events):
    return [event.message for event in of_type(events, Warned) if "was frozen while" in event.message]


def test_the_change_of_a_frozen_heads_task_is_told(tmp_path):
    _, events = run_recipe(write_recipe(tmp_path, freeze=HEAD, length="4st"))
    [message] = told(events)
    found = re.fullmatch(
        r"the head of task 'sentiment' was frozen while the backbone trained: "
        r"sentiment/accuracy went from (\d\.\d{3}) to (\d\.\d{3})",
        message,
    )
    start, *_, final = of_type(events, Evaluated)
    assert found.groups() == tuple(f"{each.metrics['sentiment/accuracy']:.3f}" for each in (start, final))


def test_nothing_is_told_where_no_head_stands_still_or_no_backbone_moves(tmp_path):
    for number, freeze in enumerate(("", '[freeze]\nuse = "backbone"\n')):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, events = run_recipe(write_recipe(folder, freeze=freeze, length="2st"))
        assert told(events) == []


def test_heads_stand_where_only_the_backbone_trains():
    owners = ("backbone", "a", "b")
    table = ParamTable(tuple(Row(f"{o}.w", (1,), o, "head", 2, "weight") for o in owners), 1)
    assert standing_heads(table, frozenset({"backbone.w", "a.w"})) == {"b"}
    assert standing_heads(table, frozenset({"a.w"})) == frozenset()
    assert standing_heads(table, frozenset({"backbone.w"})) == {"a", "b"}


def test_the_primary_metric_is_compared():
    final = {"a/f1": 0.5, "a/loss": 2.0, "b/f1": 0.1}
    assert list(decay_of(frozenset({"a"}), {"a/f1": 0.9, "a/loss": 1.0}, final)) == [("a/f1", 0.9, 0.5)]
    assert list(decay_of(frozenset({"b"}), {}, final)) == []

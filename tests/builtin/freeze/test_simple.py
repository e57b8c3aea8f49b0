import pytest
from hypothesis import given

from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.embeddings import FreezeEmbeddings
from mtlkit.builtin.freeze.head import FreezeHead
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.testing.strategies import param_tables


@given(param_tables())
def test_backbone_embeddings_and_head_freeze_what_they_are_called(table):
    task = table.tasks[0]
    for row in table:
        assert FreezeBackbone().trainable(row, table, 0) is row.name.startswith("heads.")
        assert FreezeEmbeddings().trainable(row, table, 0) is (row.depth > 0)
        assert FreezeHead(task).trainable(row, table, 0) is not row.name.startswith(f"heads.{task}.")


def test_head_reports_its_tasks():
    assert FreezeHead("news").tasks() == ("news",)
    assert FreezeHead(("news", "tags")).tasks() == ("news", "tags")


@pytest.mark.parametrize("task", [(), "", ("news", "")])
def test_head_needs_a_task(task):
    with pytest.raises(ValueError, match=r".") as caught:
        FreezeHead(task)
    assert str(caught.value) == f"task is {task!r}; name at least one task"


def test_the_task_called_backbone_freezes_no_backbone():
    assert FreezeHead("backbone").tasks() == ("backbone",)


@given(param_tables())
def test_a_frozen_task_called_backbone_leaves_the_backbone_alone(table):
    assert all(FreezeHead("backbone").trainable(row, table, 0) for row in table)


@given(param_tables())
def test_pattern_exceptions_win(table):
    policy = Pattern(("backbone",), ("type:bias", "final"))
    for row in table:
        trains = row.role in ("head", "final") or row.kind == "bias"
        assert policy.trainable(row, table, 0) is trains


def test_pattern_reports_selectors_and_tasks():
    policy = Pattern(("head.news", "blocks[0:2]"), ("head.tags & type:bias", "head.news"))
    assert policy.patterns() == ("head.news", "blocks[0:2]", "head.tags & type:bias", "head.news")
    assert policy.tasks() == ("news", "tags")


def test_pattern_refuses_bad_selectors_at_once():
    with pytest.raises(ValueError, match=r".") as caught:
        Pattern(("backbone",), ("blocks[0:6",))
    assert str(caught.value) == (
        "selector 'blocks[0:6', position 1: 'blocks[0:6' is not a slice of blocks, "
        "expected such as blocks[3], blocks[0:6] or blocks[-2:]"
    )
    with pytest.raises(ValueError, match=r".") as caught:
        Pattern(())
    assert str(caught.value) == "freeze is empty; name at least one selector, or use the policy 'none'"

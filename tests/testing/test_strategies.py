import pytest
from hypothesis import Phase, find, given, settings

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import BACKBONE
from mtlkit.testing.strategies import durations, param_tables, progresses


@given(param_tables())
def test_tables_are_as_the_contract_says(table):
    names = [name for row in table for name in row.names]
    assert len(names) == len(set(names))
    assert [row.depth for row in table] == sorted(row.depth for row in table)
    for row in table:
        assert row.role == {0: "embeddings", table.depth + 1: "final", table.depth + 2: "head"}.get(
            row.depth, "block"
        )
        assert (row.owner == BACKBONE) is (row.role != "head")
        assert row.name.startswith("backbone." if row.owner == BACKBONE else f"heads.{row.owner}.")
    assert 1 <= len(table.tasks) <= 5


@pytest.mark.parametrize(
    "corner",
    [
        lambda table: table.depth == 0,
        lambda table: table.depth > 10,
        lambda table: any(row.shape == () for row in table),
        lambda table: any(row.numel == 0 for row in table),
        lambda table: any(row.aliases for row in table),
        lambda table: not any(row.role == "final" for row in table),
        lambda table: not all(row.trainable for row in table),
    ],
)
def test_tables_reach_the_corners(corner):
    quick = settings(phases=[Phase.generate], max_examples=500, database=None)
    assert corner(find(param_tables(), corner, settings=quick))


@given(durations())
def test_durations_can_be_written(duration):
    assert Duration.parse(str(duration)) == duration


@given(progresses())
def test_progresses_are_moments_of_a_run(progress):
    assert progress.step >= 0
    assert progress.total >= 0
    assert progress.steps_per_epoch >= 1

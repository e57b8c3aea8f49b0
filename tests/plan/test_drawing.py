"""The drawing as values: every step is in a column, every cell says what its weights do."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import Row
from mtlkit.plan.drawing import LEVELS, MOST_BLOCKS, SPAN, Grid, drawing
from mtlkit.plan.timeline import Timeline
from tests.plan.timelines import made, timelines


def drawn(timeline: Timeline, columns: int) -> Grid:
    return drawing(timeline, tuple(timeline.moments()), columns)


def place(row: Row) -> str:
    if row.role == "head":
        return f"head.{row.owner}"
    return f"block {row.depth}" if row.role == "block" else row.role


@given(timelines(max_depth=4), st.integers(1, 40))
def test_every_step_is_in_one_column(timeline, columns):
    grid = drawn(timeline, columns)
    assert grid.columns == min(columns, timeline.total)
    assert (grid.edges[0], grid.edges[-1]) == (0, timeline.total) == (0, grid.total)
    widths = {end - begin for begin, end in pairwise(grid.edges)}
    assert not widths or (min(widths) >= 1 and max(widths) - min(widths) <= 1)
    assert {len(lane.cells) for lane in grid.lanes} == {grid.columns}


@given(timelines(max_depth=4), st.integers(1, 12))
def test_a_cell_is_what_its_weights_do_at_all_its_steps(timeline, columns):
    moments = tuple(timeline.moments())
    grid = drawing(timeline, moments, columns)
    owners = {name: group for group, names in timeline.groups.items() for name in names}
    lanes = {lane.label: lane.cells for lane in grid.lanes}
    assert set(lanes) == {place(row) for row in timeline.table}
    for label, cells in lanes.items():
        names = [row.name for row in timeline.table if place(row) == label]
        for cell, (begin, end) in zip(cells, pairwise(grid.edges), strict=True):
            trains = [
                (name, moment) for moment in moments[begin:end] for name in names if name in moment.trainable
            ]
            asked = len(names) * (end - begin)
            assert cell.trains == ("none" if not trains else "all" if len(trains) == asked else "some")
            assert cell.rate == max((moment.rates[owners[name]] for name, moment in trains), default=0.0)


@given(timelines(max_depth=4), st.integers(1, 12))
def test_levels_follow_the_rates(timeline, columns):
    grid = drawn(timeline, columns)
    cells = sorted((cell for lane in grid.lanes for cell in lane.cells), key=lambda cell: cell.rate)
    assert [cell.level for cell in cells] == sorted(cell.level for cell in cells)
    for cell in cells:
        assert (cell.level == 0) == (cell.rate == 0)
        assert cell.level <= LEVELS
        if cell.level > 1:
            ratio = grid.high / grid.bottom
            assert cell.rate >= grid.bottom * ratio ** ((cell.level - 1) / LEVELS) * (1 - 1e-9)
    assert (grid.high == 0) or grid.low <= grid.bottom <= grid.high <= SPAN * grid.bottom * (1 + 1e-9)
    assert (grid.low, grid.high) == (
        min((cell.rate for cell in cells if cell.rate), default=0.0),
        max((cell.rate for cell in cells), default=0.0),
    )


@given(timelines(max_depth=4), st.integers(1, 12))
def test_borders_are_the_phases_of_the_timeline(timeline, columns):
    moments = tuple(timeline.moments())
    grid = drawing(timeline, moments, columns)
    phases = timeline.phases(moments)
    assert [(each.name, each.start, each.end) for each in grid.borders] == [
        (each.name, each.start, each.end) for each in phases
    ]
    for border in grid.borders:
        assert grid.edges[border.column] <= border.start < grid.edges[border.column + 1]


@given(timelines(max_depth=6))
def test_lanes_go_from_the_embeddings_to_the_heads(timeline):
    labels = [lane.label for lane in drawn(timeline, 5).lanes]
    places = {place(row): (row.depth, 0) for row in timeline.table}
    assert [places[label] for label in labels] == sorted(places[label] for label in labels)


def test_blocks_that_do_the_same_share_a_lane_where_there_are_many():
    for blocks, expected in ((24, 24), (25, 1), (48, 1)):
        timeline = Timeline((FreezeNone(),), Uniform(), Constant(), made(blocks, "news"), 10, 5)
        labels = [lane.label for lane in drawn(timeline, 10).lanes]
        assert len(labels) == expected + 2
    assert labels == ["embeddings", "blocks 1–48", "head.news"]


def test_a_few_kinds_of_blocks_are_a_lane_each():
    policy = BottomLayers(layers=30)
    timeline = Timeline((policy,), Uniform(), Constant(), made(48, "news"), 10, 5)
    lanes = {lane.label: lane.cells for lane in drawn(timeline, 10).lanes}
    assert list(lanes) == ["embeddings", "blocks 1–30", "blocks 31–48", "head.news"]
    assert {cell.trains for cell in lanes["blocks 1–30"]} == {"none"}
    assert {cell.trains for cell in lanes["blocks 31–48"]} == {"all"}


@pytest.mark.parametrize(("blocks", "lanes", "last"), [(25, 13, "block 25"), (48, 24, "blocks 47–48")])
def test_many_different_blocks_are_grouped_in_equal_numbers(blocks, lanes, last):
    policy = GradualUnfreeze(every=Duration(1, "st"))
    timeline = Timeline((policy,), LayerDecay(1e-3), Constant(), made(blocks, "news"), 60, 5)
    found = [lane for lane in drawn(timeline, 60).lanes if lane.label.startswith("block")]
    assert len(found) == lanes <= MOST_BLOCKS
    assert (found[0].label, found[-1].label) == ("blocks 1–2", last)
    top = [cell.trains for cell in found[0].cells]
    assert top.index("some") + 1 == top.index("all")  # block 2 thaws a step before block 1
    peak = max(cell.rate for cell in found[0].cells)
    assert peak == pytest.approx(1e-3 * 0.9 ** (blocks - 1))  # that of block 2, the faster one


def test_a_million_steps():
    timeline = Timeline((FreezeNone(),), Uniform(), Constant(), made(2, "news"), 1_000_000, 5)
    short = Timeline((FreezeNone(),), Uniform(), Constant(), made(2, "news"), 1, 5)
    [moment] = short.moments()
    grid = drawing(timeline, [moment] * 1_000_000, 200)
    assert (grid.columns, grid.total, len(grid.borders)) == (200, 1_000_000, 1)
    assert {cell.level for lane in grid.lanes for cell in lane.cells} == {LEVELS}

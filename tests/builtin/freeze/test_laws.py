import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.freeze.all import FreezeAll
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.embeddings import FreezeEmbeddings
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.head import FreezeHead
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.freeze.top_layers import TopLayers
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import param_tables, progresses

POLICIES = (
    FreezeNone(),
    FreezeAll(),
    FreezeBackbone(),
    FreezeHead("news"),
    FreezeHead(("news", "head")),
    FreezeEmbeddings(),
    BottomLayers(layers=3),
    BottomLayers(share=0.5, embeddings=False),
    TopLayers(layers=2),
    TopLayers(share=0.5, final=False),
    Pattern(("blocks[0:2] | *.bias",), ("type:norm",)),
    GradualUnfreeze(Duration(7, "st"), 2, Duration(10, "%")),
    Phases(
        (
            PhaseSpec(Duration(5, "st"), ("backbone",), "heads only"),
            PhaseSpec(Duration(50, "%"), ("embeddings", "blocks[0:4]")),
            PhaseSpec(None, ("head.news",)),
        )
    ),
)


def trained(policy, table: ParamTable, progress: Progress) -> set[str]:
    phase = policy.phase(progress)
    return {row.name for row in table if policy.trainable(row, table, phase)}


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@given(table=param_tables(), progress=progresses(), data=st.data())
@settings(max_examples=15)
def test_pure_and_independent_of_row_order(policy, table, progress, data):
    shuffled = ParamTable(tuple(data.draw(st.permutations(table.rows))), table.depth)
    once = trained(policy, table, progress)
    assert trained(policy, shuffled, progress) == once
    assert trained(policy, table, progress) == once


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@given(table=param_tables(max_depth=6), total=st.integers(0, 40), per_epoch=st.integers(1, 20))
@settings(max_examples=10)
def test_asked_at_a_step_is_as_walked_to_it(policy, table, total, per_epoch):
    steps = [Progress(step, total, per_epoch) for step in range(total + 5)]
    walked = [trained(policy, table, step) for step in steps]
    assert [trained(policy, table, step) for step in reversed(steps)] == walked[::-1]


@given(param_tables(), progresses())
def test_none_and_all_are_complements(table, progress):
    assert trained(FreezeNone(), table, progress) == set(table.names)
    assert trained(FreezeAll(), table, progress) == set()


@given(param_tables(), progresses())
def test_backbone_and_all_heads_are_complements(table, progress):
    heads = trained(FreezeBackbone(), table, progress)
    backbone = trained(FreezeHead(table.tasks), table, progress)
    assert heads.isdisjoint(backbone)
    assert heads | backbone == set(table.names)


@given(param_tables(), st.integers(0, 26), progresses())
def test_bottom_and_top_partition_the_backbone(table, layers, progress):
    rest = max(0, table.depth - layers)
    everything = set(table.names)
    below = everything - trained(BottomLayers(layers=layers), table, progress)
    above = everything - trained(TopLayers(layers=rest), table, progress)
    assert below.isdisjoint(above)
    assert below | above == {row.name for row in table if row.role != "head"}

"""Timelines over generated and hand-made tables, for the tests of what is drawn of them."""

from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.plan.timeline import Timeline
from mtlkit.testing.strategies import param_tables

POLICIES = (
    FreezeNone(),
    FreezeBackbone(),
    BottomLayers(layers=1),
    GradualUnfreeze(every=Duration(2, "st")),
    Pattern(("backbone",), ("type:bias",)),
    Phases((PhaseSpec(Duration(3, "st"), ("backbone",), "first"), PhaseSpec(None, (), "then"))),
)
SCHEDULES = (Uniform(), LayerWise(0.0, 5e-3, 1e-2), LayerDecay(1e-3))
CURVES = (Constant(), Linear(), Cosine(warmup=Duration(3, "st")))


def timelines(**tables) -> st.SearchStrategy[Timeline]:
    return st.builds(
        Timeline,
        st.lists(st.sampled_from(POLICIES), min_size=1, max_size=2).map(tuple),
        st.sampled_from(SCHEDULES),
        st.sampled_from(CURVES),
        param_tables(**tables),
        st.integers(0, 30),
        st.just(5),
    )


def made(blocks: int, *tasks: str) -> ParamTable:
    """A table with two weights in every block."""
    rows = [Row("backbone.embeddings.weight", (4, 2), BACKBONE, "embeddings", 0, "embedding")]
    for depth in range(1, blocks + 1):
        path = f"backbone.layer.{depth - 1}"
        rows += [
            Row(f"{path}.weight", (2, 2), BACKBONE, "block", depth, "weight"),
            Row(f"{path}.bias", (2,), BACKBONE, "block", depth, "bias"),
        ]
    rows += [Row(f"heads.{task}.weight", (2,), task, "head", blocks + 2, "weight") for task in tasks]
    return ParamTable(tuple(rows), blocks)

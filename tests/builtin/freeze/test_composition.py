"""Several policies together: their order never matters, and a weight trains where all say so."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.alternate import Alternate
from mtlkit.builtin.freeze.attention_only import AttentionOnly
from mtlkit.builtin.freeze.bias_only import BiasOnly
from mtlkit.builtin.freeze.chain_thaw import ChainThaw
from mtlkit.builtin.freeze.freeze_out import FreezeOut
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.lisa import Lisa
from mtlkit.builtin.freeze.lp_ft import LpFt
from mtlkit.builtin.freeze.norm_only import NormOnly
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.freeze.sequential_unfreeze import SequentialUnfreeze
from mtlkit.builtin.freeze.triggers import Lasts, OnMetric, OnPlateau
from mtlkit.builtin.freeze.unfreeze_at import UnfreezeAt
from mtlkit.builtin.freeze.unfreeze_on_metric import UnfreezeOnMetric
from mtlkit.builtin.freeze.unfreeze_on_plateau import UnfreezeOnPlateau
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.contracts.duration import Duration
from mtlkit.plan.timeline import Timeline
from mtlkit.testing.strategies import metric_logs, param_tables

FIVE = Duration(5, "st")
LOSS = "news/loss"
POLICIES = (
    BiasOnly(),
    NormOnly(),
    AttentionOnly(),
    LpFt(FIVE),
    UnfreezeAt(("embeddings", "blocks[0:2]"), FIVE),
    UnfreezeOnMetric(LOSS, 0.3, "below"),
    UnfreezeOnPlateau(LOSS, 1, 0.0, "min"),
    Alternate(FIVE, (("blocks",), ("embeddings", "final"))),
    FreezeOut(),
    Lisa(FIVE, 1),
    GradualUnfreeze(FIVE),
    GradualUnfreeze(FIVE, order="up"),
    ChainThaw(FIVE),
    SequentialUnfreeze(("heads", "blocks", "embeddings"), FIVE),
    Phases((PhaseSpec(OnPlateau(LOSS, 1), ("backbone",)), PhaseSpec(Lasts(FIVE), ("heads",)), PhaseSpec())),
    Phases((PhaseSpec(OnMetric(LOSS, 0.5), ("type:norm",), "a"), PhaseSpec(None, (), "b"))),
)
LISTED = st.lists(st.sampled_from(POLICIES), min_size=1, max_size=4)


def walked(policies, table, log):
    line = Timeline(tuple(policies), LayerWise(1e-3, 2e-3, 3e-3), Linear(), table, 25, 5)
    moments = list(line.moments(lambda: log))
    return moments, [
        (phase.start, phase.end, phase.trainable, phase.frozen) for phase in line.phases(moments)
    ]


@given(LISTED, param_tables(max_depth=4), metric_logs(max_step=25), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_the_tables_never_matters(policies, table, log, random):
    mixed = random.sample(policies, len(policies))
    assert walked(mixed, table, log) == walked(policies, table, log)
    assert walked([*policies, policies[0]], table, log) == walked(policies, table, log)


@given(LISTED, param_tables(max_depth=4), metric_logs(max_step=25))
@settings(max_examples=40)
def test_a_weight_trains_where_all_say_so(policies, table, log):
    together, _ = walked(policies, table, log)
    alone = [walked([policy], table, log)[0] for policy in policies]
    for step, moment in enumerate(together):
        assert moment.trainable == frozenset.intersection(*(each[step].trainable for each in alone))


def test_all_of_the_new_ones_are_in():
    assert len(POLICIES) >= 12
    assert len({type(policy) for policy in POLICIES}) >= 12

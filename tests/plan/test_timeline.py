import math

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Measurement
from mtlkit.contracts.rates import LRSchedule
from mtlkit.errors import PluginError
from mtlkit.plan.timeline import Timeline
from mtlkit.testing.strategies import param_tables

ALTERNATING = Phases(
    (
        PhaseSpec(Duration(2, "st"), ("backbone",)),
        PhaseSpec(Duration(5, "st"), ()),
        PhaseSpec(Duration(7, "st"), ("backbone",)),
        PhaseSpec(None, ()),
    )
)
policies = st.lists(
    st.sampled_from(
        [
            FreezeNone(),
            FreezeBackbone(),
            BottomLayers(layers=1),
            GradualUnfreeze(every=Duration(2, "st")),
            ALTERNATING,
        ]
    ),
    min_size=1,
    max_size=3,
)
schedules = st.sampled_from([Uniform(), LayerWise(1e-3, 5e-3, 1e-2), LayerDecay(1e-3)])
curves = st.sampled_from(
    [
        Constant(),
        Linear(),
        Cosine(warmup=Duration(3, "st")),
        Linear(rewarm=Duration(3, "st")),
        Constant(rewarm=Duration(4, "st"), rewarm_scope="all"),
    ]
)
lines = st.builds(
    Timeline,
    policies.map(tuple),
    schedules,
    curves,
    param_tables(max_depth=4),
    st.integers(0, 12),
    st.integers(1, 5),
)


@settings(max_examples=80)
@given(lines)
def test_groups_partition_all_weights(line):
    names = [name for group in line.groups.values() for name in group]
    assert sorted(names) == sorted(line.table.names)
    assert len(set(names)) == len(names)
    assert all(line.groups.values())


@settings(max_examples=80)
@given(lines)
def test_moments_are_one_per_step_and_the_same_each_time(line):
    moments = list(line.moments())
    assert [moment.progress.step for moment in moments] == list(range(line.total))
    assert moments == list(line.moments())


@settings(max_examples=80)
@given(lines)
def test_a_weight_trains_where_all_policies_and_its_author_agree(line):
    for moment in line.moments():
        for row in line.table:
            agreed = all(
                policy.trainable(row, line.table, policy.phase(moment.progress)) for policy in line.policies
            )
            assert (row.name in moment.trainable) == (agreed and row.trainable)


@settings(max_examples=80)
@given(lines)
def test_phases_cover_the_run_and_hold_every_weight_once(line):
    moments = list(line.moments())
    phases = line.phases(moments)
    assert [step for phase in phases for step in range(phase.start, phase.end)] == list(range(line.total))
    for phase in phases:
        assert phase.start < phase.end
        assert sorted(phase.trainable + phase.frozen) == sorted(line.table.names)
        assert all(set(phase.trainable) == moments[step].trainable for step in range(phase.start, phase.end))
    assert all(one.trainable != two.trainable for one, two in zip(phases, phases[1:], strict=False))


@settings(max_examples=80)
@given(lines)
def test_a_rate_is_what_schedule_and_curve_say_of_the_age_since_the_thaw_and_0_where_frozen(line):
    ages = {}
    for moment in line.moments():
        assert moment.rates.keys() == line.groups.keys()
        training = [group for group, names in line.groups.items() if not moment.trainable.isdisjoint(names)]
        ages = {group: ages.get(group, -1) + 1 for group in training}
        for group, rate in moment.rates.items():
            if group not in ages:
                assert rate == 0.0
                continue
            seen = min(ages.values()) if line.curve.rewarm_scope == "all" else ages[group]
            factor = line.curve.factor(moment.progress, seen)
            assert rate == line.schedule.rate(group, moment.progress, ages[group]) * factor


def test_after_a_thaw_the_rates_of_the_group_rise_again_or_those_of_all():
    thaw = Phases((PhaseSpec(Duration(3, "st"), ("backbone",)), PhaseSpec(None, ())))
    rates = {}
    for scope in ("group", "all"):
        curve = Constant(rewarm=Duration(4, "st"), rewarm_scope=scope)
        line = Timeline((thaw,), LayerWise(0.4, 0.4, 0.8), curve, TABLE, 9, 3)
        moments = list(line.moments())
        rates[scope] = {group: [round(moment.rates[group], 9) for moment in moments] for group in line.groups}
    alone = [0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    assert rates["group"] == {"embeddings": alone, "head.t": [0.8] * 9}
    together = [0.8, 0.8, 0.8, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8]
    assert rates["all"] == {"embeddings": alone, "head.t": together}


def test_with_one_group_nothing_thaws():
    thaw = Phases((PhaseSpec(Duration(3, "st"), ("backbone",)), PhaseSpec(None, ())))
    line = Timeline((thaw,), Uniform(0.5), Constant(rewarm=Duration(4, "st")), TABLE, 9, 3)
    assert [moment.rates["all"] for moment in line.moments()] == [0.5] * 9


@frozen
class OnPlateau(FreezePolicy):
    """Thaws the backbone once a metric has come up."""

    def phase(self, progress):
        return int(any(entry.value > 0.5 for entry in progress.metrics))

    def trainable(self, row, table, phase):
        return row.role == "head" or phase == 1


TABLE = ParamTable(
    (
        Row("backbone.e", (1,), "backbone", "embeddings", 0, "weight"),
        Row("heads.t.w", (1,), "t", "head", 1, "weight"),
    ),
    0,
)


def test_the_log_is_read_anew_before_each_step_and_only_what_was_known_then_counts():
    line = Timeline((OnPlateau(),), Uniform(), Constant(), TABLE, 6, 3)
    log = []
    sizes = []
    for moment in line.moments(lambda: log):
        sizes.append(len(moment.trainable))
        if moment.progress.step == 2:
            log.append(Measurement(3, "t/x", 0.9))
        assert all(entry.step <= moment.progress.step for entry in moment.progress.metrics)
    assert sizes == [1, 1, 1, 2, 2, 2]
    assert [len(moment.trainable) for moment in line.moments()] == [1] * 6
    assert line.progress(2, log).metrics == ()


@pytest.mark.parametrize("rate", [-1e-9, math.nan, math.inf])
def test_a_rate_that_no_optimizer_may_have_is_refused(rate):
    class Wrong(LRSchedule):
        def group(self, row, table):
            return "all"

        def rate(self, group, progress, age):
            return rate

    line = Timeline((FreezeNone(),), Wrong(), Constant(), TABLE, 2, 1)
    with pytest.raises(PluginError) as caught:
        list(line.moments())
    assert str(caught.value) == (
        f"the rate of group 'all' at step 0 is {rate}  Wrong.rate and Constant.factor must be finite and ≥ 0"
    )

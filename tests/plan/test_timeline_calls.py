"""How often a timeline asks: never twice for what it knows, so that long plans stay cheap."""

from attrs import define, field

from mtlkit.builtin.freeze.alternate import Alternate
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.rates import Curve
from mtlkit.plan.timeline import Timeline
from tests.plan.timelines import made

STEPS = 60


@define
class Counted(Curve):
    """Half of the peak, and the ages that it was asked about, by step."""

    asked: list[tuple[int, int]] = field(factory=list)

    def factor(self, progress, age):
        self.asked.append((progress.step, age))
        return 0.5


@define
class Watched(FreezePolicy):
    """Another policy, and the phases in which it was asked what trains."""

    inner: FreezePolicy
    asked: list[tuple[str, int]] = field(factory=list)

    def phase(self, progress):
        return self.inner.phase(progress)

    def trainable(self, row, table, phase):
        self.asked.append((row.name, phase))
        return self.inner.trainable(row, table, phase)


def walked(policy):
    curve, watched = Counted(), Watched(policy)
    line = Timeline((watched,), LayerDecay(1e-3), curve, made(4, "a", "b"), STEPS, 10)
    return list(line.moments()), line, curve.asked, watched.asked


def test_groups_of_one_age_share_a_factor():
    moments, line, factors, _ = walked(FreezeNone())
    assert len(line.groups) > 4
    assert factors == [(step, step) for step in range(STEPS)]
    assert all(rate > 0 for moment in moments for rate in moment.rates.values())


def test_groups_that_thawed_at_different_steps_have_factors_of_their_own():
    moments, _, factors, _ = walked(GradualUnfreeze(Duration(10, "st")))
    assert len(factors) == len(set(factors))
    for moment in moments:
        ages = {age for step, age in factors if step == moment.progress.step}
        assert len(ages) == min(6, 1 + moment.progress.step // 10)


def test_a_phase_that_comes_again_is_not_asked_about_again():
    _, line, _, asked = walked(Alternate(Duration(5, "st"), (("blocks[0:2]",), ("blocks[2:4]",))))
    assert len(asked) == len(set(asked)) == 2 * len(line.table)

import json

import pytest
import torch
from attrs import frozen
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.engine import apply as engine_apply
from mtlkit.engine import snapshot as engine_snapshot
from mtlkit.testing import watched_run
from mtlkit.testing.machine import LawBroken, rules, train_under
from mtlkit.testing.models import KINDS, model_specs
from mtlkit.testing.strategies import build_optimizer_of, optimizers

BACK_AND_FORTH = Phases(
    (
        PhaseSpec(Duration(2, "st"), ("backbone",)),
        PhaseSpec(Duration(3, "st"), ("embeddings",)),
        PhaseSpec(Duration(5, "st"), ("blocks", "heads")),
        PhaseSpec(None, ("backbone",)),
    )
)


class WhenItIsGood(FreezePolicy):
    """The backbone thaws for good once a metric has been above a half."""

    def phase(self, progress):
        return int(any(entry.value > 0.5 for entry in progress.metrics))

    def trainable(self, row, table, phase):
        return bool(phase) or row.role == "head"


class Scattered(FreezePolicy):
    """Another set in every step."""

    def phase(self, progress):
        return progress.step

    def trainable(self, row, table, phase):
        return (table.names.index(row.name) * 7 + phase * 3) % 5 < 3


POLICIES = (
    FreezeNone(),
    FreezeBackbone(),
    BottomLayers(layers=1),
    Pattern(freeze=("*.weight",)),
    GradualUnfreeze(every=Duration(2, "st")),
    BACK_AND_FORTH,
    WhenItIsGood(),
    Scattered(),
)
LR = LayerWise(0.1, 0.2, 0.3)
policies = st.lists(st.sampled_from(POLICIES), min_size=1, max_size=2)
REAL = tuple(kind for kind in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "Rprop"))


@settings(max_examples=100)
@given(model_specs(), rules(), policies, optimizers())
def test_every_law_holds_whatever_happens(spec, happens, chosen, optimizer):
    train_under(spec, happens, chosen, LR, optimizer, curve=Linear(0.1, Duration(2, "st")))


@settings(max_examples=15)
@given(model_specs(kinds=(*KINDS, "complex", "complex")), rules(), policies, optimizers(REAL))
def test_and_with_checkpoints_on_disk_and_complex_weights(tmp_path_factory, spec, happens, chosen, optimizer):
    train_under(spec, happens, chosen, LR, optimizer, folder=tmp_path_factory.mktemp("run"))


@given(rules())
def test_rules_are_plain_values(happens):
    told = json.dumps(happens)
    assert json.dumps(json.loads(told)) == told
    assert len(happens) >= 8


ALL_RULES = ("step", "skip", "evaluate", "report", "replan", "checkpoint", "restore", "flip", "stale")


@pytest.mark.parametrize("do", ALL_RULES)
def test_every_rule_is_drawn(do):
    def holds(happens):
        return any(rule["do"] == do for rule in happens)

    quick = settings(phases=[Phase.generate], max_examples=500, database=None)
    assert holds(find(rules(), holds, settings=quick))


def piece(kind, of=0):
    return {"kind": kind, "of": of, "frozen": False}


SPEC = {
    "seed": 3,
    "embeddings": [piece("batchnorm")],
    "blocks": {"1": [piece("linear"), piece("dropout")], "10": [piece("twin"), piece("queue")]},
    "final": [],
    "heads": {"news": [piece("linear"), piece("batchnorm")]},
}
STEP = {"do": "step", "micro": 1, "clear": "leave"}
SAVE, EVALUATE, REPLAN = {"do": "checkpoint"}, {"do": "evaluate"}, {"do": "replan"}
SAME = {"do": "restore", "which": 0, "into": "same"}
FRESH = {"do": "restore", "which": 0, "into": "fresh"}
STALE = {"do": "stale", "value": 1.0}
NAN = {"do": "skip", "micro": 1, "how": "nan"}
FLAG, MODE = ({"do": "flip", "what": what, "at": 1} for what in ("flag", "mode"))
HISTORY = [
    STEP,
    SAVE,
    STEP,
    NAN,
    EVALUATE,
    STEP,
    SAME,
    REPLAN,
    STEP,
    STALE,
    FLAG,
    MODE,
    STEP,
    FRESH,
    STEP,
    STEP,
]
ADAM = {"kind": "AdamW", "options": {}, "decay": 0.1, "foreach": False}


def broken_law(monkeypatch, policies=(BACK_AND_FORTH,), schedule=LR, optimizer=ADAM, **changes):
    """The law that a history with everything in it breaks when these parts of the engine are changed."""
    for name, change in changes.items():
        monkeypatch.setattr(watched_run, name, change)
    with pytest.raises(LawBroken) as caught:
        train_under(SPEC, HISTORY, policies, schedule, optimizer)
    assert str(caught.value) == f"{caught.value.law}: {caught.value.message}"
    return caught.value.law


def test_the_history_breaks_nothing_by_itself():
    train_under(SPEC, HISTORY, (BACK_AND_FORTH,), LR, ADAM)
    train_under(SPEC, HISTORY, (WhenItIsGood(),), LR, ADAM)


def flags_only(handles, trainable):
    for name, weight in handles.weights.items():
        for parameter in weight.parameters:
            parameter.requires_grad_(name in trainable)
    engine_apply.set_modes(handles.model, engine_apply.trainable_objects(handles, trainable))


def without_modes(handles, trainable):
    for name, weight in handles.weights.items():
        for parameter in weight.parameters:
            parameter.requires_grad_(name in trainable)
            parameter.grad = None if name not in trainable else parameter.grad


def first_view_only(handles, trainable):
    engine_apply.apply_trainable(handles, trainable)
    for name, weight in handles.weights.items():
        for parameter in weight.parameters[1:]:
            parameter.requires_grad_(name not in trainable)


def thaws_all(handles, trainable):
    engine_apply.apply_trainable(handles, frozenset(handles.weights))


def apply_and_write(handles, trainable):
    engine_apply.apply_trainable(handles, trainable)
    with torch.no_grad():
        handles.model.backbone.word.weight.mul_(0.5)


def all_train(model, training):
    for _, part in model.parts():
        part.train()


def restore_but(part):
    """A restore that forgets the weights, the buffers or the optimizer's state."""

    def forgetful(handles, optimizer, snapshot):
        before = watched_run.take(handles, optimizer)
        engine_snapshot.restore(handles, optimizer, snapshot)
        if part == "state":
            optimizer.state.clear()
        kept = {n: t for n, t in before.weights.items() if n.startswith("buffer:") == (part == "buffers")}
        if part != "state":
            engine_snapshot.put_back(handles, {**snapshot.weights, **kept})

    return forgetful


ENGINES = {
    "keeps gradients": ({"apply_trainable": flags_only}, {"F8"}),
    "leaves modes": ({"apply_trainable": without_modes}, {"F6"}),
    "forgets a view": ({"apply_trainable": first_view_only}, {"F7"}),
    "thaws all": ({"apply_trainable": thaws_all}, {"F7"}),
    "writes weights": ({"apply_trainable": apply_and_write}, {"F25"}),
    "trains all after a pass": ({"set_modes": all_train}, {"F6"}),
    "forgets eval": ({"set_eval": lambda model: None}, {"B6", "F4"}),
    "restores no weights": ({"restore": restore_but("weights")}, {"R1"}),
    "restores no buffers": ({"restore": restore_but("buffers")}, {"R1"}),
    "restores no state": ({"restore": restore_but("state")}, {"R1"}),
}


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_broken_engine_breaks_the_law_it_is_about(name, monkeypatch):
    changes, laws = ENGINES[name]
    assert broken_law(monkeypatch, **changes) in laws


class Forgetting(FreezePolicy):
    """Counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def phase(self, progress):
        self.asked += 1
        return self.asked

    def trainable(self, row, table, phase):
        return row.role == "head" or phase > 4


class FirstSeen(FreezePolicy):
    """Remembers the latest step it has seen, so that a restore does not bring it back."""

    def __init__(self):
        self.latest = 0

    def phase(self, progress):
        self.latest = max(self.latest, progress.step)
        return int(self.latest >= 2)

    def trainable(self, row, table, phase):
        return row.role == "head" or bool(phase)


def test_a_policy_with_a_memory_is_found(monkeypatch):
    assert broken_law(monkeypatch, (Forgetting(),)) in {"F10", "F20"}
    assert broken_law(monkeypatch, (FirstSeen(),)) == "F20"


@frozen
class Tiring(Uniform):
    """Slower each time it is asked."""

    asked: int = 0

    def rate(self, group, progress, age):
        object.__setattr__(self, "asked", self.asked + 1)
        return 0.1 / self.asked


def test_a_schedule_with_a_memory_is_found(monkeypatch):
    assert broken_law(monkeypatch, schedule=Tiring()) in {"L3", "L8"}


def adam(groups):
    return build_optimizer_of(ADAM, groups)


class Shrinking(torch.optim.SGD):
    """Decays what has no gradient, too."""

    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.mul_(0.99)
        super().step()


class Counting(torch.optim.SGD):
    """Counts the steps of what has no gradient, too."""

    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["seen"] = self.state[parameter].get("seen", 0) + 1
        super().step()


class Dropping(torch.optim.SGD):
    """Throws out of its groups what has no gradient."""

    def step(self):
        super().step()
        for group in self.param_groups:
            group["params"] = [parameter for parameter in group["params"] if parameter.grad is not None]


def doubled(groups):
    return torch.optim.SGD([{**groups[0], "params": groups[0]["params"] * 2}, *groups[1:]])


def without_last(groups):
    return torch.optim.SGD(groups[:-1])


OPTIMIZERS = {
    "decays the frozen": (lambda groups: Shrinking(groups), {"F1"}),
    "counts the frozen": (lambda groups: Counting(groups), {"F9"}),
    "drops the frozen": (lambda groups: Dropping(groups), {"P1"}),
    "lacks a group": (without_last, {"P1"}),
}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_broken_optimizer_breaks_the_law_it_is_about(name, monkeypatch):
    build, laws = OPTIMIZERS[name]
    assert broken_law(monkeypatch, optimizer=build) in laws


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate parameters")
def test_a_weight_twice_in_a_group_is_found(monkeypatch):
    assert broken_law(monkeypatch, optimizer=doubled) == "P2"

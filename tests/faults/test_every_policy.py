"""Exact resume under every built-in plugin that has a say in what trains, how fast, and with what memory."""

import random

import numpy
import pytest
import torch
from policies import CURVE, FREEZE, LR, NEED_ADAPTERS, REGULARIZER, built_in, table
from twins import go_on_from, reference

from mtlkit.errors import ResourceError

CHOSEN = {"freeze": FREEZE, "lr": LR, "lr.curve": CURVE, "regularizer": REGULARIZER}
PLACES = {"curve": "lr.curve"}
KINDS = ("freeze", "lr", "curve", "optimizer", "regularizer", "sampler", "balancer")
PHASED = table("freeze", "phases", {}, FREEZE)
CASES = [
    pytest.param(table(place, name, example, CHOSEN.get(place, {})), place == "freeze", id=f"{place}-{name}")
    for kind in KINDS
    for place in (PLACES.get(kind, kind),)
    for name, example in built_in(kind).items()
]


@pytest.mark.parametrize(("setting", "freezes"), CASES)
def test_around_a_phase_change(tmp_path, setting, freezes):
    """Right before, at and after a phase change of a run with dropout and accumulation."""
    more = () if freezes else (PHASED,)
    run = reference(tmp_path, [setting, *more], length="12st", dropout=0.2, last=6)
    border = min(5, next(iter(run.borders()), 3))
    steps = {max(1, border - 1), border, min(5, border + 1)} if freezes else {border}
    for step in sorted(steps):
        go_on_from(run, step, tmp_path)


FORGETFUL = """
import mtlkit
from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.head import LossTerm

class Forgetful(SequenceClassificationHead):
    calls = 0
    def loss(self, output, targets):
        self.calls += 1  # no buffer: lost with the process
        term = super().loss(output, targets)
        return LossTerm(term.sum * (1 + self.calls / 100), term.count)

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "forgetful", "forgets", SequenceClassification, __name__ + ":Forgetful")]
"""


def test_a_head_that_keeps_something_to_itself_is_caught(tmp_path):
    plugin = tmp_path / "forgetful_head.py"
    plugin.write_text(FORGETFUL)
    run = reference(tmp_path, ["tasks.sentiment.head.use=forgetful"], [plugin], last=5)
    with pytest.raises(AssertionError):
        go_on_from(run, 3, tmp_path)
    plugin.write_text(FORGETFUL + "\n# changed\n")
    with pytest.raises(ResourceError, match="distribution forgetful_head.py was sha256 "):
        go_on_from(run, 4, tmp_path)


GAMBLING = """
import random
import mtlkit, numpy, torch
from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.head import LossTerm

class Gambling(SequenceClassificationHead):
    def loss(self, output, targets):
        term = super().loss(output, targets)
        luck = 1 + random.random() + float(numpy.random.random()) + float(torch.rand(()))
        return LossTerm(term.sum * luck, term.count)

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "gambling", "draws", SequenceClassification, __name__ + ":Gambling")]
"""


def test_what_a_head_draws_from_global_generators_is_drawn_again(tmp_path):
    plugin = tmp_path / "gambling_head.py"
    plugin.write_text(GAMBLING)
    before = random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    run = reference(tmp_path, ["tasks.sentiment.head.use=gambling"], [plugin], last=5)
    assert (random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
    for seed in (random.seed, numpy.random.seed, torch.manual_seed):
        seed(1)
    go_on_from(run, 3, tmp_path)


def test_every_freeze_policy_is_tried():
    assert set(FREEZE) <= set(built_in("freeze"))
    assert not NEED_ADAPTERS & set(built_in("freeze"))
    assert len(CASES) >= 70

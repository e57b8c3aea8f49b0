"""No work for what is frozen: no gradient, no optimizer state, nothing kept for a backward pass."""

import pytest
from engine_recipes import of_type, write_recipe

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import PhaseStarted
from mtlkit.engine.checkpoint import read
from mtlkit.engine.loop import train
from mtlkit.engine.session import open_session

FREEZES = {
    "backbone": 'use = "backbone"',
    "bottom": 'use = "bottom-layers"\nlayers = 1',
    "middle": 'use = "pattern"\nfreeze = ["blocks[1]"]',
    "biases train": 'use = "bias-only"',
    "phases": 'use = "phases"\nphases = [{ until = "3st", freeze = ["backbone"] }, { freeze = ["embeddings", "blocks[0]"] }]',
}
OPTIMIZERS = ("adamw", "adam", "adafactor", "lion", "sgd")


def session_of(folder, freeze, *overrides):
    path = write_recipe(folder, freeze=f"[freeze]\n{freeze}\n", length="6st", dropout=0.1)
    return open_session(preview(mtlkit.plan(mtlkit.load(path, overrides))))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES)
def test_what_is_never_trained_has_no_gradient_and_no_state(tmp_path, freeze, optimizer):
    momentum = ["optimizer.momentum=0.9"] if optimizer == "sgd" else []
    session = session_of(tmp_path, freeze, f"optimizer.use={optimizer}", *momentum)
    ever = {name for phase in session.preview.phases for name in phase.trainable}
    never = set(session.handles.weights) - ever
    assert never
    assert ever
    step, with_gradient = session.optimizer.step, []

    def spy(*given):
        with_gradient.append(
            {
                name
                for name, weight in session.handles.weights.items()
                if any(each.grad is not None for each in weight.parameters)
            }
        )
        return step(*given)

    session.optimizer.step = spy
    events = list(train(session, tmp_path / "checkpoints"))
    phases = of_type(events, PhaseStarted)
    trained = [set(phase.trainable) for phase in session.preview.phases]
    for number, seen in enumerate(with_gradient):
        now = sum(phase.step <= number for phase in phases) - 1
        assert seen <= trained[now]
    assert set().union(*with_gradient) == ever
    known = {
        name
        for name, weight in session.handles.weights.items()
        if any(session.optimizer.state.get(each) for each in weight.parameters)
    }
    assert known == ever
    (last,) = (tmp_path / "checkpoints").glob("step-00000006")
    assert {key.split("::")[0] for key in read(last).state} <= ever


@pytest.mark.parametrize(("freeze", "most"), [("backbone", 0), ("bottom", 1), ("middle", 3)])
def test_nothing_below_the_lowest_trained_block_is_kept_for_a_gradient(tmp_path, freeze, most):
    """Of the two blocks and the embeddings, only what trains and what is above it is part of a graph."""
    session = session_of(tmp_path, FREEZES[freeze])
    graphs = []
    for block in (session.built.backbone.embeddings, *session.built.backbone.blocks):
        block.register_forward_hook(
            lambda module, args, output: graphs.append((id(module), output.requires_grad))
        )
    list(train(session, tmp_path / "checkpoints"))
    assert len({module for module, wanted in graphs if wanted}) == most

"""Optimizers of torch step as torch has them, without its compiler and without a look at groups that stand still."""

import copy
import subprocess
import sys

import pytest
import torch
from engine_optimizers import OPTIMIZERS
from torch.optim import optimizer as module

from mtlkit.engine.without_compiler import lean_step

STEPS = 4


def stepped(kind, lean):
    """Weights and state after some steps in which the groups take turns to have gradients."""
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(3, 4)) for _ in range(3)]
    optimizer = OPTIMIZERS[kind](
        [{"params": [weight], "names": [str(at)]} for at, weight in enumerate(weights)]
    )
    if lean:
        lean_step(optimizer)
    groups = optimizer.param_groups
    for step in range(STEPS):
        for at, weight in enumerate(weights):
            weight.grad = torch.randn(3, 4) if (step + at) % 3 else None
        optimizer.step()
        assert optimizer.param_groups is groups
    return [weight.detach() for weight in weights], copy.deepcopy(optimizer.state_dict()["state"])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weights_and_state_are_those_of_torchs_own_step(kind):
    (ours, our_state), (theirs, their_state) = stepped(kind, lean=True), stepped(kind, lean=False)
    assert all(map(torch.equal, ours, theirs))
    assert our_state.keys() == their_state.keys()
    for at, state in their_state.items():
        assert our_state[at].keys() == state.keys()
        for key, value in state.items():
            same = torch.equal if isinstance(value, torch.Tensor) else lambda a, b: a == b
            assert same(our_state[at][key], value)


def test_hooks_are_called():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    lean_step(optimizer)
    called = []
    optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    weight.grad = torch.ones(2)
    optimizer.step()
    assert called == ["before", "after"]


def test_hooks_of_all_optimizers_are_called():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    lean_step(optimizer)
    called = []
    hook = module.register_optimizer_step_post_hook(lambda *_: called.append("after"))
    weight.grad = torch.ones(2)
    optimizer.step()
    hook.remove()
    optimizer.step()
    assert called == ["after"]


class Strange(torch.optim.SGD):
    """An optimizer of a stranger, with a step of its own."""

    def step(self, closure=None):
        """Count."""
        self.counted = getattr(self, "counted", 0) + 1


@pytest.mark.parametrize(
    "optimizer",
    [
        Strange([torch.nn.Parameter(torch.ones(2))], lr=0.1),
        torch.optim.Adam([torch.nn.Parameter(torch.ones(2))], differentiable=True),
    ],
    ids=["a stranger's", "differentiable"],
)
def test_others_are_left_alone(optimizer):
    lean_step(optimizer)
    assert "step" not in vars(optimizer)


def test_no_compiler_is_imported():
    code = """
import sys, torch
from mtlkit.engine.without_compiler import lean_step, leave_compiler
weight = torch.nn.Parameter(torch.ones(2))
leave_compiler()
optimizer = torch.optim.AdamW([weight], fused=True)
lean_step(optimizer)
weight.grad = torch.ones(2)
optimizer.step()
assert not weight.detach().equal(torch.ones(2))
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

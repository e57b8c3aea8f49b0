"""Optimizers come without torch's compiler."""

import subprocess
import sys

CODE = """
import sys

import torch

from mtlkit.engine.uncompiled import leave_compiler

leave_compiler()
optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
optimizer.load_state_dict(optimizer.state_dict())
optimizer.zero_grad()
assert "torch._dynamo" not in sys.modules
"""


def test_an_optimizer_is_built_saved_and_restored_without_the_compiler():
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=120)


def test_functions_that_torch_has_made_already_are_kept():
    from torch.optim import Optimizer

    from mtlkit.engine.uncompiled import MARK, leave_compiler

    leave_compiler()
    before = getattr(Optimizer.zero_grad.__wrapped__, MARK)
    leave_compiler()
    assert getattr(Optimizer.zero_grad.__wrapped__, MARK) is before

"""Optimizers come without torch's compiler."""

import subprocess
import sys

from engine_recipes import write_recipe

CODE = """
import sys

import torch

from mtlkit.engine.without_compiler import leave_compiler

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

    from mtlkit.engine.without_compiler import MARK, leave_compiler

    leave_compiler()
    before = getattr(Optimizer.zero_grad.__wrapped__, MARK)
    leave_compiler()
    assert getattr(Optimizer.zero_grad.__wrapped__, MARK) is before


def test_a_run_of_no_steps_imports_no_compiler(tmp_path):
    recipe = write_recipe(tmp_path, length="0st", more="")
    code = (
        "import sys, mtlkit\n"
        f"mtlkit.run(mtlkit.plan(mtlkit.load({str(recipe)!r})), {str(tmp_path / 'runs')!r})\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0

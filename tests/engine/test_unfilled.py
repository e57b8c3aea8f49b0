"""Modules laid out without memory draw no numbers."""

import subprocess
import sys

import torch
from torch import nn

from mtlkit.engine.unfilled import unfilled


def test_modules_laid_out_have_shapes_and_draw_nothing():
    state = torch.random.get_rng_state()
    with unfilled():
        module = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3), nn.LayerNorm(3))
        nn.init.trunc_normal_(module[1].weight, std=0.1)
        nn.init.xavier_uniform_(module[1].weight)
    assert [tuple(weight.shape) for weight in module.parameters()] == [(9, 4), (3, 4), (3,), (3,), (3,)]
    assert all(weight.is_meta for weight in module.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)
    outside = nn.Linear(2, 2)
    assert outside.weight.abs().sum() > 0


def test_laying_out_a_model_does_not_import_the_compiler():
    code = (
        "import sys, torch\nfrom torch import nn\nfrom mtlkit.engine.unfilled import unfilled\n"
        "with unfilled():\n    nn.Embedding(4, 4), nn.Linear(2, 2), nn.Conv1d(2, 2, 3)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

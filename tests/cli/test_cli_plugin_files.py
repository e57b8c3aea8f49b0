"""Plugins of a stranger, in one file each, named on the command line."""

import json
from pathlib import Path

from mtlkit.cli.main import _code

ROOT = Path(__file__).parents[2]
BASE = ROOT / "recipes" / "scenarios" / "base.toml"

POLICY = """
import mtlkit
from attrs import frozen
from mtlkit import option


@frozen
class Wide(mtlkit.FreezePolicy):
    '''Freezes matrices above a size.'''

    above: int = option("the number of entries above which a weight is frozen")

    def trainable(self, row, table, phase):
        return row.numel <= self.above


@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("freeze", "wide", "freezes large weights", Wide)]
"""

HEAD = """
import mtlkit
from attrs import frozen
from mtlkit import option


@frozen
class Regression:
    text: str = option("column of the text", "text")
    value: str = option("column of the number", "value")


def build(options, context):
    import numpy as np
    import torch

    class Head(torch.nn.Module):
        views, needs, pooling = ((options.text,),), "pooled", "mean"

        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(context.hidden_size, 1)
        def targets(self, rows):
            return torch.tensor([float(row[options.value]) for row in rows])
        def count(self, targets):
            return float(len(targets))
        def forward(self, features):
            return self.line(features[0].pooled)[:, 0]
        def loss(self, output, targets):
            return mtlkit.LossTerm((output - targets).square().sum(), len(targets))
        def decode(self, output):
            return output.tolist()
        def metrics(self, predictions, rows):
            gaps = np.asarray(predictions) - self.targets(rows).numpy()
            return (mtlkit.Measure("mse", gaps[:, None], lambda each: float((each**2).mean()), False),)
    return Head()


@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "number", "a number for each text", Regression, "mtlkit_test_head:build")]
"""


def test_a_policy_from_a_file(capsys, tmp_path):
    plugin = tmp_path / "mtlkit_test_policy.py"
    plugin.write_text(POLICY)
    recipe = tmp_path / "r.toml"
    recipe.write_text(f'extends = "{BASE}"\n[freeze]\nuse = "wide"\nabove = 1024\n')
    assert _code(["validate", str(recipe)]) == 2
    assert "there is no freeze policy 'wide'" in capsys.readouterr().err
    assert _code(["plan", str(recipe), "--plugin", str(plugin), "--json"]) == 0
    [phase] = json.loads(capsys.readouterr().out)["phases"]
    assert "backbone.embeddings.tokens.weight" in phase["frozen"]
    assert "backbone.blocks.0.out.weight" in phase["trainable"]
    assert _code(["schema", "--plugin", str(plugin)]) == 0
    policies = json.loads(capsys.readouterr().out)["$defs"]["freeze-plugin"]["oneOf"]
    [mine] = [each for each in policies if each["properties"]["use"]["const"] == "wide"]
    assert mine["required"] == ["use", "above"]


def test_a_head_from_a_file_learns(capsys, tmp_path):
    assert sum(bool(line.strip()) for line in HEAD.split("\n")) < 40
    plugin = tmp_path / "mtlkit_test_head.py"
    plugin.write_text(HEAD)
    rows = [f"{'big' if number % 2 else 'small'} thing {number},{number % 2}" for number in range(64)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,value", *rows]))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'name = "sizes"\nseed = 1\n[backbone]\nuse = "tiny"\n'
        '[data.sizes]\nuse = "csv"\npath = "rows.csv"\nsplit = { test = 0.25 }\n'
        '[tasks.size]\ndata = "sizes"\nhead = { use = "number" }\n'
        '[lr]\nuse = "uniform"\npeak = 5e-3\n[training]\nlength = "10ep"\nbatch_size = 8\n'
    )
    asked = ["run", str(recipe), "--plugin", str(plugin), "--out", str(tmp_path / "runs"), "--json"]
    assert _code(asked) == 0
    [(name, metric)] = json.loads(capsys.readouterr().out)["metrics"].items()
    assert name == "size/mse"
    assert metric["value"] < 0.5 * metric["start"]

"""What each selector matched, in the words of `mtlkit plan` and in its JSON."""

import json
from pathlib import Path

from mtlkit.cli.main import _code
from mtlkit.outputs.plan_selectors import selectors_document, selectors_text
from mtlkit.plan.matching import Matched

BASE = Path(__file__).parents[2] / "recipes" / "scenarios" / "base.toml"
SETTINGS = (
    "training.length=3st",
    "freeze={ use = 'pattern', freeze = ['blocks[0] & type:bias', 'embeddings'], train = ['type:norm'] }",
    "regularizer={ use = 'l2-sp', weights = ['blocks[1] & type:norm'] }",
    "lr.curves={ heads = 'linear' }",
    "optimizer={ use = 'adamw', no_decay = ['type:bias & heads'] }",
)
SHOWN = """
selectors
  blocks[0] & type:bias     4 weights  backbone.blocks.0.qkv.bias … backbone.blocks.0.down.bias  (freeze.freeze[0])
  embeddings                4 weights  backbone.embeddings.tokens.weight … backbone.embeddings.norm.bias  (freeze.freeze[1])
  type:norm                10 weights  backbone.embeddings.norm.weight … backbone.blocks.1.norm2.bias  (freeze.train[0])
  blocks[1] & type:norm     4 weights  backbone.blocks.1.norm1.weight … backbone.blocks.1.norm2.bias  (regularizer.weights[0])
  type:bias & heads         2 weights  heads.embedding.projection.bias … heads.sentiment.tower.output.bias  (optimizer.no_decay[0])
  heads                     4 weights  heads.embedding.projection.weight … heads.sentiment.tower.output.bias  (lr.curves.heads)
"""


def arguments(*more):
    return ["plan", str(BASE), *(part for each in SETTINGS for part in ("--set", each)), *more]


def test_the_plan_shows_what_each_selector_matched(capsys):
    assert _code(arguments()) == 0
    assert SHOWN in capsys.readouterr().out


def test_its_json_names_the_weights(capsys):
    assert _code(arguments("--json")) == 0
    found = {each["path"]: each for each in json.loads(capsys.readouterr().out)["selectors"]}
    assert found["lr.curves.heads"]["selector"] == "heads"
    assert found["lr.curves.heads"]["weights"] == [
        "heads.embedding.projection.weight",
        "heads.embedding.projection.bias",
        "heads.sentiment.tower.output.weight",
        "heads.sentiment.tower.output.bias",
    ]


def test_none_one_and_nothing():
    assert selectors_text(()) == ""
    one = Matched(("freeze", 0, "what"), "final", False, ("backbone.norm.weight",))
    none = Matched(("lr",), "x.y", False, ())
    assert selectors_text((one, none)) == (
        "selectors\n  final     1 weights  backbone.norm.weight  (freeze[0].what)\n  x.y       0 weights    (lr)"
    )
    assert selectors_document((none,)) == [{"path": "lr", "selector": "x.y", "weights": []}]

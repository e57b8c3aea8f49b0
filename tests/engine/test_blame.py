"""A plugin that fails is named, with the call it failed in, and the run ends without a traceback."""

import pytest
from engine_recipes import run_recipe, write_recipe

from mtlkit.builtin.balancers.sum import Sum
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.builtin.samplers.proportional import Proportional
from mtlkit.cli.main import main
from mtlkit.errors import PluginError, UsageError, blaming


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), SystemExit(3)])
@pytest.mark.parametrize(
    ("cls", "call", "named"),
    [
        *((SequenceClassificationHead, call, "the head of task 'sentiment'") for call in
          ("targets", "forward", "loss", "decode", "metrics")),
        (Sum, "weights", "balancer 'sum'"),
        (Proportional, "mix", "sampler 'proportional'"),
    ],
)  # fmt: skip
def test_every_call_into_a_plugin_is_blamed_on_it(tmp_path, monkeypatch, cls, call, named, error):
    def fails(*_):
        raise error

    monkeypatch.setattr(cls, call, fails)
    with pytest.raises(PluginError) as caught:
        run_recipe(write_recipe(tmp_path, length="2st"))
    [problem] = caught.value.problems
    told = f"{type(error).__name__}: {error}"
    assert problem.message == f"{named} failed in {call}: {told}"
    assert problem.suggestion == "hold it against the kit with `mtlkit check`"


def test_the_command_ends_with_the_code_of_a_broken_plugin(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(SequenceClassificationHead, "loss", lambda *_: 1 / 0)
    with pytest.raises(SystemExit) as left:
        main(["run", str(write_recipe(tmp_path, length="2st")), "--out", str(tmp_path / "runs")])
    assert left.value.code == PluginError.exit_code
    assert "Traceback" not in capsys.readouterr().err


def test_errors_of_our_own_pass_as_they_are():
    with pytest.raises(UsageError, match="as it is"), blaming("x", "y"):
        raise UsageError("as it is")

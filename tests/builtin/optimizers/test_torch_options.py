import inspect
import subprocess
import sys

import pytest
import torch

from mtlkit.builtin.optimizers import torch_by_name, torch_options
from mtlkit.builtin.optimizers.torch_options import Torch
from mtlkit.builtin.optimizers.torch_signatures import arguments, sources

GROUPS = [{"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.1, "weight_decay": 0.0}]


def test_the_sources_say_what_the_classes_say():
    classes = {
        name: value
        for name, value in vars(torch.optim).items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
    }
    assert set(sources()) == set(classes)
    assert len(classes) >= 14
    for name, made in classes.items():
        assert set(arguments(name)) == set(inspect.signature(made).parameters)


def test_torch_is_not_imported_for_it():
    code = (
        "import sys; from mtlkit.builtin.optimizers.torch_options import Torch; "
        "Torch('RAdam', {'betas': (0.9, 0.99)}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


REFUSED = [
    (lambda: Torch("RAdm"), "torch.optim has no optimizer 'RAdm'; did you mean 'RAdam'?"),
    (
        lambda: Torch("LBFGS"),
        "torch.optim.LBFGS can't be used here: it asks for the loss several times in one step",
    ),
    (
        lambda: Torch("SparseAdam"),
        "torch.optim.SparseAdam can't be used here: it takes sparse gradients only",
    ),
    (
        lambda: Torch("Adam", {"beta": (0.9, 0.9)}),
        "torch.optim.Adam has no argument 'beta'; did you mean 'betas'?",
    ),
    (lambda: Torch("Adam", {"lr": 0.1}), "'lr' is no argument to write here: rates are written in [lr]"),
    (
        lambda: Torch("Adam", {"weight_decay": 0.1}),
        "'weight_decay' is no argument to write here: write weight_decay next to class_name",
    ),
    (
        lambda: Torch("SGD", {"maximize": True}),
        "'maximize' is no argument to write here: training lowers the loss",
    ),
    (
        lambda: Torch("SGD", {"zzz": 1}),
        "torch.optim.SGD has no argument 'zzz'; there are dampening, foreach, fused, momentum, nesterov",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=r".") as caught:
        make()
    assert str(caught.value) == message


def test_a_name_that_is_nothing_like_one_gets_the_whole_list():
    with pytest.raises(ValueError, match="there are Adadelta, Adafactor, Adagrad, Adam, AdamW"):
        Torch("qqq")


def test_without_sources_it_is_checked_when_built(monkeypatch):
    monkeypatch.setattr(torch_options, "sources", dict)
    monkeypatch.setattr(torch_options, "arguments", lambda _name: ())
    with pytest.raises(ValueError, match="torch.optim has no optimizer 'Adamm'"):
        torch_by_name.build(Torch("Adamm"), GROUPS)
    with pytest.raises(ValueError, match="torch.optim has no optimizer 'lr_scheduler'"):
        torch_by_name.build(Torch("lr_scheduler"), GROUPS)
    with pytest.raises(TypeError, match="beta"):
        torch_by_name.build(Torch("Adam", {"beta": 0.9}), GROUPS)


def test_a_value_that_the_class_refuses():
    with pytest.raises(ValueError, match="Invalid beta"):
        torch_by_name.build(Torch("Adam", {"betas": (2.0, 0.9)}), GROUPS)

import pytest
import torch
from hypothesis import given

from mtlkit.builtin.optimizers import adamw, sgd
from mtlkit.builtin.optimizers.options import AdamW, Sgd
from mtlkit.testing.strategies import param_tables

SHAPES = ((3, 2), (), (0,), (4,))
BUILDS = ((adamw.build, AdamW()), (sgd.build, Sgd(momentum=0.9, nesterov=True)), (sgd.build, Sgd()))


def weights(dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    return [torch.nn.Parameter(torch.randn(shape, dtype=dtype, generator=generator)) for shape in SHAPES]


def walk(optimizer, parameters, steps=3):
    generator = torch.Generator().manual_seed(5)
    for _ in range(steps):
        for parameter in parameters[:-1]:  # the last has no gradient, as if frozen
            parameter.grad = torch.randn(parameter.shape, dtype=parameter.dtype, generator=generator)
        optimizer.step()


@given(param_tables(max_depth=4))
def test_exempt_kinds_do_not_decay(table):
    for options in (AdamW(weight_decay=0.3), Sgd(weight_decay=0.3)):
        for row in table:
            assert options.decay(row) == (0.0 if row.kind in ("bias", "norm") else 0.3)
    assert all(AdamW(no_decay=()).decay(row) == 0.01 for row in table)
    assert all(
        (AdamW(no_decay=("type:embedding",)).decay(row) == 0) is (row.kind == "embedding") for row in table
    )


@pytest.mark.parametrize(("build", "options"), BUILDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_steps_are_those_of_torch(build, options, dtype):
    ours, theirs = weights(dtype), weights(dtype)
    groups = [
        {"params": ours[:2], "lr": 0.1, "weight_decay": 0.2},
        {"params": ours[2:], "lr": 0.3, "weight_decay": 0.0},
    ]
    optimizer = build(options, groups)
    with_momentum = (
        getattr(options, "momentum", 0) > 0
    )  # torch's fused SGD can't take a weight that thaws late
    assert bool(optimizer.defaults["fused"]) is (dtype is torch.float32 and not with_momentum)
    plain = [
        {"params": theirs[:2], "lr": 0.1, "weight_decay": 0.2},
        {"params": theirs[2:], "lr": 0.3, "weight_decay": 0.0},
    ]
    kept = {"foreach": False, "fused": False}
    if isinstance(options, AdamW):
        reference = torch.optim.AdamW(plain, betas=options.betas, eps=options.eps, **kept)
    else:
        reference = torch.optim.SGD(plain, momentum=options.momentum, nesterov=options.nesterov, **kept)
    before = ours[-1].detach().clone()
    walk(optimizer, ours)
    walk(reference, theirs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(ours[-1], before)


def test_options_reach_torch():
    optimizer = adamw.build(
        AdamW(betas=(0.8, 0.9), eps=1e-3), [{"params": weights(), "lr": 1.0, "weight_decay": 0.5}]
    )
    group = optimizer.param_groups[0]
    assert (group["betas"], group["eps"], group["lr"], group["weight_decay"]) == ((0.8, 0.9), 1e-3, 1.0, 0.5)


def test_nesterov_needs_momentum():
    with pytest.raises(ValueError, match=r".") as caught:
        Sgd(nesterov=True)
    assert str(caught.value) == "nesterov needs a momentum above 0"

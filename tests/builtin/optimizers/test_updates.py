"""Updates against torch, and against the papers' formulas written independently."""

import numpy as np
import pytest
import torch

from mtlkit.builtin.optimizers import adafactor, adam, lion, torch_by_name
from mtlkit.builtin.optimizers.kernels import kernel
from mtlkit.builtin.optimizers.options import Adafactor, Adam, Lion
from mtlkit.builtin.optimizers.torch_options import UNFIT, Torch
from mtlkit.builtin.optimizers.torch_signatures import arguments, sources

SHAPES = ((3, 2), (), (0,), (4,), (2, 3, 2))
FIT = sorted(set(sources()) - set(UNFIT))


def weights(shapes=SHAPES):
    generator = torch.Generator().manual_seed(3)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in shapes
    ]


def gradients(parameters, step):
    generator = torch.Generator().manual_seed(100 + step)
    return [torch.randn(each.shape, generator=generator, dtype=each.dtype) for each in parameters]


def walk(optimizer, parameters, steps=range(5)):
    for step in steps:
        for parameter, gradient in zip(parameters, gradients(parameters, step), strict=True):
            parameter.grad = gradient if parameter.numel() else None
        optimizer.step()


def grouped(parameters):
    return [
        {"params": parameters[:2], "names": ["a", "b"], "group": "low", "lr": 0.1, "weight_decay": 0.2},
        {
            "params": parameters[2:],
            "names": ["c", "d", "e"],
            "group": "high",
            "lr": 0.03,
            "weight_decay": 0.0,
        },
    ]


TWINS = [
    (adam.build, Adam(), lambda groups: torch.optim.Adam(groups)),
    (
        adam.build,
        Adam((0.7, 0.8), 1e-3, amsgrad=True),
        lambda groups: torch.optim.Adam(groups, betas=(0.7, 0.8), eps=1e-3, amsgrad=True),
    ),
    (adafactor.build, Adafactor(), lambda groups: torch.optim.Adafactor(groups)),
    (
        adafactor.build,
        Adafactor(-0.5, 1e-20, 1e-2, 2.0),
        lambda groups: torch.optim.Adafactor(groups, beta2_decay=-0.5, eps=(1e-20, 1e-2), d=2.0),
    ),
    (torch_by_name.build, Torch("RAdam"), lambda groups: torch.optim.RAdam(groups)),
    (
        torch_by_name.build,
        Torch("NAdam", {"betas": (0.8, 0.9), "momentum_decay": 0.01, "decoupled_weight_decay": True}),
        lambda groups: torch.optim.NAdam(
            groups, betas=(0.8, 0.9), momentum_decay=0.01, decoupled_weight_decay=True
        ),
    ),
]


@pytest.mark.parametrize(("build", "options", "reference"), TWINS)
def test_steps_are_those_of_torch(build, options, reference):
    ours, theirs = weights(), weights()
    optimizer = build(options, grouped(ours))
    plain = [{key: group[key] for key in ("params", "lr", "weight_decay")} for group in grouped(theirs)]
    walk(optimizer, ours)
    walk(reference(plain), theirs)
    for one, other, start in zip(ours, theirs, weights(), strict=True):
        torch.testing.assert_close(one, other)
        assert not one.numel() or not torch.equal(one, start)
    assert [group["group"] for group in optimizer.param_groups] == ["low", "high"]


@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.5, 0.0)])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_lion_is_algorithm_2(betas, decay):
    """Chen et al. 2023, algorithm 2, in numpy; rates differ from step to step."""
    ours = weights()
    optimizer = lion.build(Lion(betas), [{"params": ours, "lr": 0.0, "weight_decay": decay}])
    values = [each.detach().numpy().copy() for each in ours]
    momenta = [np.zeros_like(value) for value in values]
    beta1, beta2 = betas
    for step in range(6):
        rate = optimizer.param_groups[0]["lr"] = 0.1 / (step + 1)
        for number, gradient in enumerate(gradients(ours, step)):
            g, m = gradient.numpy(), momenta[number]
            update = np.sign(beta1 * m + (1 - beta1) * g)
            values[number] = values[number] - rate * (update + decay * values[number])
            momenta[number] = beta2 * m + (1 - beta2) * g
        walk(optimizer, ours, range(step, step + 1))
        for each, value, momentum in zip(ours, values, momenta, strict=True):
            np.testing.assert_allclose(each.detach().numpy(), value, rtol=1e-12, atol=1e-12)
            if each.numel():
                np.testing.assert_allclose(
                    optimizer.state[each]["exp_avg"].numpy(), momentum, rtol=1e-10, atol=1e-14
                )


def test_lion_leaves_what_has_no_gradient():
    ours = weights(((2, 2), (3,)))
    optimizer = lion.build(Lion(), [{"params": ours, "lr": 0.1, "weight_decay": 0.5}])
    before = ours[0].detach().clone()
    ours[1].grad = torch.ones(3, dtype=torch.float64)
    optimizer.step()
    assert torch.equal(ours[0], before)
    assert ours[0] not in optimizer.state
    assert set(optimizer.state[ours[1]]) == {"exp_avg"}


def test_lion_takes_a_closure():
    (weight,) = weights(((2,),))
    optimizer = lion.build(Lion(), [{"params": [weight], "lr": 0.1, "weight_decay": 0.0}])

    def closure():
        loss = weight.square().sum()
        loss.backward()
        return float(loss.detach())

    first = closure()
    assert optimizer.step(closure) == first
    assert float(weight.detach().square().sum()) < first


def test_adafactor_is_algorithm_5():
    """Shazeer & Stern 2018, algorithms 4 and 5, with a given rate, for a matrix of n × m."""
    (ours,) = weights(((3, 2),))
    options = Adafactor(eps1=1e-30)
    optimizer = adafactor.build(options, [{"params": [ours], "lr": 0.05, "weight_decay": 0.0}])
    value, rows, columns = ours.detach().numpy().copy(), np.zeros((3, 1)), np.zeros((1, 2))
    for step in range(1, 6):
        (gradient,) = gradients([ours], step - 1)
        g = gradient.numpy()
        rate = max(1e-3, np.sqrt(np.mean(value**2))) * min(0.05, 1 / np.sqrt(step))
        beta2 = 1 - step**-0.8
        rows = beta2 * rows + (1 - beta2) * np.mean(g**2, axis=1, keepdims=True)
        columns = beta2 * columns + (1 - beta2) * np.mean(g**2, axis=0, keepdims=True)
        update = g / np.sqrt(rows @ columns / np.mean(rows))
        value = value - rate * update / max(1.0, np.sqrt(np.mean(update**2)))
        walk(optimizer, [ours], range(step - 1, step))
        np.testing.assert_allclose(ours.detach().numpy(), value, rtol=1e-9)


@pytest.mark.parametrize("name", FIT)
def test_every_class_that_fits_rests_at_rate_0_and_moves_at_another(name):
    ours = weights()
    optimizer = torch_by_name.build(Torch(name), grouped(ours))
    for rate, moves in ((0.0, False), (0.1, True), (0.0, False)):
        for group in optimizer.param_groups:
            group["lr"] = rate
        before = [each.detach().clone() for each in ours]
        walk(optimizer, ours, range(3))
        moved = [not torch.equal(one, other) for one, other in zip(before, ours, strict=True)]
        assert moved == [moves and bool(each.numel()) for each in ours]
    assert arguments(name)[:2] == ("params", "lr")


def test_so_many_classes_fit():
    assert FIT == [
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "SGD",
    ]  # fmt: skip
    assert set(UNFIT) <= set(sources())


@pytest.mark.parametrize("name", ["Rprop", "ASGD"])
def test_why_some_do_not_fit(name):
    """After a step with a rate, these move on with rate 0."""
    ours = weights(((4,),))
    optimizer = getattr(torch.optim, name)([{"params": ours, "lr": 0.1}])
    walk(optimizer, ours, range(2))
    optimizer.param_groups[0]["lr"] = 0.0
    before = ours[0].detach().clone()
    walk(optimizer, ours, range(1))
    assert not torch.equal(before, ours[0])


@pytest.mark.parametrize("build", [torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD])
def test_a_weight_with_gaps_moves_alone_in_its_memory(build):
    """On a CPU torch's fused steps write through the gaps of a view, into what is another's."""
    memory = torch.zeros(8)
    weight = torch.nn.Parameter(memory[::2])
    groups = [{"params": [weight]}]
    assert kernel(groups) == {"foreach": True}
    optimizer = build(groups, lr=0.1, **kernel(groups))
    weight.grad = torch.ones(4)
    optimizer.step()
    assert bool(memory[::2].all())
    assert not memory[1::2].any()
    whole = [{"params": [torch.nn.Parameter(torch.zeros(2, 3, device=where))]} for where in ("cpu", "meta")]
    assert kernel(whole) == {"fused": True}

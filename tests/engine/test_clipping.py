"""Clipping is torch's own, whatever the norm: where nothing is to be clipped, nothing is touched."""

from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.engine.step import _clip_and_step

SHAPES = ((3, 4), (5,))


def weights(numbers):
    parts = torch.tensor(numbers).split([12, 5])
    found = [torch.nn.Parameter(torch.zeros(shape)) for shape in SHAPES]
    for weight, part in zip(found, parts, strict=True):
        weight.grad = part.view(weight.shape).clone()
    return found


@settings(deadline=None)
@given(
    st.lists(st.floats(-8, 8, width=32), min_size=17, max_size=17),
    st.none() | st.floats(0.5, 2) | st.just(1.0),
)
def test_a_step_is_that_of_torch_with_the_gradient_clipped(numbers, share):
    """The limit is `share` of the norm: below it, above it, and the norm itself."""
    ours, theirs = weights(numbers), weights(numbers)
    norm = torch.nn.utils.get_total_norm([weight.grad for weight in theirs])
    most = None if share is None else max(share * float(norm), 1e-3)
    if most is not None:
        torch.nn.utils.clip_grad_norm_(theirs, most)
    torch.optim.SGD(theirs, lr=1.0).step()
    training = SimpleNamespace(grad_clip=most)
    session = SimpleNamespace(
        optimizer=torch.optim.SGD(ours, lr=1.0), plan=SimpleNamespace(training=training)
    )
    assert _clip_and_step(session, None, {}) == float(norm)
    assert all(map(torch.equal, ours, theirs))

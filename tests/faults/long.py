"""What `make test-faults` runs: exact resume from every step of 60, under every policy and every rate."""

import pytest
from policies import CURVE, FREEZE, LR, built_in, table
from twins import go_on_from, reference

RATES = [
    *(table("lr", name, example, LR) for name, example in built_in("lr").items()),
    *(table("lr.curve", name, example, CURVE) for name, example in built_in("curve").items()),
]
POLICIES = [table("freeze", name, example, FREEZE) for name, example in built_in("freeze").items()]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("policy", POLICIES)
def test_from_every_step(tmp_path, policy, rate):
    run = reference(tmp_path, [policy, rate], length="60st", dropout=0.2)
    assert run.steps == 60
    for step in range(1, 61):
        go_on_from(run, step, tmp_path)

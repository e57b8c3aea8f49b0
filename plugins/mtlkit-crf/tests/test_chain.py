"""The chain against counting out all sequences."""

from __future__ import annotations

from collections import Counter
from math import inf, isinf
from typing import Any

import pytest
import torch
from attrs import evolve
from chain_cases import MISSING, Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st
from mtlkit_crf.chain import Chain
from torch import Tensor


def close(wanted: float | list[float]) -> Any:
    return pytest.approx(wanted, rel=1e-9, abs=1e-9)


def losses(case: Case) -> Tensor:
    return case.chain.negative_log_likelihood(case.emissions, case.alive, case.tags)


@settings(max_examples=150)
@given(case=cases())
def test_the_log_partition_is_the_sum_over_all_sequences(case: Case) -> None:
    everything = torch.ones_like(case.emissions, dtype=torch.bool)
    found = case.chain.log_sum(case.emissions, case.alive, everything).tolist()
    wanted = [case.log_sum(row, everything[row]) for row in range(len(found))]
    assert found == close(wanted)


@settings(max_examples=150)
@given(case=cases())
def test_the_restricted_sum_is_the_sum_over_the_sequences_that_agree(case: Case) -> None:
    allowed = torch.stack([case.agreeing(row) for row in range(len(case.lengths))])
    found = case.chain.log_sum(case.emissions, case.alive, allowed).tolist()
    wanted = [case.log_sum(row, allowed[row]) for row in range(len(found))]
    assert found == close(wanted)


@settings(max_examples=250)
@given(case=cases())
def test_the_loss_is_minus_the_log_of_the_share_that_agrees(case: Case) -> None:
    for row, found in enumerate(losses(case).tolist()):
        everything = torch.ones_like(case.emissions[row], dtype=torch.bool)
        given = case.tags[row, : case.lengths[row]] >= 0
        agreeing, total = case.log_sum(row, case.agreeing(row)), case.log_sum(row, everything)
        if not given.any():
            assert found == 0
        elif isinf(total):  # nothing at all is allowed: no likelihood
            assert not found < 0
        else:
            assert found == close(total - agreeing)
            assert found >= 0


def test_likelihoods_of_all_sequences_sum_to_one() -> None:
    random = torch.Generator().manual_seed(0)
    chain = Chain(torch.randn(3, generator=random), torch.randn(3, 3, generator=random))
    tags = torch.cartesian_prod(*[torch.arange(3)] * 4)
    emissions = torch.randn(1, 4, 3, generator=random).expand(len(tags), 4, 3)
    loss = chain.negative_log_likelihood(emissions, torch.ones(len(tags), 4, dtype=torch.bool), tags)
    assert len(loss) == 81
    assert float((-loss).exp().sum()) == pytest.approx(1, abs=1e-5)


@settings(max_examples=150)
@given(case=cases())
def test_the_best_sequence_has_the_highest_score(case: Case) -> None:
    path = case.chain.best(case.emissions, case.alive)
    for row, length in enumerate(case.lengths):
        everything = torch.ones_like(case.emissions[row], dtype=torch.bool)
        wanted = max(score for _, score in case.sequences(row, everything))
        assert case.score(row, tuple(path[row, :length].tolist())) == close(wanted)


@settings(max_examples=60)
@given(case=cases(forbid=False), more=st.integers(1, 3))
def test_dead_words_change_nothing(case: Case, more: int) -> None:
    rows, width, tags = case.emissions.shape
    wider = evolve(
        case,
        emissions=torch.cat([case.emissions, torch.full((rows, more, tags), -inf)], 1),
        tags=torch.cat([case.tags, torch.zeros(rows, more, dtype=torch.long)], 1),
    )
    torch.testing.assert_close(losses(wider), losses(case), atol=1e-12, rtol=1e-12)
    one, other = (each.chain.best(each.emissions, each.alive) for each in (case, wider))
    for row, length in enumerate(case.lengths):
        assert one[row, :length].tolist() == other[row, :length].tolist()
    assert other.shape[1] == width + more


@settings(max_examples=60)
@given(case=cases())
def test_rows_do_not_know_of_each_other(case: Case) -> None:
    alone = [
        losses(Case(case.chain, case.emissions[row : row + 1], [length], case.tags[row : row + 1]))
        for row, length in enumerate(case.lengths)
    ]
    torch.testing.assert_close(losses(case), torch.cat(alone), atol=1e-12, rtol=1e-12, equal_nan=True)


@settings(max_examples=25)
@given(case=cases(forbid=False), inside=st.booleans())
def test_gradients_are_those_of_finite_differences(case: Case, inside: bool) -> None:
    count = case.emissions.shape[2]
    moves = torch.zeros(count, count, dtype=torch.bool)
    starts = torch.zeros(count, dtype=torch.bool)
    if inside and count > 1:  # the last tag may only follow itself and the first one
        moves[1:-1, -1], starts[-1] = True, True
        case = evolve(case, tags=torch.where(case.tags == count - 1, MISSING, case.tags))

    def total(emissions: Tensor, start: Tensor, transitions: Tensor) -> Tensor:
        chain = Chain(start.masked_fill(starts, -inf), transitions.masked_fill(moves, -inf))
        return chain.negative_log_likelihood(emissions, case.alive, case.tags).sum()

    inputs = (case.emissions, case.chain.start, case.chain.transitions)
    assert torch.autograd.gradcheck(total, [each.clone().requires_grad_() for each in inputs])


@settings(max_examples=80)
@given(case=cases())
def test_gradients_are_finite_wherever_the_loss_is(case: Case) -> None:
    start, transitions = case.chain.start.clone(), case.chain.transitions.clone()
    inputs = [each.requires_grad_() for each in (case.emissions.clone(), start, transitions)]
    chain = Chain(inputs[1], inputs[2])
    found = chain.negative_log_likelihood(inputs[0], case.alive, case.tags)
    torch.autograd.backward(found[torch.isfinite(found)].sum())
    grads = [each.grad for each in inputs if each.grad is not None]
    assert len(grads) >= 2  # a row of one word has no transition
    assert all(torch.isfinite(grad).all() for grad in grads)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_large_scores_in_single_precision_are_exact_and_never_negative(scale: float) -> None:
    random = torch.Generator().manual_seed(3)
    shape = (16, 40, 5)
    emissions = scale * torch.randn(shape, generator=random) + scale
    chain = Chain(torch.randn(5, generator=random), torch.randn(5, 5, generator=random))
    alive = torch.ones(shape[:2], dtype=torch.bool)
    best = chain.best(emissions, alive)
    other = torch.randint(5, shape[:2], generator=random)
    for tags in (best, other):
        narrow = chain.negative_log_likelihood(emissions, alive, tags)
        wide = Chain(chain.start.double(), chain.transitions.double())
        wanted = wide.negative_log_likelihood(emissions.double(), alive, tags)
        assert (narrow >= 0).all()
        torch.testing.assert_close(narrow.double(), wanted, atol=2e-4 * scale**0.5, rtol=1e-5)


def test_a_constant_on_all_tags_costs_no_precision() -> None:
    random = torch.Generator().manual_seed(3)
    chain = Chain(torch.randn(5, generator=random), torch.randn(5, 5, generator=random))
    emissions, alive = torch.randn(50, 40, 5, generator=random) + 1e4, torch.ones(50, 40, dtype=torch.bool)
    tags = torch.randint(5, (50, 40), generator=random)
    wide = Chain(chain.start.double(), chain.transitions.double())
    found = chain.negative_log_likelihood(emissions, alive, tags).double()
    wanted = wide.negative_log_likelihood(emissions.double(), alive, tags)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("margin", [10.0, 14.0, 18.0, 30.0])
def test_the_loss_of_near_certain_tags_is_never_negative(margin: float) -> None:
    random = torch.Generator().manual_seed(0)
    chain = Chain(torch.randn(5, generator=random), torch.randn(5, 5, generator=random))
    emissions, alive = torch.randn(2000, 12, 5, generator=random), torch.ones(2000, 12, dtype=torch.bool)
    tags = torch.full((2000, 12), MISSING)
    tags[:, 3], tags[:, 7] = 1, 2
    emissions[:, 3, 1] += margin
    emissions[:, 7, 2] += margin
    found = chain.negative_log_likelihood(emissions, alive, tags)
    assert 0 <= float(found.min()) <= float(found.max()) < 0.1


def test_the_cases_hold_what_the_laws_are_about() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=150)
    @given(case=cases())
    def look(case: Case) -> None:
        within = [case.tags[row, :length] for row, length in enumerate(case.lengths)]
        seen["no words"] += 0 in case.lengths
        seen["one tag"] += case.emissions.shape[2] == 1
        seen["some tags missing"] += any(0 < (tags >= 0).sum() < len(tags) for tags in within)
        seen["no tags"] += any(len(tags) > 0 and not (tags >= 0).any() for tags in within)
        seen["forbidden moves"] += bool(torch.isinf(case.chain.transitions).any())
        seen["finite losses"] += bool(((losses(case) > 0) & torch.isfinite(losses(case))).any())
        seen["impossible tags"] += bool(torch.isposinf(losses(case)).any())

    look()
    assert len(seen) == 7
    assert min(seen.values()) >= 10, seen

"""The head against its contract."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest
import torch
from attrs import evolve
from crf_cases import BLANK, HIDDEN, ROWS, TAGS, build, features, gradients, term
from hypothesis import given, settings
from hypothesis import strategies as st
from mtlkit_crf.bio import first_break
from mtlkit_crf.head import CrfHead
from torch import Tensor

import mtlkit

VARIANTS: list[dict[str, Any]] = [
    {"subword": subword, "constrained": constrained}
    for subword in ("first", "last", "mean")
    for constrained in (True, False)
]
every_variant = pytest.mark.parametrize(
    "options", VARIANTS, ids=lambda each: f"{each['subword']}-{each['constrained']}"
)


def of_vectors(words: list[list[int]], dtype: torch.dtype = torch.float64) -> mtlkit.Features:
    """Token t of a row is the vector (t, 0, 0, 0, 0, 0)."""
    numbers = torch.tensor(words)
    states = torch.zeros(*numbers.shape, HIDDEN, dtype=dtype)
    states[..., 0] = torch.arange(numbers.shape[1])
    return mtlkit.Features(states, torch.ones_like(numbers, dtype=torch.bool), numbers)


@pytest.mark.parametrize(
    ("subword", "places"), [("first", [1, 2, 5]), ("last", [1, 4, 5]), ("mean", [1, 3, 5])]
)
def test_a_word_is_its_first_last_or_mean_token(subword: str, places: list[int]) -> None:
    head = build(subword=subword)
    output = head([of_vectors([[-1, 0, 1, 1, 1, 3, -1], [-1, 0, 0, -1, -1, -1, -1]])])
    vectors = torch.zeros(3, HIDDEN, dtype=torch.float64)
    vectors[:, 0] = torch.tensor(places)
    torch.testing.assert_close(output[0, [0, 1, 3]], head.classifier(vectors))
    assert output[0, 2].tolist() == [0, 0, 0], "word 2 has no token, but word 3 has"
    assert torch.isneginf(output[1, 1:]).all(), "the chain of the second row ends at word 0"


def test_targets_are_numbers_of_tags() -> None:
    targets = build().targets(ROWS)
    assert targets.tolist() == [
        [0, 1, 2, -100],
        [-100] * 4,
        [2, -100, -100, -100],
        [-100] * 4,
        [2, -100, 1, 2],
        [0, -100, -100, -100],
        [-100] * 4,
    ]
    assert build().count(targets) == 8
    assert build().targets([]).shape == (0, 0)


@pytest.mark.parametrize("constrained", [True, False])
def test_the_loss_is_that_of_all_agreeing_sequences_counted_out(constrained: bool) -> None:
    head = build(constrained=constrained)
    output = head([features(ROWS)]).detach()
    total, labelled = 0.0, 0
    for row, scores in zip(ROWS, output, strict=True):
        tags = [tag or None for tag in row["tags"] or [None] * len(row["tokens"])]
        if not any(tags):
            continue
        labelled += 1
        every = [each for each in product(TAGS, repeat=len(tags)) if legal(each) or not constrained]
        agreeing = [each for each in every if agrees(each, tags)]
        sums = [
            torch.stack([score(head, scores, each) for each in some]).logsumexp(0)
            for some in (every, agreeing)
        ]
        total += float(sums[0] - sums[1])
    assert labelled == 4
    assert term(head, ROWS).sum.item() == pytest.approx(total, abs=1e-9)


def legal(tags: tuple[str, ...]) -> bool:
    return first_break(tags) is None


def agrees(tags: tuple[str, ...], given: list[str | None]) -> bool:
    return all(wanted in (None, tag) for tag, wanted in zip(tags, given, strict=True))


def score(head: CrfHead, scores: Tensor, tags: tuple[str, ...]) -> Tensor:
    numbers = [TAGS.index(tag) for tag in tags]
    total = head.start[numbers[0]] + sum(scores[word, tag] for word, tag in enumerate(numbers))
    pairs = zip(numbers, numbers[1:], strict=False)
    return (total + sum(head.transitions[before, tag] for before, tag in pairs)).detach()


@pytest.mark.parametrize("constrained", [True, False])
def test_predictions_are_the_best_sequences(constrained: bool) -> None:
    head = build(constrained=constrained)
    output = 3 * head([features(ROWS)]).detach()
    predicted = head.decode(output)
    for row, scores, tags in zip(ROWS, output, predicted, strict=True):
        assert len(tags) == len(row["tokens"])
        every = [each for each in product(TAGS, repeat=len(tags)) if legal(each) or not constrained]
        if tags:
            assert tuple(tags) == max(every, key=lambda each: float(score(head, scores, each)))


def test_predictions_keep_the_constraints_whatever_the_scores() -> None:
    head = build(("B-X", "B-Y", "I-X", "I-Y", "O"))
    output = 5 * torch.randn(200, 6, 5, generator=torch.Generator().manual_seed(2))
    output[..., 2:4] += 5
    assert all(first_break(tags) is None for tags in head.decode(output))
    free = build(("B-X", "B-Y", "I-X", "I-Y", "O"), constrained=False)
    assert sum(first_break(tags) is not None for tags in free.decode(output)) > 100


@every_variant
def test_padding_is_never_read(options: dict[str, Any]) -> None:
    head = build(**options)
    plain, padded = term(head, ROWS), term(head, ROWS, extra=5)
    torch.testing.assert_close(padded.sum, plain.sum, atol=1e-12, rtol=1e-12)
    one, other = gradients(head, plain.sum), gradients(head, padded.sum)
    torch.testing.assert_close(other, one, atol=1e-12, rtol=1e-12)
    assert head.decode(head([features(ROWS, extra=5)])) == head.decode(head([features(ROWS)]))


@every_variant
@settings(max_examples=15)
@given(cut=st.integers(0, len(ROWS)), random=st.randoms(use_true_random=False))
def test_sums_counts_and_gradients_add_up(options: dict[str, Any], cut: int, random: Random) -> None:
    head = build(**options)
    rows = random.sample(ROWS, len(ROWS))
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    whole, terms = term(head, ROWS), [term(head, part) for part in parts]
    assert whole.count == sum(each.count for each in terms) == 8
    together = torch.stack([each.sum for each in terms]).sum()
    torch.testing.assert_close(together, whole.sum, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(gradients(head, together), gradients(head, whole.sum), atol=1e-10, rtol=1e-10)


@every_variant
def test_rows_without_tags_have_loss_and_gradient_zero(options: dict[str, Any]) -> None:
    head = build(**options)
    for rows in (BLANK, ROWS[3:4], ROWS[1:2], []):
        found = term(head, rows)
        assert (found.sum.item(), found.count, found.sum.dim()) == (0.0, 0, 0)
        for name, gradient in gradients(head, found.sum).items():
            assert gradient is not None, name
            assert torch.equal(gradient, torch.zeros_like(gradient)), name


def test_every_weight_has_a_gradient_even_from_one_word() -> None:
    head = build()
    found = gradients(head, term(head, ROWS[5:6]).sum)
    assert len(found) == 4
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in found.values())


@pytest.mark.parametrize("constrained", [True, False])
def test_gradients_are_those_of_finite_differences(constrained: bool) -> None:
    head = build(constrained=constrained, subword="mean")
    view = features(ROWS)
    targets = head.targets(ROWS)

    def loss(tokens: Tensor, *_: Tensor) -> Tensor:
        return head.loss(head([evolve(view, tokens=tokens)]), targets).sum

    tokens = torch.nan_to_num(view.tokens, nan=7.0).requires_grad_()
    assert torch.autograd.gradcheck(loss, (tokens, *head.parameters()))


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_words_cut_off_are_not_in_the_chain_but_are_counted(most: int) -> None:
    head = build()
    found = term(head, ROWS, most=most)
    parts = [{key: (row[key] or [])[:most] for key in ("tokens", "tags")} for row in ROWS]
    output = head([features(ROWS, most=most)])
    wanted = head.loss(output, head.targets(parts))
    torch.testing.assert_close(found.sum, wanted.sum)
    assert found.count == 8
    assert torch.isfinite(found.sum)
    assert [len(tags) for tags in head.decode(output)] == [min(len(row["tokens"]), most) for row in ROWS]
    assert all(gradient is not None for gradient in gradients(head, found.sum).values())


def test_tags_beyond_the_chain_do_not_matter() -> None:
    head = build()
    output = head([features(ROWS)])
    targets = head.targets(ROWS)
    changed = torch.where(torch.isneginf(output[..., 0]), 1, targets)
    assert (changed != targets).sum() == 28 - 13
    assert torch.equal(head.loss(output, changed).sum, head.loss(output, targets).sum)


def test_a_word_without_tokens_is_tagged_by_its_neighbours() -> None:
    head = build()
    with torch.no_grad():
        for weight in head.parameters():
            weight.zero_()
        head.start[0], head.transitions[0, 1], head.transitions[1, 1] = 1.0, 1.0, 1.0
    output = head([of_vectors([[-1, 0, 2, -1]])])
    assert head.decode(output) == [["B-X", "I-X", "I-X"]]
    found = head.loss(output, head.targets([{"tokens": ["a", "", "b"], "tags": ["B-X", "I-X", "I-X"]}]))
    assert 0 < found.sum.item() < 3


def test_one_tag_is_certain() -> None:
    head = build(("O",))
    rows: list[mtlkit.Record] = [{"tokens": ["a", "b"], "tags": ["O", "O"]}]
    found = term(head, rows)
    assert (found.sum.item(), found.count) == (0.0, 2)
    assert head.decode(head([features(rows)])) == [["O", "O"]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_features_give_a_full_precision_loss(dtype: torch.dtype) -> None:
    head = build(dtype=torch.float32)
    exact = term(head, ROWS, dtype=torch.float32).sum
    found = term(head, ROWS, dtype=dtype).sum
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=0.1, rtol=0.02)
    output = head([features(ROWS, dtype=torch.float32)])
    with torch.autocast("cpu", torch.bfloat16):
        under = head.loss(output, head.targets(ROWS)).sum
    torch.testing.assert_close(under, exact, atol=1e-5, rtol=1e-5)
    half = build(dtype=torch.bfloat16)
    assert (
        half.loss(half([features(ROWS, dtype=torch.bfloat16)]), half.targets(ROWS)).sum.dtype == torch.float32
    )


def test_metrics_leave_out_rows_without_tags_and_fill_up_words_cut_off() -> None:
    head = build()
    rows: list[mtlkit.Record] = [{"tags": ["O", "B-X", "O", "B-X"]}, {"tags": [None, ""]}, {"tags": None}]
    entity, word = head.metrics([["O", "B-X"], ["O", "O"], []], rows)
    assert entity.records.tolist() == [[1, 1, 2]]
    assert word.records.tolist() == [[3, 4]]
    assert head.metrics([[], []], rows[1:]) == ()
    assert (entity.name, word.name) == head.options.metrics()


def test_transitions_are_learned() -> None:
    """The words look all the same, so that only the chain can tell their tags."""
    head = build(dtype=torch.float32).train()
    rows: list[mtlkit.Record] = [{"tokens": ["w"] * 6, "tags": ["B-X", "I-X", "O", "B-X", "I-X", "O"]}]
    view = features(rows, dtype=torch.float32)
    view = evolve(view, tokens=torch.ones_like(view.tokens))
    steps = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(100):
        steps.zero_grad()
        torch.autograd.backward(head.loss(head([view]), head.targets(rows)).sum)
        steps.step()
    assert head.loss(head([view]), head.targets(rows)).sum.item() < 0.2
    assert head.decode(head([view])) == [rows[0]["tags"]]

"""Laws of all objectives: order, missing rows, duplicates, scale, zero vectors, whole steps, wrappers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from objective_cases import GROUPS, SIZE, head, options

from mtlkit.engine.whole_step import WholeLoss

SEEDS = st.integers(0, 2**16)
GUIDE = {"use": "gist", "guide": ["guide.0", "guide.1"]}
TABLES = {
    "ranking": {},
    "ranking, symmetric": {"objective": {"use": "multiple-negatives-ranking", "symmetric": True}},
    "ranking, hard negatives": {"negatives": ["negative", "worse"]},
    "gist": {"objective": GUIDE},
    "gist, negatives": {
        "objective": {**GUIDE, "guide": [*GUIDE["guide"], "guide.2"]},
        "negatives": ["negative"],
    },
    "cosine-similarity": {"objective": "cosine-similarity"},
    "cosent": {"objective": "cosent"},
    "angle": {"objective": "angle"},
    "contrastive": {"objective": "contrastive"},
    "online-contrastive": {"objective": "online-contrastive"},
    "triplet": {"objective": "triplet"},
    "triplet, euclidean": {"objective": {"use": "triplet", "distance": "euclidean"}, "normalize": False},
    "triplet, manhattan": {"objective": {"use": "triplet", "distance": "manhattan"}, "normalize": False},
    "batch-triplet": {"objective": "batch-triplet"},
    "batch-triplet, soft": {"objective": {"use": "batch-triplet", "margin": "soft"}},
    "batch-triplet, semi-hard": {"objective": {"use": "batch-triplet", "triplets": "semi-hard"}},
    "batch-triplet, all": {
        "objective": {"use": "batch-triplet", "triplets": "all", "distance": "euclidean"},
        "normalize": False,
    },
    "margin-mse": {"objective": "margin-mse", "normalize": False},
    "mse": {"objective": {"use": "mse", "size": SIZE}},
    "simcse": {"objective": "simcse"},
    "matryoshka": {"objective": {"use": "matryoshka", "dims": [6, 2], "objective": "cosent"}},
    "adaptive-layer": {"objective": {"use": "adaptive-layer", "objective": "angle"}},
}
COUPLED = [name for name in TABLES if options(**TABLES[name]).inner.coupled]
COSINES = [
    name
    for name in TABLES
    if name.split(",")[0] not in ("margin-mse", "mse")
    and "euclid" not in name
    and "manhattan" not in name
    and name != "batch-triplet, all"
    and name != "adaptive-layer"
]
objectives = pytest.mark.parametrize("name", TABLES)


def made(name, **more):
    """The head, of a backbone of 3 blocks."""
    return head(3, **{**TABLES[name], **more})


def drawn(seed, count, made):
    """Rows that the objective reads, some of them alike, and vectors in double precision."""
    generator = torch.Generator().manual_seed(seed)
    picks = torch.randint(0, 4, (count, 4), generator=generator).tolist()
    rows = []
    for first, second, group, score in picks:
        row = {"text": f"q{first}", "text_pair": f"a{second}", "negative": f"n{score}", "worse": f"w{group}"}
        binary = "contrastive" in made.options.inner.use
        row |= {"group": GROUPS[group], "score": float(score % 2) if binary else score / 4}
        for name in ("teacher", "guide.0", "guide.1", "guide.2"):
            row[name] = torch.randn(SIZE, generator=generator).tolist()
        rows.append(row)
    shape = (count, *((1 + len(made.lower),) if made.lower else ()), len(made.views), SIZE)
    vectors = torch.randn(shape, generator=generator, dtype=torch.float64)
    return rows, torch.nn.functional.normalize(vectors, dim=-1) if made.options.normalize else vectors


def term(made, rows, vectors):
    """The loss, its count, and the gradient of the vectors."""
    leaf = vectors.clone().requires_grad_()
    found = made.loss(leaf, made.targets(rows))
    found.sum.backward()
    assert made.count(made.targets(rows)) == found.count
    return found.sum.detach(), found.count, leaf.grad


def through(made, rows, vectors):
    """As `term`, with the gradient of what the head made of length 1."""
    leaf = vectors.clone().requires_grad_()
    given = torch.nn.functional.normalize(leaf, dim=-1) if made.options.normalize else leaf
    total, count, gradient = term(made, rows, given.detach())
    given.backward(gradient)
    return total, count, leaf.grad


def close(one, other):
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


@objectives
@settings(max_examples=12)
@given(seed=SEEDS, count=st.integers(1, 6))
def test_the_order_of_rows_does_not_matter(name, seed, count):
    head = made(name)
    rows, vectors = drawn(seed, count, head)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    total, counted, gradient = term(head, rows, vectors)
    again, recounted, regradient = term(head, [rows[at] for at in order], vectors[order])
    close(again, total)
    close(regradient, gradient[order])
    assert counted == recounted == count


@objectives
@settings(max_examples=12)
@given(seed=SEEDS, count=st.integers(1, 5), data=st.data())
def test_rows_that_lack_something_count_nothing(name, seed, count, data):
    head = made(name)
    rows, vectors = drawn(seed, count + 1, head)
    needed = [
        column
        for option, column in head.options.columns().items()
        if option in ("first", "second") or option.split(".")[0] in ("score", "group", "teacher", "objective")
    ]
    missing = data.draw(st.sampled_from(needed))
    at = data.draw(st.integers(0, count))
    rows[at] = {**rows[at], missing: data.draw(st.sampled_from([None, ""]))}
    kept = [place for place in range(count + 1) if place != at]
    total, counted, gradient = term(head, rows, vectors)
    alone, recounted, regradient = term(head, [rows[place] for place in kept], vectors[kept])
    close(total, alone)
    close(gradient[kept], regradient)
    assert not gradient[at].any()
    assert counted == recounted == count
    none, nothing, blank = term(head, [rows[at]], vectors[at][None])
    assert (none.item(), nothing, blank.abs().max().item()) == (0, 0, 0)


@objectives
@settings(max_examples=8)
@given(seed=SEEDS, zeros=st.booleans())
def test_zero_vectors_and_equal_ones_have_a_finite_loss_and_gradient(name, seed, zeros):
    head = made(name)
    rows, vectors = drawn(seed, 5, head)
    total, _, gradient = term(head, rows, vectors * 0 if zeros else vectors * 0 + vectors[:1])
    assert torch.isfinite(total)
    assert total >= -1e-9
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", COSINES)
@settings(max_examples=8)
@given(seed=SEEDS)
def test_the_length_of_vectors_does_not_matter_to_cosines(name, seed):
    head = made(name)
    rows, vectors = drawn(seed, 5, head)
    lengths = torch.rand(vectors.shape[:-1], generator=torch.Generator().manual_seed(seed)).double() * 9 + 0.1
    close(term(head, rows, vectors * lengths[..., None])[0], term(head, rows, vectors)[0])


@pytest.mark.parametrize(
    "name", ["ranking", "ranking, symmetric", "ranking, hard negatives", "gist", "simcse"]
)
@settings(max_examples=10)
@given(seed=SEEDS, count=st.integers(1, 5))
def test_copies_of_a_row_are_told_from_nothing(name, seed, count):
    """Texts that are right for a row are no negatives of it, however far their vectors are apart."""
    head = made(name)
    rows, vectors = drawn(seed, count, head)
    copies = [{**row, "text": "q", "text_pair": "a", "negative": None, "worse": "a"} for row in rows]
    total, counted, gradient = term(head, copies, vectors)
    assert (total.item(), counted, gradient.abs().max().item()) == (0, count, 0)
    other = {**copies[0], "text": "other", "text_pair": "another"}
    pair = [
        {**copies[0], "guide.0": [1.0, 0.0], "guide.1": [1.0, 0.0]},
        {**other, "guide.0": [0, 1], "guide.1": [0, 1]},
    ]
    assert term(head, pair, vectors[:1].repeat(2, 1, 1))[0] > 0.1


@pytest.mark.parametrize("inner", [name for name in TABLES if name not in ("matryoshka", "adaptive-layer")])
@pytest.mark.parametrize("around", ["matryoshka", "adaptive-layer"])
@settings(max_examples=5)
@given(seed=SEEDS)
def test_a_wrapper_around_all_there_is_changes_nothing(around, inner, seed):
    """One full dimension, or only the last layer, is the objective itself; weights are factors."""
    plain = made(inner)
    table = {"use": around, "objective": TABLES[inner].get("objective", "multiple-negatives-ranking")}
    if around == "matryoshka":
        wrapped, factor = made(inner, objective={**table, "dims": [SIZE], "weights": [0.5]}), 0.5
    else:
        wrapped, factor = head(1, **{**TABLES[inner], "objective": {**table, "last_weight": 2.0}}), 2.0
    rows, vectors = drawn(seed, 5, plain)
    mine, theirs = through(wrapped, rows, vectors), through(plain, rows, vectors)
    close(mine[0], factor * theirs[0])
    close(mine[2], factor * theirs[2])


@pytest.mark.parametrize("name", COUPLED)
@settings(max_examples=6)
@given(seed=SEEDS, cut=st.integers(1, 5))
def test_a_step_in_parts_is_the_step_as_a_whole(name, seed, cut):
    """The loss of whole steps, taken of parts as the engine does, has the value and gradients of one batch."""
    head = made(name, cached=True)
    assert head.whole_step
    assert not made(name).whole_step
    rows, vectors = drawn(seed, 6, head)
    weight = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(seed)).double().requires_grad_()
    leaf = (vectors.float() @ weight.detach().float()).requires_grad_()
    whole = WholeLoss(head.loss(leaf, head.targets(rows)), leaf, {0: cut, 1: 6 - cut})
    whole.term.sum.backward()
    for number, part in enumerate((vectors[:cut], vectors[cut:])):
        whole.pull(number, part @ weight).backward()
    found = weight.grad.clone()
    weight.grad = None
    at_once = head.loss(vectors @ weight, head.targets(rows))
    at_once.sum.backward()
    torch.testing.assert_close(whole.term.sum.double(), at_once.sum, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found, weight.grad, atol=1e-5 * float(weight.grad.abs().max() + 1), rtol=1e-4)

import pytest
import torch
from attrs import evolve
from head_cases import CASES, PAIR_ROWS, SEQUENCE_ROWS, WORD_ROWS, build, features_of
from hypothesis import given, settings
from hypothesis import strategies as st
from text_head_cases import COUPLED_TEXT

COUPLED = {"ranking", "ranking-symmetric", "cosent", *COUPLED_TEXT}
UNBOUNDED = ("cos", "number", "levels", "shares", "student")
every_head = pytest.mark.parametrize("name", CASES)


def term(head, rows, **options):
    targets = head.targets(rows)
    found = head.loss(head(features_of(head, rows, **options)), targets)
    assert head.count(targets) == found.count
    return found


@every_head
def test_padding_is_never_read(name):
    head, rows = build(name)
    plain, padded = head(features_of(head, rows)), head(features_of(head, rows, extra=5))
    torch.testing.assert_close(padded, plain, atol=1e-6, rtol=1e-5)
    assert head.decode(padded)[0] == pytest.approx(head.decode(plain)[0])
    found = term(head, rows, extra=5)
    found.sum.backward()
    assert torch.isfinite(found.sum)
    assert all(torch.isfinite(weight.grad).all() for weight in head.parameters())


@every_head
@settings(max_examples=15, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_rows_follow_a_permutation(name, random):
    head, rows = build(name)
    order = random.sample(range(len(rows)), len(rows))
    mixed = [rows[place] for place in order]
    output = head(features_of(head, rows))
    torch.testing.assert_close(head(features_of(head, mixed)), output[order], atol=1e-6, rtol=1e-5)
    one, other = term(head, rows), term(head, mixed)
    torch.testing.assert_close(one.sum, other.sum, atol=1e-5, rtol=1e-5)
    assert one.count == pytest.approx(other.count)


@pytest.mark.parametrize("name", sorted(CASES.keys() - COUPLED))
@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, 5))
def test_sums_and_counts_add_up(name, cut):
    head, rows = build(name)
    whole, first, second = term(head, rows), term(head, rows[:cut]), term(head, rows[cut:])
    torch.testing.assert_close(whole.sum, first.sum + second.sum, atol=1e-5, rtol=1e-5)
    assert whole.count == pytest.approx(first.count + second.count)


@pytest.mark.parametrize("name", sorted(COUPLED))
def test_coupled_losses_say_so_and_need_the_other_rows(name):
    head, rows = build(name)
    assert head.batch_coupled
    parts = [term(head, [row]).sum for row in rows]
    assert abs(term(head, rows).sum - sum(parts)) > 0.1
    assert not build("cosine-similarity")[0].batch_coupled


@every_head
def test_a_row_without_label_counts_nothing(name):
    head, rows = build(name)
    missing = {"label": None, "tags": [None] * 9, "score": None}
    bare = {**rows[0], **{column: value for column, value in missing.items() if column in rows[0]}}
    if "tags" in bare:
        bare["tags"] = [None] * len(bare["tokens"])
    if "ranking" in name:
        bare["text"] = ""
    more = term(head, [*rows, bare])
    torch.testing.assert_close(more.sum, term(head, rows).sum, atol=1e-5, rtol=1e-5)
    assert more.count == pytest.approx(term(head, rows).count)


@every_head
def test_a_batch_without_labels_has_loss_zero_and_gradient_zero(name):
    head, rows = build(name)
    blank = [{**row, "label": None, "tags": None, "score": None, "text_pair": ""} for row in rows]
    found = term(head, blank)
    assert (found.sum.item(), found.count, found.sum.dim()) == (0.0, 0, 0)
    found.sum.backward()
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in head.parameters())


@every_head
def test_gradients_are_those_of_finite_differences(name):
    head, rows = build(name, torch.float64)
    targets = head.targets(rows)
    if torch.is_tensor(targets) and targets.is_floating_point():
        targets = targets.double()
    views = [
        evolve(view, tokens=torch.nan_to_num(view.tokens, nan=7.0))
        for view in features_of(head, rows, torch.float64)
    ]

    def loss(*inputs):
        pairs = zip(views, inputs, strict=True)
        filled = [evolve(v, **({"tokens": i} if v.pooled is None else {"pooled": i})) for v, i in pairs]
        return head.loss(head(filled), targets).sum

    inputs = [
        (view.tokens if view.pooled is None else view.pooled).clone().requires_grad_() for view in views
    ]
    assert torch.autograd.gradcheck(loss, inputs)


@every_head
def test_training_lowers_the_loss(name):
    head, rows = build(name)
    head.train()
    steps = torch.optim.Adam(head.parameters(), lr=0.05)
    start = term(head, rows).sum.item()
    for _ in range(60):
        steps.zero_grad()
        term(head, rows).sum.backward()
        steps.step()
    assert term(head, rows).sum.item() < 0.9 * start


@every_head
def test_predictions_do_not_depend_on_targets_and_make_metrics(name):
    head, rows = build(name)
    predictions = head.decode(head(features_of(head, rows)))
    assert len(predictions) == len(rows)
    measures = head.metrics(predictions, rows)
    assert all(0 <= m.compute(m.records) <= 1 or name.startswith(UNBOUNDED) for m in measures)
    assert len({measure.name for measure in measures}) == len(measures) >= 2
    for measure in measures:  # any selection of records has a value
        assert isinstance(measure.compute(measure.records[[0, 0, 0]]), float)
    blank = [{**row, "label": None, "tags": None, "score": None, "text_pair": ""} for row in rows]
    assert head.metrics(predictions, blank) == ()


@pytest.mark.parametrize("name", CASES)
def test_half_precision_scores_give_a_full_precision_loss(name):
    head, rows = build(name)
    output = head(features_of(head, rows)).detach()
    with torch.autocast("cpu", torch.bfloat16):
        under = head.loss(output, head.targets(rows)).sum
    torch.testing.assert_close(under, head.loss(output, head.targets(rows)).sum, atol=1e-5, rtol=1e-5)
    assert head.loss(output.bfloat16(), head.targets(rows)).sum.dtype == torch.float32


@every_head
def test_the_made_up_rows_differ(name):
    head, rows = build(name)
    for view in features_of(head, rows):
        vectors = view.tokens[:, 0] if view.pooled is None else view.pooled
        assert len({tuple(vector) for vector in vectors.tolist()}) == len(rows)


def test_the_made_up_rows_cover_missing_labels():
    assert None in [row["label"] for row in SEQUENCE_ROWS]
    assert None in [row["tags"] for row in WORD_ROWS]
    assert None in [row["text_pair"] for row in PAIR_ROWS]

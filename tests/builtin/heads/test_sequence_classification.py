import pytest
import torch
from head_cases import features_of, sequence
from torch.nn import functional as F

from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import RecipeError

LABELS = ("negative", "neutral", "positive")


def build(**options):
    return SequenceClassificationHead(SequenceClassification(**options), HeadContext("mood", 4, LABELS))


def test_the_mean_is_torchs_own():
    head = build(label_smoothing=0.1, class_weights={"neutral": 3.0})
    scores = torch.randn(5, 3)
    targets = head.targets([{"text": "x", "label": label} for label in (*LABELS, "", "neutral")])
    term = head.loss(scores, targets)
    wanted = F.cross_entropy(scores, targets, torch.tensor([1.0, 3.0, 1.0]), label_smoothing=0.1)
    torch.testing.assert_close(term.sum / term.count, wanted)
    assert term.count == head.count(targets) == 8.0


def test_classes_are_numbered_in_the_order_of_the_recipe():
    rows = [{"text": "x", "label": "positive"}, {"text": "y", "label": None}]
    assert build().targets(rows).tolist() == [2, -100]
    assert build(labels=("positive", "negative")).targets(rows).tolist() == [0, -100]
    numbers = SequenceClassificationHead(SequenceClassification(), HeadContext("t", 4, ("0", "1", "True")))
    assert numbers.targets([{"label": 1}, {"label": 0}, {"label": True}]).tolist() == [1, 0, 2]


def test_views_are_one_text_or_a_pair():
    assert build().views == (("text",),)
    assert build(text=("premise", "hypothesis")).views == (("premise", "hypothesis"),)


def test_a_hidden_layer_and_the_highest_score():
    head = sequence(hidden=7)
    assert {name: tuple(p.shape) for name, p in head.named_parameters()} == {
        "tower.hidden.0.weight": (7, 6),
        "tower.hidden.0.bias": (7,),
        "tower.output.weight": (3, 7),
        "tower.output.bias": (3,),
    }
    assert not head.state_dict().keys() - dict(head.named_parameters()).keys()
    assert head.decode(torch.tensor([[0.0, 2, 1], [3, 2, 1]])) == ["b", "a"]


def test_pooled_features_are_needed():
    head = sequence()
    features = features_of(head, [{"text": "x"}])
    assert head(features).shape == (1, 3)


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        (
            {},
            [{"text": "so so", "label": "neutrall"}],
            "tasks.mood.head.labels  the label 'neutrall' of the row 'so so' is not among the labels  "
            "did you mean 'neutral'?",
        ),
        (
            {"labels": ("a", "b")},
            [{"text": "x" * 70, "label": "zzz"}],
            f"tasks.mood.head.labels  the label 'zzz' of the row '{'x' * 59}…' is not among the labels  "
            "the labels are: a, b",
        ),
        (
            {"labels": ("a", "a")},
            [],
            "tasks.mood.head.labels  the label 'a' is listed twice  list each label once",
        ),
        (
            {"class_weights": {"postive": 2.0}},
            [],
            "tasks.mood.head.class_weights  there is no label 'postive'  did you mean 'positive'?",
        ),
    ],
)
def test_labels_that_are_wrong(options, rows, message):
    with pytest.raises(RecipeError) as caught:
        build(**options).targets(rows)
    assert str(caught.value) == message


def test_no_labels_at_all():
    with pytest.raises(RecipeError) as caught:
        SequenceClassificationHead(SequenceClassification(label="mood"), HeadContext("t", 4, ()))
    message = (
        "tasks.t.head.label  no training row has a value in the column 'mood'  name the column of the labels"
    )
    assert str(caught.value) == message


def test_what_a_row_without_a_label_scores_is_of_no_account():
    scores = torch.tensor([[1.0, 2.0], [torch.nan, torch.inf], [0.5, -1.0]], requires_grad=True)
    term = build(labels=("a", "b")).loss(scores, torch.tensor([1, -100, 0]))
    term.sum.backward()
    expected = F.cross_entropy(scores.detach()[[0, 2]], torch.tensor([1, 0]), reduction="sum")
    assert (term.sum.detach(), term.count) == (expected, 2.0)
    assert scores.grad[1].tolist() == [0.0, 0.0]
    assert scores.grad.isfinite().all()

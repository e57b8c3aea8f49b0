import pytest
import torch
from head_cases import features_of
from sklearn.neighbors import NearestCentroid
from text_head_cases import LABELLED, prototype, rows_of
from torch.nn import functional as F

from mtlkit.contracts.backbone import Features
from mtlkit.errors import RecipeError


def by_hand(head, vectors, labels):
    """Snell et al. 2017, equation 2, each row a query and the other rows its support; the mean loss."""
    losses = []
    for at, label in enumerate(labels):
        others = {name: [v for i, v in enumerate(vectors) if labels[i] == name and i != at] for name in "abc"}
        if not label or not others[label]:
            continue
        there = [name for name in "abc" if others[name]]
        means = torch.stack([torch.stack(others[name]).mean(0) for name in there])
        if head.options.distance == "cosine":
            scores = head.options.scale * F.cosine_similarity(vectors[at], means)
        else:
            scores = -head.options.scale * (means - vectors[at]).square().sum(-1)
        losses.append(-scores.log_softmax(0)[there.index(label)])
    return torch.stack(losses).sum(), len(losses)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_the_loss_is_that_of_an_episode(distance):
    head = prototype(prototypes="means", distance=distance, scale=0.7)
    labels = ["a", "b", "a", None, "b", "c", "a"]
    vectors = torch.randn(7, 6, generator=torch.Generator().manual_seed(0))
    targets = head.targets(rows_of(labels))
    total, count = by_hand(head, vectors, labels)
    term = head.loss(vectors, targets)
    torch.testing.assert_close(term.sum, total)
    assert term.count == head.count(targets) == count == 5  # c is alone in its class


def test_fitted_means_are_those_of_all_training_rows():
    head = prototype(prototypes="means", distance="euclidean", scale=1.0)
    assert (head.batch_coupled, head.whole_step) == (True, True)
    rows = rows_of(["a", "b", "a", None, "b", "", "a", "b"])
    features = features_of(head, rows)
    vectors = head(features).detach()
    head.fit(features, rows)
    known = [at for at, row in enumerate(rows) if row["label"]]
    oracle = NearestCentroid().fit(vectors[known].numpy(), [rows[at]["label"] for at in known])
    torch.testing.assert_close(head.means[:2], torch.tensor(oracle.centroids_).float())
    assert head.decode(vectors) == list(oracle.predict(vectors.numpy()))
    assert head.seen.tolist() == [3, 3, 0]
    assert head.decode(vectors)[0].scores["c"] == 0  # training had none of it
    assert {"means", "seen"} <= head.state_dict().keys()


def test_before_it_is_fitted_it_still_predicts():
    head = prototype(prototypes="means")
    [found] = head.decode(torch.ones(1, 6))
    assert (found, found.scores) == ("a", dict.fromkeys("abc", 0))


def test_learned_prototypes_are_weights():
    head = prototype(distance="euclidean", scale=2.0, dim=4)
    assert not hasattr(head, "fit")
    assert not head.batch_coupled
    assert {name: tuple(weight.shape) for name, weight in head.named_parameters()} == {
        "prototypes": (3, 4),
        "projection.weight": (4, 6),
        "projection.bias": (4,),
    }
    features = features_of(head, LABELLED)
    vectors = head.projection(features[0].pooled)
    wanted = -2 * torch.cdist(vectors, head.prototypes).square()
    torch.testing.assert_close(head(features), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_with_label_texts_a_row_is_near_the_text_of_its_label(distance):
    head = prototype(prototypes="label-text", label_texts={"b": "the second"}, distance=distance, scale=2.0)
    assert head.texts == (("a",), ("the second",), ("c",))
    assert not list(head.parameters())
    generator = torch.Generator().manual_seed(1)
    vectors, texts = torch.randn(4, 6, generator=generator), torch.randn(3, 6, generator=generator)
    none = torch.zeros(0)
    scores = head.forward([Features(none, none, none, pooled=each) for each in (vectors, texts)])
    wanted = (
        2.0 * F.cosine_similarity(vectors[:, None], texts[None], dim=-1)
        if distance == "cosine"
        else -2.0 * torch.cdist(vectors, texts).square()
    )
    torch.testing.assert_close(scores, wanted, rtol=1e-5, atol=1e-5)
    targets = head.targets(rows_of(["a", None, "c", "b"]))
    term = head.loss(scores, targets)
    assert term.count == 3
    torch.testing.assert_close(
        term.sum, F.cross_entropy(wanted[[0, 2, 3]], targets[[0, 2, 3]], reduction="sum")
    )


def test_a_text_of_no_label_is_told():
    with pytest.raises(RecipeError) as caught:
        prototype(prototypes="label-text", label_texts={"bb": "the second"})
    assert str(caught.value) == (
        "tasks.t.head.label_texts  there is a text for the label 'bb', which the task does not have  did you mean 'b'?"
    )

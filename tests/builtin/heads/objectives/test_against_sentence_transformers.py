"""Values and gradients of every objective are those of sentence-transformers on the same tensors."""

from types import SimpleNamespace

import pytest
import torch
from objective_cases import BINARY, GROUPED, GROUPS, PAIRED, ROWS, SIZE, Model, head, numbers, rows, theirs
from sentence_transformers.base.model import BaseModel
from sentence_transformers.sentence_transformer import losses


def drawn(texts, seed=1, size=SIZE):
    return torch.randn(ROWS, texts, size, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def same(term, mine, wanted, other):
    """The mean of our loss, and its gradient, are theirs."""
    mean = term.sum / term.count
    torch.testing.assert_close(mean, wanted, atol=1e-6, rtol=1e-5)
    mean.backward()
    wanted.backward()
    torch.testing.assert_close(mine.grad, other.grad, atol=2e-6, rtol=1e-4)
    assert mine.grad.abs().max() > 1e-3


@pytest.mark.parametrize("name", PAIRED)
def test_losses_of_texts(name):
    table, texts, scores, oracle = PAIRED[name]
    made, mine, other = head(**table), drawn(texts), drawn(texts)
    term = made.loss(mine, made.targets(rows(scores)))
    assert term.count == ROWS == made.count(made.targets(rows(scores)))
    same(term, mine, theirs(oracle(Model()), other, torch.tensor(scores, dtype=torch.float32)), other)


@pytest.mark.parametrize("name", GROUPED)
def test_losses_of_groups(name):
    objective, oracle = GROUPED[name]
    made, mine, other = head(objective=objective, normalize=False), drawn(1), drawn(1)
    term = made.loss(mine, made.targets(rows()))
    same(term, mine, theirs(oracle(Model()), other, numbers(GROUPS)), other)


@pytest.mark.parametrize("labels", [BINARY, [1] * ROWS, [0] * ROWS])
def test_the_loss_of_hard_pairs_is_the_same_sum(labels):
    made, mine, other = head(objective="online-contrastive"), drawn(2), drawn(2)
    term = made.loss(mine, made.targets(rows(labels)))
    wanted = theirs(losses.OnlineContrastiveLoss(Model()), other, torch.tensor(labels))
    torch.testing.assert_close(term.sum, wanted)
    term.sum.backward()
    wanted.backward()
    torch.testing.assert_close(mine.grad, other.grad, atol=1e-6, rtol=1e-4)


def test_the_same_text_twice_is_ranking():
    made, mine, other = head(objective="simcse"), drawn(2), drawn(2)
    assert made.views == (("text",), ("text",))
    term = made.loss(mine, made.targets(rows()))
    same(term, mine, theirs(losses.MultipleNegativesRankingLoss(Model()), other), other)


def test_vectors_of_a_teacher():
    teacher = torch.randn(ROWS, SIZE, generator=torch.Generator().manual_seed(9))
    made, mine, other = head(objective={"use": "mse", "size": SIZE}, normalize=False), drawn(1), drawn(1)
    told = [{**row, "teacher": vector.tolist()} for row, vector in zip(rows(), teacher, strict=True)]
    wanted = losses.MSELoss(Model()).compute_loss_from_embeddings([other[:, 0]], [teacher])
    same(made.loss(mine, made.targets(told)), mine, wanted, other)


GIST = [
    {},
    {"scale": 20.0, "margin": 0.2},
    {"margin": 0.3, "relative": True},
    {"firsts": False},
    {"seconds": False},
]


@pytest.mark.parametrize("texts", [2, 3])
@pytest.mark.parametrize("table", GIST, ids=str)
def test_ranking_with_a_guide(table, texts):
    columns = [f"guide {at}" for at in range(texts)]
    objective = {"use": "gist", "guide": columns, **table}
    made = head(objective=objective, negatives=["negative"] * (texts - 2))
    mine, other, guides = drawn(texts), drawn(texts), drawn(texts, seed=2).detach()
    told = [
        {**row, **dict(zip(columns, vectors.tolist(), strict=True))}
        for row, vectors in zip(rows(), guides, strict=True)
    ]
    oracle = guided(table)
    features = [{"vectors": other[:, at], "guide": guides[:, at]} for at in range(texts)]
    same(made.loss(mine, made.targets(told)), mine, oracle(features, None), other)


DIMS = {"dims": [6, 4, 1], "weights": [1.0, 0.5, 0.25]}
CUT = ["ranking", "symmetric ranking", "cosent", "angle", "contrastive", "triplet", "margin-mse of cosines"]


@pytest.mark.parametrize("name", CUT)
def test_matryoshka_around_objectives(name):
    table, texts, scores, oracle = PAIRED[name]
    made = head(**{**table, "objective": {"use": "matryoshka", "objective": table["objective"], **DIMS}})
    mine, other = drawn(texts), drawn(texts)
    loss = losses.MatryoshkaLoss(Model(), Through(oracle(Model())), DIMS["dims"], DIMS["weights"])
    loss.loss.model = loss.model
    told = torch.tensor(scores, dtype=torch.float32)
    wanted = loss([{"vectors": other[:, at]} for at in range(texts)], told)
    # Ours are of length 1 before they are cut, as a model with a Normalize module gives them to theirs.
    same(
        made.loss(torch.nn.functional.normalize(mine, dim=-1), made.targets(rows(scores))),
        mine,
        wanted,
        other,
    )


class Through(torch.nn.Module):
    """Their loss, asked for what a model that may be decorated says of each column."""

    def __init__(self, loss):
        super().__init__()
        self.loss, self.model = loss, None

    def forward(self, features, labels):
        columns = [self.model.forward(each)["sentence_embedding"] for each in features]
        return self.loss.compute_loss_from_embeddings(columns, labels)


@pytest.mark.parametrize(
    "inner", ["cosent", {"use": "matryoshka", "dims": [6, 3], "objective": "cosent"}], ids=str
)
@pytest.mark.parametrize("weighting", ["uniform", "log", "linear"])
def test_adaptive_layers(weighting, inner):
    told = {
        "weighting": weighting,
        "last_weight": 0.7,
        "prior_weight": 2.0,
        "kl_weight": 3.0,
        "kl_temperature": 0.5,
    }
    made = head(
        4,
        normalize=False,
        objective={"use": "adaptive-layer", "objective": inner, "layers": [0, 1, 3], **told},
    )
    mine, other = (
        torch.stack([drawn(2, seed).detach() for seed in range(4)], 1).requires_grad_() for _ in range(2)
    )
    wanted = adaptive(other, inner, told)
    same(made.loss(mine, made.targets(rows())), mine, wanted, other)


class Blocks(torch.nn.Module):
    """Says what all layers yield, as their module around a transformer does."""

    def __init__(self, layers):
        super().__init__()
        self.layers, self.auto_model = (
            layers,
            SimpleNamespace(config=SimpleNamespace(output_hidden_states=False)),
        )

    def forward(self, features):
        states = [self.layers[:, at, features["column"]] for at in range(self.layers.shape[1])]
        features.update(all_layer_embeddings=[*states[1:], states[0]], token_embeddings=states[0])
        return features


class Layered(BaseModel):
    """A model of that module alone."""

    def __init__(self, layers):
        torch.nn.Sequential.__init__(self, Blocks(layers))

    def get_embedding_dimension(self):
        return SIZE

    def forward(self, features):
        told = self[0].forward(features)
        return {**told, "sentence_embedding": told["token_embeddings"]}


Layered.__abstractmethods__ = frozenset()


def adaptive(layers, inner, told):
    """Their loss; `layers` [B, 1 + n, V, D] are the last one, then those at depths 0, 1 and 3."""
    model = Layered(layers)
    loss = whole = Through(losses.CoSENTLoss(model))
    loss.__dict__["model"] = model
    if isinstance(inner, dict):
        whole = losses.MatryoshkaLoss(model, loss, inner["dims"])
    made = losses.AdaptiveLayerLoss.__new__(losses.AdaptiveLayerLoss)
    torch.nn.Module.__init__(made)
    made.__dict__["model"] = model
    made.loss, made.n_layers_per_step = whole, -1
    made.layer_weighting, made.kl_temperature = told["weighting"], told["kl_temperature"]
    made.last_layer_weight, made.prior_layers_weight = told["last_weight"], told["prior_weight"]
    made.kl_div_weight = told["kl_weight"]
    plain, depths = made.get_layer_weight, {0: 0, 1: 1, 2: 3}
    made.get_layer_weight = lambda at: plain(depths[at])
    return made([{"column": at} for at in range(2)], torch.tensor([row["score"] for row in rows()]))


def guided(table):
    """Their loss, whose guide gives the vectors of the key `guide`."""

    class Guide(Model):
        def forward(self, features):
            return {**features, "sentence_embedding": features["guide"]}

    loss = losses.GISTEmbedLoss.__new__(losses.GISTEmbedLoss)
    torch.nn.Module.__init__(loss)
    loss.model, loss.guide, loss.must_retokenize = Model(), Guide(), False
    loss.temperature = 1 / table.get("scale", 100.0)
    loss.margin_strategy = "relative" if table.get("relative") else "absolute"
    loss.margin = table.get("margin", 0.0)
    loss.contrast_anchors, loss.contrast_positives = table.get("firsts", True), table.get("seconds", True)
    loss.gather_across_devices = False
    loss.similarity_fct, loss.cross_entropy_loss = (
        torch.nn.CosineSimilarity(dim=-1),
        torch.nn.CrossEntropyLoss(),
    )
    return loss

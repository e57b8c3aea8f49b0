"""What a head may ask of the engine: layers, places of tokens, inputs, changed rows, whole steps, fitting."""

from pathlib import Path

import numpy as np
import pytest
import torch
from engine_recipes import final_bytes, final_checkpoint, run_recipe, write_recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

import mtlkit
from mtlkit.api import preview
from mtlkit.builtin.heads.sentence_embedding import SentenceEmbeddingHead
from mtlkit.engine import whole_step
from mtlkit.engine.apply import apply_trainable, set_eval
from mtlkit.engine.evaluate import measures, predicted
from mtlkit.engine.features import Encoder, Need, Reading, boundary
from mtlkit.engine.session import open_session
from mtlkit.errors import RecipeError

CHANGES = {"dropout": 0.0, "length": "6st", "accumulate": 2, "batch": 8}
ALL = Need(tokens=True, poolings=frozenset(), layers=frozenset({0, 1, 2}))
REVIEWS = Reading("reviews", "train", ("text",))
FREEZES = {
    "nothing": (),
    "embeddings": ("embeddings",),
    "one block": ("embeddings", "blocks[0]"),
    "the backbone": ("backbone",),
}
PLUGIN = """
import torch
from attrs import frozen
from torch import nn
from torch.nn import functional as F

import mtlkit
from mtlkit import Card, LossTerm, Measure, option

SEEN = []


@frozen
class Options:
    text: str = option("column", "text")
    label: str = option("column", "label")

    def columns(self):
        return {"text": self.text, "label": self.label}

    def metrics(self):
        return ("loss",)


class Guess(nn.Module):
    needs, pooling = "tokens", "mean"

    def __init__(self, options, context):
        super().__init__()
        self.options, self.context = options, context
        self.views = ((options.text,),)
        self.out = nn.Linear(context.hidden_size, context.vocabulary.size)
        self.register_buffer("fitted", torch.zeros(1))

    def corrupt(self, items, rng):
        longest = max(len(item) for item in items)
        targets = torch.full((len(items), longest), -100)
        changed = []
        for row, item in enumerate(items):
            ids = item.ids.copy()
            places = rng.random(len(ids)) < 0.5
            targets[row, : len(ids)] = torch.where(torch.tensor(places), torch.tensor(ids, dtype=torch.long), -100)
            ids[places] = self.context.vocabulary.mask
            changed.append(type(item)(ids, item.types, item.words))
        return changed, targets

    def fit(self, features, rows):
        self.fitted[0] = len(rows)
        SEEN.append((features[0].tokens.shape[0], len(rows)))

    def targets(self, rows):
        raise AssertionError("a head that changes rows has its targets from them")

    def count(self, targets):
        return float((targets != -100).sum())

    def forward(self, features, targets):
        width = targets.shape[1]
        tokens = F.pad(features[0].tokens, (0, 0, 0, width - features[0].tokens.shape[1]))
        return self.out(tokens)

    def loss(self, output, targets):
        total = F.cross_entropy(output.transpose(1, 2), targets, ignore_index=-100, reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        return output.argmax(-1).tolist()

    def metrics(self, predictions, rows):
        import numpy as np
        return (Measure("loss", np.array([[float(len(each))] for each in predictions]), lambda rows: float(rows.mean())),)


@mtlkit.hookimpl
def mtlkit_cards():
    return [Card("head", "guess", "guesses tokens", Options, Guess)]
"""


def session_of(folder, **changes):
    return open_session(preview(mtlkit.plan(mtlkit.load(write_recipe(folder, **changes)))))


def frozen_under(session, freeze):
    from mtlkit.contracts.selectors import parse

    table = session.built.table
    held = [parse(text) for text in freeze]
    return frozenset(row.name for row in table if not any(each.matches(row, table) for each in held))


@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES.keys())
@pytest.mark.parametrize("stored", [True, False], ids=["stored", "direct"])
def test_layers_are_what_the_backbone_yields_at_each_depth(tmp_path, freeze, stored):
    session = session_of(tmp_path, dropout=0.0)
    trainable = frozen_under(session, freeze)
    apply_trainable(session.handles, trainable)
    encoder, backbone = session.encoder, session.built.backbone
    encoder.move_boundary(
        boundary(session.built.table, trainable), 0, frozenset({"train"}) if stored else frozenset()
    )
    rows = list(range(24))
    [found] = encoder.features(REVIEWS, rows, ALL)
    batch = backbone.collate(encoder.items(REVIEWS, rows))
    assert sorted(found.layers) == [0, 1, 2]
    for depth, states in found.layers.items():
        wanted = backbone.stem(batch, depth)
        torch.testing.assert_close(states[found.mask], wanted[batch.mask], rtol=0, atol=1e-5)
    assert torch.equal(found.ids, batch.ids)
    assert torch.equal(found.mask, batch.mask)


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_rows_encoded_together_have_the_places_they_have_alone(tmp_path_factory, rows):
    session = session_of(tmp_path_factory.mktemp("places"), dropout=0.0)
    encoder = session.encoder
    encoder.located = frozenset({("reviews", ("text",))})
    [found] = encoder.features(REVIEWS, rows, ALL)
    records = session.data["reviews"].records("train", rows)
    for at, (row, record) in enumerate(zip(rows, records, strict=True)):
        [alone] = encoder.features(REVIEWS, [row], ALL)
        length = int(alone.mask.sum())
        assert torch.equal(found.spans[at, :length], alone.spans[0])
        assert torch.equal(found.texts[at, :length], alone.texts[0])
        assert (found.texts[at, length:] == -1).all()
        words = [record["text"][start:end] for start, end in found.spans[at][found.texts[at] == 0].tolist()]
        assert words == record["text"].split()


def test_places_are_only_looked_up_where_a_head_asks_for_them(tmp_path, monkeypatch):
    monkeypatch.setattr(SentenceEmbeddingHead, "located", True, raising=False)
    assert session_of(tmp_path).encoder.located == {("pairs", ("title",)), ("pairs", ("body",))}


def test_a_view_listed_twice_is_encoded_twice_where_dropout_is_on(tmp_path):
    session = session_of(tmp_path, dropout=0.5)
    readers = next(each for each in session.readers if each.source == "pairs")
    head = readers.heads["pairs"]
    head.views = (("title",), ("title",))
    apply_trainable(session.handles, frozenset(session.built.table.names))
    one, other = readers.features(session.encoder, "train", [0, 1, 2])["pairs"]
    assert not torch.equal(one.pooled, other.pooled)
    set_eval(session.built.model)
    one, other = readers.features(session.encoder, "train", [0, 1, 2])["pairs"]
    assert torch.equal(one.pooled, other.pooled)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "guessing_head.py"
    path.write_text(PLUGIN)
    return path


def guess_recipe(folder, plugin):
    more = '\n[tasks.guess]\ndata = "reviews"\nhead = { use = "guess" }\n'
    return write_recipe(folder, more=more, **CHANGES), [plugin]


def test_rows_changed_at_random_are_the_same_in_every_run_and_harm_no_other_head(tmp_path, plugin):
    recipe, plugins = guess_recipe(tmp_path, plugin)
    one, _ = run_recipe(recipe, (), plugins)
    two, _ = run_recipe(recipe, (), plugins)
    assert final_bytes(one) == final_bytes(two)
    assert one.metrics["guess/loss"].rows
    told = ["optimizer.use=sgd", "training.grad_clip=false"]
    alone, _ = run_recipe(recipe, [*told, "tasks.guess.backbone_grad=0.0"], plugins)
    plain, _ = run_recipe(write_recipe(tmp_path, more="", **CHANGES), told)
    weights = [load_file(final_checkpoint(run) / "weights.safetensors") for run in (alone, plain)]
    names = [each for each in weights[0] if not each.startswith(("heads.guess", "buffer:heads.guess"))]
    assert len(names) > 20
    for name in names:
        torch.testing.assert_close(weights[0][name], weights[1][name], rtol=0, atol=1e-6, msg=name)


def test_heads_are_fitted_on_all_training_rows_before_each_evaluation(tmp_path, plugin):
    recipe, plugins = guess_recipe(tmp_path, plugin)
    result, events = run_recipe(recipe, ["training.evaluate_every=3st"], plugins)
    evaluations = [event for event in events if isinstance(event, mtlkit.contracts.events.Evaluated)]
    assert len(evaluations) == 4
    weights = load_file(final_checkpoint(result) / "weights.safetensors")
    prepared = preview(mtlkit.plan(mtlkit.load(recipe, (), plugins)))
    assert weights["buffer:heads.guess.fitted"].item() == len(prepared.data["reviews"].splits["train"])


def test_a_frozen_head_is_fitted_too_and_its_weights_stay(tmp_path, plugin):
    recipe, plugins = guess_recipe(tmp_path, plugin)
    result, _ = run_recipe(recipe, ["training.evaluate_every=3st", "freeze.use=all"], plugins)
    assert result.frozen == "unchanged"
    weights = load_file(final_checkpoint(result) / "weights.safetensors")
    assert weights["buffer:heads.guess.fitted"].item() > 0


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_whole_step_is_one_large_batch_however_it_is_encoded(tmp_path, monkeypatch, dropout):
    pulled = []
    pull = whole_step.WholeLoss.pull

    def checked(self, number, output):
        before = sum(size for part, size in self.sizes.items() if part < number)
        pulled.append(torch.equal(self.leaf[before : before + len(output)], output.float()))
        return pull(self, number, output)

    monkeypatch.setattr(whole_step.WholeLoss, "pull", checked)
    changes = {"dropout": dropout, "length": "10st", "freeze": '[sampler]\nuse = "round-robin"\n'}
    sgd = [
        "optimizer.use=sgd",
        "tasks.pairs.head.cached=true",
    ]  # Adam makes steps of the rounding where a gradient is nothing else
    parts, events = run_recipe(write_recipe(tmp_path, batch=8, accumulate=4, **changes), sgd)
    assert len(pulled) == 5 * 4  # of the ten steps, those that take pairs
    assert all(pulled)
    whole, others = run_recipe(write_recipe(tmp_path, batch=32, accumulate=1, **changes), sgd)
    if not dropout:
        one, two = (load_file(final_checkpoint(run) / "weights.safetensors") for run in (parts, whole))
        for name in one:
            torch.testing.assert_close(one[name], two[name], rtol=0, atol=2e-5, msg=name)
        steps, same = (
            [e.losses for e in es if isinstance(e, mtlkit.contracts.events.StepDone)]
            for es in (events, others)
        )
        one, two = ([each["pairs"] for each in told if "pairs" in each] for told in (steps, same))
        assert len(one) == 5
        assert one == pytest.approx(two, abs=1e-5)


def test_layers_that_a_backbone_does_not_have_are_told_at_their_place(tmp_path, monkeypatch):
    made = SentenceEmbeddingHead.__init__

    def asks(self, *given):
        made(self, *given)
        self.layers = (1, 3)

    monkeypatch.setattr(SentenceEmbeddingHead, "__init__", asks)
    with pytest.raises(RecipeError) as caught:
        session_of(tmp_path)
    [problem] = caught.value.problems
    assert problem.message == "there is no layer 3: the backbone has 2 blocks"
    assert problem.suggestion == "0 are the embeddings, 2 the last block"
    assert problem.path == "tasks.pairs.head.layers"


TEXTS = """
[tasks.near]
data = "reviews"
head = { use = "prototype", prototypes = "label-text", label_texts = { pos = "good great", neg = "bad awful" } }
"""


@pytest.mark.parametrize("freeze", ["", '[freeze]\nuse = "backbone"\n'], ids=["trains", "frozen"])
def test_texts_that_a_head_brings_are_encoded_with_every_batch_but_once_where_all_is_frozen(
    tmp_path, monkeypatch, freeze
):
    encoded = []
    of_items = Encoder.of_items
    monkeypatch.setattr(Encoder, "of_items", lambda *given: encoded.append(given[1]) or of_items(*given))
    result, _ = run_recipe(write_recipe(tmp_path, more=TEXTS, length="4st", freeze=freeze, dropout=0.0))
    assert result.metrics["near/accuracy"].rows
    assert all(len(items) == 2 for items in encoded)
    assert len(encoded) == 1 if freeze else len(encoded) > 3


def test_what_a_head_calls_layers_may_be_modules(tmp_path, monkeypatch):
    made = SentenceEmbeddingHead.__init__

    def own(self, *given):
        made(self, *given)
        self.layers = torch.nn.ModuleList([torch.nn.Identity()])

    monkeypatch.setattr(SentenceEmbeddingHead, "__init__", own)
    result, _ = run_recipe(write_recipe(tmp_path, length="2st"))
    assert result.steps == 2


def test_a_head_that_is_measured_whole_is_measured_by_what_it_predicts():
    """`denoising` changes rows in training alone: its metric is of the vectors of the rows as they are."""
    recipe = Path(__file__).parents[2] / "recipes" / "heads" / "embedding-denoising.toml"
    session = open_session(preview(mtlkit.plan(mtlkit.load(recipe, ["training.length=1st"]))))
    set_eval(session.built.model)
    found = measures(session.built.model, session.readers, session.encoder, session.data, "test")
    (readers,) = session.readers
    rows = len(session.data[readers.source].splits["test"])
    vectors = np.asarray(predicted(readers, session.encoder, "test", rows)["texts"])[:, 0]
    measured = found["texts/anisotropy"].records
    assert measured.shape == vectors.shape
    assert np.allclose(measured, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), atol=1e-5)

import copy
import sys

import pytest
import torch
from model_folders import LAYERS, write_model

from mtlkit.builtin.backbones.adapter_options import IA3, Lora
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.place import Place
from mtlkit.engine.features import boundary
from mtlkit.engine.model import Model
from mtlkit.engine.params import param_table
from mtlkit.errors import RecipeError, ResourceError

pytest.importorskip("peft")

ROWS = [("abc de f",), ("a",), ("ab", "cd efg"), (["ab", "", "cde", "f"],)]
FACTORS = {
    "bert": IA3(("key", "value", "output.dense"), ("output.dense",)),
    "distilbert": IA3(("k_lin", "v_lin", "lin2"), ("lin2",)),
    "modernbert": IA3(("Wqkv", "mlp.Wo"), ("mlp.Wo",)),
    "albert": IA3(("key", "value", "ffn_output"), ("ffn_output",)),
}
CASES = [(kind, each) for kind in FACTORS for each in ("lora", "ia3")]


def build(folder, seed=0, **options):
    torch.manual_seed(seed)
    return TransformerBackbone(Transformer(Place(str(folder)), max_length=16, **options)).eval()


def adapters_of(kind, use):
    return {"lora": Lora(rank=4)} if use == "lora" else {"ia3": FACTORS[kind]}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: write_model(tmp_path_factory.mktemp(kind), kind) for kind in FACTORS}


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def pair(request, folders):
    """A model and the same with adapters as they start."""
    kind, use = request.param
    return build(folders[kind]), build(folders[kind], **adapters_of(kind, use))


@pytest.fixture
def trained(pair):
    """The one with adapters once they have moved."""
    backbone = copy.deepcopy(pair[1])
    names = backbone.adapters()
    with torch.no_grad():
        for name, weight in backbone.named_parameters():
            if name in names:
                weight += 0.2 * torch.randn_like(weight)
    return backbone


def batch_of(backbone):
    return backbone.collate(backbone.prepare(ROWS))


def table_of(backbone):
    return param_table(Model(backbone, {}), backbone, ())


def test_adapters_change_nothing_at_the_start_bit_for_bit(pair):
    base, adapted = pair
    assert torch.equal(adapted(batch_of(base)).tokens, base(batch_of(base)).tokens)


def test_every_weight_is_trainable_and_gets_a_gradient(trained):
    trained.zero_grad()
    features = trained(batch_of(trained))
    (features.tokens * torch.linspace(-1, 1, trained.hidden_size))[features.mask].sum().backward()
    assert [name for name, weight in trained.named_parameters() if weight.grad is None] == []
    assert all(row.trainable for row in table_of(trained))


def test_an_adapter_has_the_place_of_its_layer(pair):
    base, adapted = pair
    names = adapted.adapters()
    assert {adapted.place(name) for name in names} == {("block", n) for n in range(1, adapted.depth + 1)}
    others = {
        name.replace(".base_layer", ""): adapted.place(name)
        for name, _ in adapted.named_parameters()
        if name not in names
    }
    assert others == {name: base.place(name) for name, _ in base.named_parameters()}


def test_the_plan_without_weights_sees_the_same_table(pair):
    with torch.device("meta"):
        planned = TransformerBackbone(pair[1].options, pretrained=False)
    assert {weight.device.type for weight in planned.parameters()} == {"meta"}
    table = table_of(planned)
    assert table == table_of(pair[1])
    assert {row.name for row in table if row.adapter} == {f"backbone.{name}" for name in pair[1].adapters()}
    assert {row.kind for row in table if row.adapter} == {"weight"}


def test_stem_then_tail_is_forward_with_the_same_gradients(trained):
    batch = batch_of(trained)
    weigh = torch.linspace(-1, 1, trained.hidden_size)

    def gradients(features, depth):
        trained.zero_grad()
        loss = (features.tokens * weigh)[features.mask].sum()
        if loss.requires_grad:
            loss.backward()
        above = {name: each for name, each in trained.named_parameters() if trained.place(name)[1] > depth}
        return {name: each.grad.clone() for name, each in above.items() if each.grad is not None}

    whole = trained(batch)
    for depth in range(trained.depth + 1):
        with torch.no_grad():
            hidden = trained.stem(batch, depth)
        parts = trained.tail(hidden, batch, depth)
        assert torch.equal(parts.tokens, whole.tokens), depth
        expected, found = gradients(trained(batch), depth), gradients(parts, depth)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[name], found[name]) for name in expected), depth
        assert bool(found.keys() & trained.adapters()) == (depth < trained.depth)


def test_the_frozen_part_ends_below_the_lowest_trained_adapter(pair):
    table = table_of(pair[1])
    for lowest in range(1, table.depth + 1):
        names = frozenset(row.name for row in table if row.adapter and row.depth >= lowest)
        assert boundary(table, names) == lowest - 1


def test_merged_weights_give_the_same_features_under_the_names_of_the_model(pair, trained):
    base, _ = pair
    batch = batch_of(trained)
    before = trained(batch).tokens
    assert (before - base(batch).tokens).abs().max() > 0.05
    trained.merge()
    assert trained.adapters() == frozenset()
    assert [name for name, _ in trained.named_parameters()] == [name for name, _ in base.named_parameters()]
    torch.testing.assert_close(trained(batch).tokens, before, atol=1e-5, rtol=1e-5)
    base = copy.deepcopy(base)
    base.load_state_dict(trained.state_dict())
    assert torch.equal(base(batch).tokens, trained(batch).tokens)
    assert torch.equal(trained.tail(trained.stem(batch, 1), batch, 1).tokens, trained(batch).tokens)
    once = {name: weight.clone() for name, weight in trained.named_parameters()}
    trained.merge()
    assert all(torch.equal(once[name], weight) for name, weight in trained.named_parameters())


def test_lora_adds_the_scaled_product_of_its_matrices(folders):
    backbone = build(folders["bert"], lora=Lora(rank=3, alpha=12.0, targets=("layer.1.output.dense",)))
    layer = "encoder.layer.1.output.dense"
    weights = dict(backbone.named_parameters())
    down, up = (weights[f"{layer}.lora_{each}.default.weight"] for each in "AB")
    assert (down.shape, up.shape) == ((3, 32), (16, 3))
    assert not up.any()
    with torch.no_grad():
        up.normal_()
    expected = weights[f"{layer}.base_layer.weight"] + 12.0 / 3 * up @ down
    backbone.merge()
    torch.testing.assert_close(dict(backbone.named_parameters())[f"{layer}.weight"], expected)


def test_lora_is_random_by_the_global_seed_alone(folders):
    def start(seed):
        return dict(build(folders["bert"], seed, lora=Lora()).named_parameters())

    one, same, other = start(1), start(1), start(2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    assert changed == {name for name in one if ".lora_A." in name}
    assert len(changed) == 6 * LAYERS


def test_targets_are_last_parts_of_names(folders):
    def layers(targets, kind="bert"):
        names = build(folders[kind], lora=Lora(targets=targets)).adapters()
        return {name.partition(".lora_")[0] for name in names}

    assert layers(("query",)) == {f"encoder.layer.{n}.attention.self.query" for n in range(LAYERS)}
    assert layers(("layer.2.output.dense", "value")) == {
        "encoder.layer.2.output.dense",
        *(f"encoder.layer.{n}.attention.self.value" for n in range(LAYERS)),
    }
    assert layers(("encoder.layer.0.intermediate.dense",)) == {"encoder.layer.0.intermediate.dense"}
    assert len(layers(())) == 6 * LAYERS
    assert layers((), "distilbert") == {
        f"transformer.layer.{n}.{part}"
        for n in range(LAYERS)
        for part in (*(f"attention.{each}_lin" for each in ("q", "k", "v", "out")), "ffn.lin1", "ffn.lin2")
    }


def test_adapters_of_embeddings_lie_below_the_first_block(folders):
    backbone = build(folders["bert"], lora=Lora(targets=("word_embeddings",)))
    assert backbone.adapters() == {
        f"embeddings.word_embeddings.lora_embedding_{each}.default" for each in "AB"
    }
    assert {backbone.place(name) for name in backbone.adapters()} == {("embeddings", 0)}
    kinds = {row.name: row.kind for row in table_of(backbone)}
    assert kinds["backbone.embeddings.word_embeddings.base_layer.weight"] == "embedding"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"lora": Lora(targets=("query", "quary", "er"))},
            "backbone.lora.targets  'quary' is no layer that can be adapted  the model has {all}\n"
            "backbone.lora.targets  'er' is no layer that can be adapted  the model has {all}",
        ),
        (
            {"lora": Lora(targets=("LayerNorm",))},
            "backbone.lora.targets  'LayerNorm' is no layer that can be adapted  the model has {all}",
        ),
        (
            {"ia3": IA3(("word_embeddings",))},
            "backbone.ia3.targets  'word_embeddings' is no layer that can be adapted  the model has {linear}",
        ),
    ],
)
def test_a_target_that_is_no_layer_is_refused(folders, options, problem):
    linear = "query, key, value, dense"
    every = f"word_embeddings, position_embeddings, token_type_embeddings, {linear}"
    with pytest.raises(RecipeError) as caught:
        build(folders["bert"], **options)
    assert str(caught.value) == problem.format(all=every, linear=linear)


def test_a_layer_that_is_never_called_is_refused(tmp_path):
    with pytest.raises(RecipeError) as caught:
        build(write_model(tmp_path, "deberta-v2"), lora=Lora(targets=("query_proj", "rel_embeddings")))
    assert str(caught.value) == (
        "backbone.lora.targets  adapters in encoder.rel_embeddings would do nothing: the model never calls "
        "the layer  leave it out of the targets"
    )


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="^lora and ia3 can't both be given$"):
        Transformer(Place("x"), lora=Lora(), ia3=IA3(("key",)))
    with pytest.raises(ValueError, match="^feedforward has lin1, which targets has not$"):
        IA3(("key",), ("lin1",))
    with pytest.raises(ValueError, match="^targets is empty; name at least one layer, such as key$"):
        IA3(())


def test_without_peft_the_error_says_what_to_install(folders, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ResourceError) as caught:
        build(folders["bert"], lora=Lora())
    assert str(caught.value) == (
        "adapters need the library peft, which can't be imported: import of peft halted; None in sys.modules"
        "  pip install 'mtlkit[adapters]'"
    )
    build(folders["bert"]).merge()

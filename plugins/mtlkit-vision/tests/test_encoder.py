"""Laws of every encoder: where weights are, what rows and batches become, and the transformers models."""

from inspect import signature

import mtlkit
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from models import KINDS, TRANSFORMERS, save

from mtlkit_vision.encoder import BlockEncoder, StageEncoder, build
from mtlkit_vision.options import ImageEncoder

TINY = ("tiny-convnext", "tiny-resnet", "tiny-vit")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: save(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def encoders(folders):
    torch.manual_seed(0)
    found = {kind: build(options(kind, folders)) for kind in (*KINDS, *TINY)}
    for encoder in found.values():
        assert encoder.training
        encoder.eval()
    return found


def options(kind, folders):
    if kind in TINY:
        return ImageEncoder(model=kind)
    return ImageEncoder(path=mtlkit.Place(str(folders[kind])))


def batch_of(encoder, pictures):
    return encoder.collate(encoder.prepare([(picture,) for picture in pictures]))


def first_calls(encoder, batch):
    """The names of modules with weights of their own, in the order in which they are first used."""
    order = []
    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: order.append(name))
        for name, module in encoder.named_modules()
        if [*module.parameters(recurse=False)]
    ]
    encoder(batch)
    for hook in hooks:
        hook.remove()
    return list(dict.fromkeys(order))


@pytest.mark.parametrize("kind", [*KINDS, *TINY])
def test_every_weight_has_a_place_in_the_order_of_use(kind, encoders, pictures):
    encoder = encoders[kind]
    places = {name: encoder.place(name) for name, _ in encoder.named_parameters()}
    for role, depth in places.values():
        expected = "embeddings" if depth == 0 else "block" if depth <= encoder.depth else "final"
        assert role == expected
    has_final = kind not in ("resnet", "regnet", "tiny-resnet")
    assert {depth for _, depth in places.values()} == set(range(encoder.depth + 1 + has_final))
    owners = {name.rpartition(".")[0]: depth for name, (_, depth) in places.items()}
    used = [owners[name] for name in first_calls(encoder, batch_of(encoder, pictures))]
    assert used == sorted(used)
    assert len(used) > encoder.depth


def test_a_name_of_no_weight_has_no_place(encoders):
    with pytest.raises(ValueError, match="classifier"):
        encoders["resnet"].place("model.classifier.weight")


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_those_of_the_transformers_model(kind, folders, encoders, pictures):
    encoder, batch = encoders[kind], batch_of(encoders[kind], pictures)
    loaded = transformers.AutoModel.from_pretrained(folders[kind], local_files_only=True).eval()
    with torch.no_grad():
        told, features = loaded(pixel_values=batch.pixels), encoder(batch)
    states = told.last_hidden_state
    if kind in TRANSFORMERS:
        assert torch.equal(features.tokens, states)
    elif kind.startswith("convnext"):
        assert torch.equal(features.tokens, loaded.layernorm(states.flatten(2).mT))
    else:
        assert torch.equal(features.tokens, states.flatten(2).mT)
        assert torch.allclose(features.tokens.mean(1), told.pooler_output.flatten(1), atol=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, *TINY])
def test_shapes_masks_and_lengths_agree_and_nothing_is_padded(kind, encoders, pictures):
    encoder = encoders[kind]
    items = encoder.prepare([(picture,) for picture in pictures])
    batch = encoder.collate(items).to("cpu")
    features = encoder(batch)
    rows, tokens = len(pictures), len(items[0])
    assert tokens > 1
    assert {len(item) for item in items} == {tokens}
    assert features.tokens.shape == (rows, tokens, encoder.hidden_size)
    assert features.tokens.dtype == torch.float32
    assert features.mask.shape == features.words.shape == (rows, tokens)
    assert features.mask.dtype == torch.bool
    assert features.mask.all()
    assert (features.words == -1).all()
    assert batch.mask is features.mask
    assert torch.isfinite(features.tokens).all()


@pytest.mark.parametrize("kind", [*KINDS, *TINY])
def test_the_same_batch_gives_the_same_bits_and_takes_no_random_number(kind, encoders, pictures):
    encoder, batch = encoders[kind], batch_of(encoders[kind], pictures)
    state = torch.get_rng_state()
    buffers = {name: value.clone() for name, value in encoder.named_buffers()}
    assert torch.equal(encoder(batch).tokens, encoder(batch).tokens)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, buffers[name]) for name, value in encoder.named_buffers())


@settings(max_examples=30)
@given(data=st.data(), kind=st.sampled_from([*KINDS, *TINY]))
def test_a_row_depends_on_no_other_row(data, kind, encoders, pictures):
    encoder = encoders[kind]
    chosen = data.draw(st.lists(st.sampled_from(range(len(pictures))), min_size=1, max_size=6))
    with torch.no_grad():
        whole = encoder(batch_of(encoder, pictures)).tokens
        part = encoder(batch_of(encoder, [pictures[at] for at in chosen])).tokens
    assert torch.allclose(part, whole[chosen], atol=1e-5)


def test_rows_of_different_images_differ(encoders, pictures):
    for encoder in encoders.values():
        tokens = encoder(batch_of(encoder, pictures)).tokens.detach()
        assert min((tokens[at] - tokens[at - 1]).abs().max().item() for at in range(len(tokens))) > 1e-3


@pytest.mark.parametrize("kind", [*TRANSFORMERS, "tiny-vit"])
@pytest.mark.parametrize("training", [False, True])
def test_stem_and_tail_are_the_whole_bit_for_bit(kind, training, folders, pictures):
    torch.manual_seed(1)
    encoder = build(options(kind, folders)).train(training)
    assert isinstance(encoder, BlockEncoder)
    assert isinstance(encoder, mtlkit.Splittable)
    batch = batch_of(encoder, pictures)
    for depth in range(encoder.depth + 1):
        torch.manual_seed(2)
        whole = encoder.model(pixel_values=batch.pixels).last_hidden_state
        torch.manual_seed(2)
        hidden = encoder.stem(batch, depth)
        assert hidden.shape == whole.shape
        assert torch.equal(encoder.tail(hidden, batch, depth).tokens, whole)


@pytest.mark.parametrize("kind", [*TRANSFORMERS, "tiny-vit"])
def test_a_stem_depends_on_the_weights_up_to_its_depth_and_a_tail_on_the_others(kind, folders, pictures):
    torch.manual_seed(1)
    encoder = build(options(kind, folders)).eval()
    batch = batch_of(encoder, pictures[:2])
    for depth in range(encoder.depth + 1):
        hidden = encoder.stem(batch, depth)
        tail = encoder.tail(hidden, batch, depth).tokens
        for above in (True, False):
            before = {name: value.clone() for name, value in encoder.state_dict().items()}
            for name, weight in encoder.named_parameters():
                if (encoder.place(name)[1] > depth) == above:
                    weight.data += 1
            assert torch.equal(encoder.stem(batch, depth), hidden) == above
            assert torch.equal(encoder.tail(hidden, batch, depth).tokens, tail) != above
            encoder.load_state_dict(before)


def test_networks_in_stages_have_no_stem(encoders):
    stages = [encoder for encoder in encoders.values() if isinstance(encoder, StageEncoder)]
    assert len(stages) == 6
    assert not any(isinstance(encoder, mtlkit.Splittable) for encoder in stages)


@pytest.mark.parametrize("kind", [*KINDS, *TINY])
def test_an_outline_has_the_same_weights_but_reads_none(kind, folders, encoders, tmp_path):
    outlined = options(kind, folders)
    if kind in KINDS:
        for name in ("config.json", "preprocessor_config.json"):
            (tmp_path / name).write_bytes((folders[kind] / name).read_bytes())
        outlined = ImageEncoder(path=mtlkit.Place(str(tmp_path)))
    with torch.device("meta"):
        outline = build(outlined, False)
    assert all(weight.is_meta for weight in outline.parameters())
    shapes = [(name, weight.shape) for name, weight in encoders[kind].named_parameters()]
    assert [(name, weight.shape) for name, weight in outline.named_parameters()] == shapes
    assert (outline.depth, outline.hidden_size) == (encoders[kind].depth, encoders[kind].hidden_size)


def test_every_weight_of_the_small_models_learns(pictures):
    for kind in TINY:
        encoder = build(ImageEncoder(model=kind))
        encoder(batch_of(encoder, pictures)).tokens.square().sum().backward()
        without = [name for name, weight in encoder.named_parameters() if weight.grad is None]
        assert without == []
        assert encoder.hidden_size == 32


def test_small_models_are_drawn_from_the_global_generator_alone():
    for kind in TINY:
        states = []
        for _ in range(2):
            torch.manual_seed(5)
            states.append(build(ImageEncoder(model=kind)).state_dict())
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_builder_is_called_as_the_contract_says():
    assert list(signature(build).parameters) == ["options", "pretrained"]


def test_one_column_with_a_path_is_a_row(encoders, pictures):
    encoder = encoders["tiny-vit"]
    with pytest.raises(mtlkit.RecipeError, match="one image per row, not 2 columns"):
        encoder.prepare([(pictures[0], pictures[1])])
    for cell in (None, "", 3, ["a"]):
        with pytest.raises(mtlkit.DataError, match="in place of the path"):
            encoder.prepare([(cell,)])

"""Model folders of strangers: headers that lie, JSON that has no end, keys that name code."""

import json
import time
from itertools import pairwise
from random import Random
from shutil import copytree

import pytest
from model_folders import write_model

from mtlkit.builtin.backbones.model_files import check_folder
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.place import Place
from mtlkit.errors import ResourceError

AGAIN = "  fetch the model again, and from where you trust it"
FIRST = "embeddings.LayerNorm.bias"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture
def folder(whole, tmp_path):
    return copytree(whole, tmp_path / "model")


def refusal(folder):
    begun = time.process_time()
    with pytest.raises(ResourceError) as caught:
        TransformerBackbone(Transformer(Place(str(folder)), max_length=16), True)
    assert time.process_time() - begun < 10
    return str(caught.value).replace(f"{folder}/", "").replace(str(folder), "MODEL")


def parts(folder):
    raw = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def packed(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def lying(**words):
    def change(header, data):
        header[FIRST] |= words
        return packed(header, data)

    return change


CANT = "its header can't be read: "
HEADERS = {
    "its header is said to have 0 bytes, and the file has 0": lambda header, data: b"",
    "its header is said to have 9,223,372,036,854,775,808 bytes, and the file has 32,648": lambda header, data: (
        (2**63).to_bytes(8, "little") + data
    ),
    f"{CANT}it is nested too deep": lambda header, data: packed(b'{"a":' * 100_000, data),
    f"{CANT}it is no object": lambda header, data: packed([1], data),
    f"{CANT}it is not UTF-8 text": lambda header, data: packed(b"\xff", data),
    f"{CANT}the key '{FIRST}' is there twice": lambda header, data: packed(
        json.dumps(header).encode()[:-1] + b"," + json.dumps({FIRST: header[FIRST]}).encode()[1:], data
    ),
    f"'{FIRST}' is said to have bytes 0 to 1099511627776 of 32,640, which is not its shape [16]": lying(
        data_offsets=[0, 2**40]
    ),
    f"'{FIRST}' is said to have bytes -4 to 60 of 32,640, which is not its shape [16]": lying(
        data_offsets=[-4, 60]
    ),
    f"'{FIRST}' is said to have bytes 0 to 64 of 32,640, which is not its shape [1099511627776, 1099511627776]": lying(
        shape=[2**40, 2**40]
    ),
    f"'{FIRST}' is said to have bytes 0 to 64 of 32,640, which is not its shape [16]": lying(dtype="I64"),
    f"'{FIRST}' begins at byte 64 and the one before it ends at 0": lying(data_offsets=[64, 128]),
    f"'{FIRST}' is not told with the dtype, shape and data_offsets of a tensor": lying(dtype="Q7"),
    "its tensors have 32,640 bytes, and the file has 32,641": lambda header, data: packed(
        header, data + b"x"
    ),
    "it holds 20,055 tensors; at most 20,000 are read": lambda header, data: packed(
        header
        | {
            f"z{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
            for n in range(20_055 - len(header) + 1)
        },
        data,
    ),
}


@pytest.mark.parametrize("wrong", HEADERS)
def test_a_header_that_lies_is_named(folder, wrong):
    (folder / "model.safetensors").write_bytes(HEADERS[wrong](*parts(folder)))
    assert refusal(folder) == f"model.safetensors is no whole safetensors file: {wrong}{AGAIN}"


def test_changed_headers_are_refused_or_harmless(folder):
    """200 headers with a few bytes changed: none gets past the check that the library then refuses."""
    from safetensors import SafetensorError, safe_open

    file, rng = folder / "model.safetensors", Random(1)
    raw = file.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    cuts = sorted(rng.randrange(8, end - 1) for _ in range(201))
    refused = 0
    for place, _ in pairwise(cuts):
        changed = bytearray(raw)
        changed[place : place + rng.randrange(1, 3)] = rng.randbytes(rng.randrange(1, 3))
        file.write_bytes(changed)
        try:
            check_folder(folder)
        except ResourceError:
            refused += 1
            continue
        try:
            with safe_open(file, "pt") as opened:
                list(opened.keys())
        except SafetensorError as error:
            raise AssertionError(f"passed: {error}") from error
    assert refused > 100


def test_weights_that_are_not_finite(folder):
    header, data = parts(folder)
    (folder / "model.safetensors").write_bytes(packed(header, b"\xff" * len(data)))
    assert refusal(folder) == "the weights of MODEL are not all finite: embeddings.word_embeddings.weight"


CODE = "  a model is data here: use a model that the transformers library knows without extra code"
CONFIGS = {
    "auto_map": {"AutoModel": "x.Y"},
    "_attn_implementation_internal": "a/b",
    "attn_implementation": "a/b",
    "experts_implementation": "a/b",
    "quantization_config": {"quant_method": "bitsandbytes"},
    "use_kernels": True,
}


@pytest.mark.parametrize("key", CONFIGS)
def test_keys_that_can_name_code(folder, key):
    file = folder / "config.json"
    stored = json.loads(file.read_text())
    for told in ({key: CONFIGS[key]}, {"inner": [{key: CONFIGS[key]}]}):
        file.write_text(json.dumps(stored | told))
        assert (
            refusal(folder)
            == f"the configuration of MODEL has the key {key!r}, which can name code to run{CODE}"
        )


@pytest.mark.parametrize(
    ("key", "size", "told"),
    [
        ("num_hidden_layers", 10**9, "num_hidden_layers = 1,000,000,000  at most 1,000 are read"),
        ("hidden_size", 10**9, "hidden_size = 1,000,000,000  at most 268,435,456 is read"),
    ],
)
def test_sizes_that_no_encoder_has(folder, key, size, told):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: size}))
    assert refusal(folder) == f"the configuration of MODEL has {told}"


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"[" * 100_000, "it is nested too deep"),
        (b"[]", "it is no object"),
        (b"\xff", "it is not UTF-8 text"),
        (b'{"a": 1, "a": 2}', "the key 'a' is there twice"),
        (b'{"a": NaN}', "NaN is not a finite number"),
        (b" " * (16 * 2**20 + 1), "it is larger than 16 MiB"),
    ],
    ids=range(6),
)
def test_json_that_is_none(folder, name, content, wrong):
    (folder / name).write_bytes(content)
    assert refusal(folder) == f"{name} is not the JSON of a model: {wrong}{AGAIN}"


def test_files_that_lead_to_other_models(folder):
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))
    assert (
        refusal(folder) == f"{index.name} names '../other.safetensors', which is no file of its folder{AGAIN}"
    )
    (folder / "adapter_config.json").write_text("{}")
    told = "makes the folder an adapter, which loads another model by its name  merge it into its model, and use that"
    assert refusal(folder) == f"adapter_config.json {told}"

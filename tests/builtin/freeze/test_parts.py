"""Policies that train one kind of part: biases, norms, attention."""

import pytest
import torch
from hypothesis import given
from transformers import AutoConfig, AutoModel

from mtlkit.builtin.freeze.attention_only import AttentionOnly
from mtlkit.builtin.freeze.bias_only import BiasOnly
from mtlkit.builtin.freeze.norm_only import NormOnly
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import parse
from mtlkit.testing.strategies import param_tables

SIZES = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 20,
    "pad_token_id": 0,
}
OTHERS = {
    "distilbert": {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 16},
    "gpt2": {"n_embd": 8, "n_layer": 2, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0},
    "xlnet": {"d_model": 8, "n_layer": 2, "n_head": 2, "d_inner": 16},
    "modernbert": {"cls_token_id": 0, "sep_token_id": 0, "bos_token_id": 0, "eos_token_id": 0},
    "qwen2": {"num_key_value_heads": 2},
    "llama": {"num_key_value_heads": 2},
}
MODELS = (
    "bert",
    "roberta",
    "xlm-roberta",
    "electra",
    "mpnet",
    "deberta-v2",
    "distilbert",
    "modernbert",
    "qwen2",
    "llama",
    "gpt2",
    "xlnet",
)


def table_of(model) -> ParamTable:
    """All weights in block 1, norms told from others by the class of their module."""
    rows = []
    for path, module in model.named_modules():
        norm = "norm" in type(module).__name__.lower()
        for leaf, weight in module.named_parameters(recurse=False):
            name = f"{BACKBONE}.{path}.{leaf}"
            rows.append(Row(name, tuple(weight.shape), BACKBONE, "block", 1, "norm" if norm else "weight"))
    return ParamTable(tuple(rows), 1)


def inside_attention(model) -> set[str]:
    """Weights below a module whose class is called attention, norms apart."""
    found = set()
    for path, module in model.named_modules():
        if "attention" in type(module).__name__.lower():
            for inner, below in module.named_modules(prefix=path):
                if "norm" not in type(below).__name__.lower():
                    found |= {
                        f"{BACKBONE}.{inner}.{leaf}" for leaf, _ in below.named_parameters(recurse=False)
                    }
    return found


@pytest.mark.parametrize("kind", MODELS)
def test_attention_is_found_by_name_in_real_encoders(kind):
    config = AutoConfig.for_model(kind, **(SIZES | OTHERS.get(kind, {})))
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    table = table_of(model)
    policy = AttentionOnly()
    assert {row.name for row in table if policy.trainable(row, table, 0)} == inside_attention(model)
    assert inside_attention(model)


@given(param_tables())
def test_the_heads_always_train_and_of_the_backbone_only_the_part(table):
    for row in table:
        if row.role == "head":
            assert all(
                policy.trainable(row, table, 0) for policy in (BiasOnly(), NormOnly(), AttentionOnly())
            )
            continue
        norm_bias = row.kind == "norm" and any(name.endswith(".bias") for name in row.names)
        assert BiasOnly().trainable(row, table, 0) is (row.kind == "bias" or norm_bias)
        assert NormOnly().trainable(row, table, 0) is (row.kind == "norm")
        assert AttentionOnly().trainable(row, table, 0) is False  # none of these blocks has any


@pytest.mark.parametrize("policy", [BiasOnly(), NormOnly(), AttentionOnly()], ids=repr)
def test_one_selector_says_it_all_so_a_model_without_the_part_is_refused(policy):
    (text,) = policy.patterns()
    head = Row("heads.t.attention.bias", (), "t", "head", 3, "bias")
    assert not parse(text).matches(head, ParamTable((head,), 1))
    assert policy.monotone
    assert not policy.trains_nothing


def test_other_names_of_attention():
    table = ParamTable((Row("backbone.h.0.mixer.w", (), BACKBONE, "block", 1, "weight"),), 1)
    (row,) = table
    assert not AttentionOnly().trainable(row, table, 0)
    assert AttentionOnly(("mixer",)).trainable(row, table, 0)
    assert not AttentionOnly(("mix",)).trainable(row, table, 0)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ((), "modules is empty; name at least one module"),
        (("attn.*",), "'attn.*' is not the name of a module; write one such as 'attention'"),
        (("",), "'' is not the name of a module; write one such as 'attention'"),
    ],
)
def test_errors(modules, message):
    with pytest.raises(ValueError, match=r".") as caught:
        AttentionOnly(modules)
    assert str(caught.value) == message

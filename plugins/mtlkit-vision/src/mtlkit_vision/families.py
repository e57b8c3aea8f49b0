"""The kinds of model we know: where their blocks are, and small ones with random weights.

Only these are read, because which weights lie below which is not something a model file says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import mtlkit
from attrs import frozen

from mtlkit_vision.options import TINY_PATCH, Tiny

Answer = Literal["tokens", "map"]


@frozen
class Family:
    """A kind of model. Names are those of modules of the transformers library's class.

    `first` holds what comes before the first block, `blocks` is the list of blocks (of a network in
    stages: the stages), `last` the norm behind the last block, "" where there is none. `answer` says
    whether it yields tokens [B, T, H] or a map [B, H, h, w]. `any_size`: it reads images of any size.
    """

    first: str
    blocks: str
    last: str
    answer: Answer
    any_size: bool

    def place(self, name: str, depth: int) -> tuple[mtlkit.Role, int]:
        """Role and depth of the weight with that name in a model of `depth` blocks.

        Raises:
            ValueError: when the family has no such weight.
        """
        if name.startswith(f"{self.first}."):
            return "embeddings", 0
        if name.startswith(f"{self.blocks}."):
            return "block", int(name.removeprefix(f"{self.blocks}.").partition(".")[0]) + 1
        if self.last and name.startswith(f"{self.last}."):
            return "final", depth + 1
        raise ValueError(
            f"{name!r} is neither in {self.first}, {self.blocks} nor {self.last or 'a last norm'}"
        )


_TRANSFORMER = Family("embeddings", "layers", "layernorm", "tokens", any_size=False)
_DINO = Family("embeddings", "encoder.layer", "layernorm", "tokens", any_size=True)
_RESIDUAL = Family("embedder", "encoder.stages", "", "map", any_size=True)
_CONVNEXT = Family("embeddings", "encoder.stages", "layernorm", "map", any_size=True)

FAMILIES: Mapping[str, Family] = {
    "convnext": _CONVNEXT,
    "convnextv2": _CONVNEXT,
    "deit": _TRANSFORMER,
    "dinov2": _DINO,
    "regnet": _RESIDUAL,
    "resnet": _RESIDUAL,
    "vit": _TRANSFORMER,
    "vit_msn": _TRANSFORMER,
}


def tiny_config(name: Tiny, size: int) -> Any:  # noqa: ANN401  a transformers configuration
    """The configuration of a small model of hidden size 32 for images of `size` × `size` pixels."""
    from transformers import ConvNextConfig, ResNetConfig, ViTConfig

    if name == "tiny-vit":
        return ViTConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            image_size=size,
            patch_size=TINY_PATCH,
            hidden_dropout_prob=0.1,
        )
    if name == "tiny-convnext":
        return ConvNextConfig(hidden_sizes=[16, 32], depths=[1, 1], num_stages=2, drop_path_rate=0.1)
    return ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 32], depths=[1, 1, 1], layer_type="basic")

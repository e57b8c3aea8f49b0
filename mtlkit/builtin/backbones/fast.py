"""Which models run without padding, and how: through their own code, with attention of ours.

The model's layers see one long row, made of the tokens of all rows; what they compute for a token does not
depend on the others, but for attention, which is given the rows it is to keep apart.
"""

from __future__ import annotations

from typing import Any

import torch
from attrs import frozen
from torch import Tensor, nn

from mtlkit.builtin.backbones.attending import attending_by
from mtlkit.builtin.backbones.byte_dropout import ByteDropout
from mtlkit.builtin.backbones.packed_attention import NAME, packed_attention
from mtlkit.builtin.backbones.packing import Packing

FAMILY = frozenset({"bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"})
"""The kinds of models that are tested to give the same either way."""


@frozen(eq=False)
class FastPath:
    """Runs a model of the BERT family on packed rows.

    `padding` is the id that marks padding where ids say what has a position (RoBERTa and its kin), else None.
    """

    model: Any
    padding: int | None

    @classmethod
    def of(cls, model: nn.Module, config: Any) -> FastPath | None:  # noqa: ANN401  a transformers configuration
        """The fast path of a model that has one; its dropout then draws bytes."""
        if not has_fast_path(config):
            return None
        _register()
        for module in list(model.modules()):
            for name, child in module.named_children():
                if type(child) is nn.Dropout:
                    setattr(module, name, ByteDropout(child.p, child.inplace))
        return cls(model, _padding_by_id(model))

    @property
    def embeddings(self) -> list[nn.Module]:
        """What makes the states that the first block takes, and nothing else."""
        names = ("embeddings", "embeddings_project")
        return [module for name, module in self.model.named_children() if name in names]

    def run(self, ids: Tensor, types: Tensor | None, packing: Packing) -> Any:  # noqa: ANN401  the model's answer
        """The model's answer for rows [B, T], with states [1, P, H]."""
        packed = packing.together(ids)
        typed = {} if types is None else {"token_type_ids": packing.together(types)}
        positions = (
            packing.positions[None] if self.padding is None else packing.together(_counted(ids, self.padding))
        )
        with attending_by(self.model.config, NAME):
            return self.model(
                input_ids=packed,
                attention_mask=torch.ones_like(packed),
                position_ids=positions,
                packing=packing,
                **typed,
            )


def has_fast_path(config: Any) -> bool:  # noqa: ANN401  a transformers configuration
    """Whether models of that kind have one."""
    return config.model_type in FAMILY and not getattr(config, "is_decoder", False)


def note(kind: str, packs: bool, asked: str) -> str:
    """What a plan says of how rows are run."""
    if packs:
        return "rows are encoded without padding, with dropout by bytes (backbone.fast)"
    if asked == "off":
        return "rows are padded to the longest of those with like length (backbone.fast is off)"
    known = ", ".join(sorted(FAMILY))
    return (
        f"rows are padded to the longest of those with like length (backbone.fast knows {known}, not {kind})"
    )


def _counted(ids: Tensor, padding: int) -> Tensor:
    real = ids.ne(padding).long()
    return real.cumsum(1) * real + padding


def _padding_by_id(model: nn.Module) -> int | None:
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx)
    return None


def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:  # noqa: ANN401  which tokens are real is told by the packing
    return None

"""Train the attention and the heads, freeze all other weights.

Source: Touvron et al. 2022, "Three things everyone should know about Vision Transformers", section 4.
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import parse

MODULES = (
    "attention",  # BERT, RoBERTa, XLM-R, ELECTRA, MPNet, DeBERTa, DistilBERT, ALBERT, ViT
    "attn",  # ModernBERT, GPT-2, models of timm
    "self_attn",  # Qwen, Llama, BART, CLIP, torch's own layers
    "self_attention",  # BLOOM, Falcon
    "SelfAttention",  # T5
    "rel_attn",  # XLNet
)


@frozen
class AttentionOnly(FreezePolicy):
    """Of the blocks only the attention trains: projections of queries, keys, values and output.

    That is each weight of a block that is inside a module with one of the names `modules` and is no part of a
    norm. The heads train. A backbone without any such weight is an error.

    Helps: vision transformers at another resolution or on other classes, with less memory and computation
    (Touvron et al. 2022, arXiv:2203.09795, §4).

    Does not help: no evidence known to us.
    """

    monotone: ClassVar[bool] = True

    modules: tuple[str, ...] = option("what the modules of attention are called", MODULES)

    def __attrs_post_init__(self) -> None:
        if not self.modules:
            raise ValueError("modules is empty; name at least one module")
        for name in self.modules:
            if not name.replace("_", "x").isalnum():
                raise ValueError(f"{name!r} is not the name of a module; write one such as 'attention'")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is of the attention or belongs to a head."""
        return row.owner != BACKBONE or any(parse(text).matches(row, table) for text in self.patterns())

    def patterns(self) -> tuple[str, ...]:
        """One selector of all modules, so that one of them is enough."""
        inside = " | ".join(f"{BACKBONE}.*.{name}.*" for name in self.modules)
        return (f"blocks & !type:norm & ({inside})",)

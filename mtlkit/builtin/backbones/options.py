"""Options of the backbones we ship; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Lt
from attrs import frozen

from mtlkit.builtin.backbones.adapter_options import IA3, Lora
from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place

LongTexts = Literal["cut", "windows"]
Fast = Literal["auto", "off"]
SHORTEST_WINDOW = 8


@frozen
class Transformer:
    """A pre-trained Hugging Face encoder.

    Raises:
        ValueError: when it is to have adapters of two kinds, or windows are too short or share too much.
    """

    path: Place = option("folder of the model, `package:NAME/path`, or a name on the Hugging Face hub")
    max_length: Annotated[int, Ge(2)] = option(
        "tokens of a row at most, special tokens included", 128, unit="tokens"
    )
    long_texts: LongTexts = option("rows of more tokens are cut, or encoded in windows that overlap", "cut")
    overlap: Annotated[int, Ge(0)] = option(
        "tokens that two windows share; 4 · overlap + 4 is at most `max_length`", 16, unit="tokens"
    )
    revision: str | None = option("branch, tag or commit of a model on the hub", None)
    lora: Lora | None = option("low-rank adapters in some layers", None)
    ia3: IA3 | None = option("factors on the outputs and inputs of some layers", None)
    fast: Fast = option(
        "leave padding out and draw dropout cheaply, for the kinds of models it is tested on", "auto"
    )
    checkpoint_blocks: bool = option(
        "keep nothing inside blocks, compute it again for the gradient: less memory, more time",
        False,
    )
    reinit_top: Annotated[int, Ge(0)] = option(
        "how many of the topmost blocks start anew, with random weights", 0, unit="blocks"
    )

    def __attrs_post_init__(self) -> None:
        if self.lora is not None and self.ia3 is not None:
            raise ValueError("lora and ia3 can't both be given")
        check_overlap(self.long_texts, self.overlap, self.max_length)

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a very small model with random weights below `folder`; the options table that loads it."""
        from mtlkit.builtin.backbones.sample import write_model

        return {"path": str(write_model(folder / "model"))}

    def described(self, told: Mapping[str, Any], pretrained: bool) -> Any:  # noqa: ANN401  torch is not imported here
        """The backbone as its description has it, not loaded; None where that is of other files."""
        from mtlkit.builtin.backbones.transformer import TransformerBackbone

        return TransformerBackbone.described(self, told, pretrained)


@frozen
class Tiny:
    """A small encoder with random weights, for tests and dry runs."""

    hidden_size: Annotated[int, Ge(1), Le(16_384)] = option(
        "size of the hidden states; a multiple of `heads`", 32, unit="dimensions"
    )
    blocks: Annotated[int, Ge(1), Le(200)] = option("how many transformer blocks", 2, unit="blocks")
    heads: Annotated[int, Ge(1), Le(16_384)] = option(
        "attention heads of each block", 2, unit="attention heads"
    )
    vocabulary: Annotated[int, Ge(5), Le(1_000_000)] = option(
        "how many ids words are hashed into", 512, unit="ids"
    )
    max_length: Annotated[int, Ge(3), Le(1_000_000)] = option(
        "tokens of a row at most, special tokens included", 64, unit="tokens"
    )
    dropout: Annotated[float, Ge(0), Lt(1)] = option("dropout rate", 0.1)
    long_texts: LongTexts = option("rows of more tokens are cut, or encoded in windows that overlap", "cut")
    overlap: Annotated[int, Ge(0)] = option(
        "tokens that two windows share; 4 · overlap + 4 is at most `max_length`", 8, unit="tokens"
    )

    def __attrs_post_init__(self) -> None:
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")
        check_overlap(self.long_texts, self.overlap, self.max_length)


def check_overlap(long_texts: LongTexts, overlap: int, max_length: int) -> None:
    """Hold the overlap of windows against their length.

    Raises:
        ValueError: when windows are too short, or share too much.
    """
    if long_texts == "windows" and max_length < SHORTEST_WINDOW:
        raise ValueError(f"windows of max_length {max_length} are too short: take {SHORTEST_WINDOW} or more")
    if long_texts == "windows" and 4 * overlap > max_length - 4:
        most = (max_length - 4) // 4
        raise ValueError(f"overlap {overlap} is too much for max_length {max_length}: at most {most}")

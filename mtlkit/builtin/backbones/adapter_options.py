"""Options of adapters: small trained weights beside or on top of the layers of a pre-trained model."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt
from attrs import frozen

from mtlkit.contracts.options import option


@frozen
class Lora:
    """Low-rank adapters: the layer's weight W [out, in] becomes W + (alpha / rank) · B A.

    A [rank, in] starts at random and B [out, rank] at 0, so that training starts from the model as it was.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv:2106.09685), §4.1,
    which adapts the layers of queries and values; that all linear layers do better, by default here, is from
    Dettmers et al. 2023, "QLoRA: Efficient Finetuning of Quantized LLMs" (arXiv:2305.14314), §4.
    """

    rank: Annotated[int, Ge(1)] = option(
        "how many rows A has, and B columns: the rank of what they add", 8, unit="dimensions"
    )
    alpha: Annotated[float, Gt(0)] = option("what they add is scaled by alpha / rank", 16.0)
    dropout: Annotated[float, Ge(0), Lt(1)] = option("dropout rate of the input of A", 0.0)
    targets: tuple[str, ...] = option(
        "last parts of the names of the adapted layers; by default all linear layers of the blocks", ()
    )


@frozen
class IA3:
    """Learned factors, starting at 1, on what some layers yield, or on what they get.

    Source: Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context
    Learning" (arXiv:2205.05638), §3.3.

    Raises:
        ValueError: when `targets` is empty, or `feedforward` has what it has not.
    """

    targets: tuple[str, ...] = option("last parts of the names of the adapted layers")
    feedforward: tuple[str, ...] = option(
        "those of the targets whose input is multiplied, instead of their output", ()
    )

    def __attrs_post_init__(self) -> None:
        if not self.targets:
            raise ValueError("targets is empty; name at least one layer, such as key")
        if missing := [name for name in self.feedforward if name not in self.targets]:
            raise ValueError(f"feedforward has {', '.join(missing)}, which targets has not")

"""Options of the backbones we ship; light, so that recipes are checked without torch."""

from typing import Annotated

from annotated_types import Ge, Lt
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place


@frozen
class Transformer:
    """A pre-trained Hugging Face encoder."""

    path: Place = option("folder of the model, `package:NAME/path`, or a name on the Hugging Face hub")
    max_length: Annotated[int, Ge(2)] = option("tokens of a row at most, special tokens included", 128)
    revision: str | None = option("branch, tag or commit of a model on the hub", None)


@frozen
class Tiny:
    """A small encoder with random weights, for tests and dry runs."""

    hidden_size: Annotated[int, Ge(1)] = option("size of the hidden states; a multiple of `heads`", 32)
    blocks: Annotated[int, Ge(1)] = option("how many transformer blocks", 2)
    heads: Annotated[int, Ge(1)] = option("attention heads of each block", 2)
    vocabulary: Annotated[int, Ge(4)] = option("how many ids words are hashed into", 512)
    max_length: Annotated[int, Ge(3)] = option("tokens of a row at most, special tokens included", 64)
    dropout: Annotated[float, Ge(0), Lt(1)] = option("dropout rate", 0.1)

    def __attrs_post_init__(self) -> None:
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")

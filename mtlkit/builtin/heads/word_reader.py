"""One vector for each word of a view that is a list of words: layers chosen, tokens of a word made one.

Shapes: B rows, W words of the longest row, D size of the states.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from mtlkit.builtin.heads.layer_reader import LayerReader
from mtlkit.builtin.heads.option_fields import Layers
from mtlkit.builtin.heads.token_options import Subword
from mtlkit.builtin.heads.words import word_vectors
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import HeadContext


class WordOptions(Protocol):
    """What is read of the options of a head for words."""

    @property
    def tokens(self) -> str:
        """The column of the words."""
        ...

    @property
    def subword(self) -> Subword:
        """Which tokens of a word stand for it."""
        ...

    @property
    def layers(self) -> Layers:
        """The layers of the backbone that are read."""
        ...


class WordReader(nn.Module):
    """Turns features into word vectors of `size`; `depths` is what a head says in `Head.layers`.

    Raises:
        RecipeError: when a layer is none of the backbone's.
    """

    def __init__(self, options: WordOptions, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.reader = LayerReader(options.layers, context)
        self.depths, self.size = self.reader.depths, self.reader.size

    def forward(self, features: Features) -> tuple[Tensor, Tensor]:
        """Vectors [B, W, size] of the words up to the last one seen, and which [B, W] have a token."""
        states = self.reader(features)
        return word_vectors(states, features.mask, features.words, self.options.subword)

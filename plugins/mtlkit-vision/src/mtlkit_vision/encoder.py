"""The backbone `image-encoder`: a vision transformer of blocks, or a convolutional network of stages.

He et al. 2016, "Deep Residual Learning for Image Recognition"; Dosovitskiy et al. 2021, "An Image is
Worth 16x16 Words". Shapes: B images, T tokens of an image, H hidden size, L blocks or stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mtlkit
import torch
from attrs import frozen
from torch import Tensor, nn

from mtlkit_vision.batches import ImageBatch, ImageRow, Reader
from mtlkit_vision.families import Family
from mtlkit_vision.loading import family_of, load_config, load_model, model_folder
from mtlkit_vision.options import ImageEncoder
from mtlkit_vision.preprocessing import Preprocessing, preprocessing

_PREFIX = "model."


@frozen(eq=False)
class Parts:
    """What an encoder is made of. `model` is a model of the transformers library."""

    model: Any
    family: Family
    reader: Reader
    hidden_size: int

    @property
    def blocks(self) -> nn.ModuleList:
        """The blocks or stages, from the input on."""
        found: nn.ModuleList = self.model.get_submodule(self.family.blocks)
        return found

    def place(self, name: str) -> tuple[mtlkit.Role, int]:
        """Role and depth of a weight of the module that holds the model as `model`."""
        return self.family.place(name.removeprefix(_PREFIX), len(self.blocks))


def build(options: ImageEncoder, pretrained: bool = True) -> BlockEncoder | StageEncoder:
    """The encoder that the options ask for.

    Without `pretrained` no weights are read; those of a small model are random, from torch's global
    generator.

    Raises:
        ResourceError: when the model is missing, can't be loaded, asks for code or is of an unknown kind.
        RecipeError: when it does not read images of the size asked for.
    """
    folder = model_folder(options)
    config = load_config(options, folder)
    family = family_of(config)
    reading = preprocessing(options, family, config, folder)
    model = load_model(config, folder, pretrained)
    model.eval()  # a run for information only: statistics stay and no random number is taken
    reader = Reader(reading, _tokens(model, reading))
    model.train()
    hidden = config.hidden_size if family.answer == "tokens" else config.hidden_sizes[-1]
    parts = Parts(model, family, reader, int(hidden))
    return BlockEncoder(parts) if family.answer == "tokens" else StageEncoder(parts)


class BlockEncoder(nn.Module):
    """A vision transformer: tokens are the class token, what else the model adds, then the patches by row.

    It splits between any two blocks, bit-exactly.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.model, self._parts = parts.model, parts
        self.hidden_size, self.depth = parts.hidden_size, len(parts.blocks)

    def place(self, name: str) -> tuple[mtlkit.Role, int]:
        """Role and depth: patch and position embeddings 0, block i is i+1, the last norm L+1."""
        return self._parts.place(name)

    def prepare(self, rows: Sequence[tuple[mtlkit.Value, ...]]) -> list[ImageRow]:
        """Read the image file of each row; as `Reader.prepare`."""
        return self._parts.reader.prepare(rows)

    def collate(self, items: Sequence[ImageRow]) -> ImageBatch:
        """A batch of images."""
        return self._parts.reader.collate(items)

    def forward(self, batch: ImageBatch) -> mtlkit.Features:
        """Features of the batch."""
        return self.tail(self.stem(batch, 0), batch, 0)

    def stem(self, batch: ImageBatch, depth: int) -> Tensor:
        """Hidden states [B, T, H] below block `depth`+1."""
        hidden: Tensor = self.model.embeddings(batch.pixels)
        return self._run(hidden, 0, depth)

    def tail(self, hidden: Tensor, batch: ImageBatch, depth: int) -> mtlkit.Features:
        """Features from the hidden states that `stem` gave for the same batch and depth."""
        tokens = self.model.layernorm(self._run(hidden, depth, self.depth))
        return mtlkit.Features(tokens, batch.mask, batch.words)

    def _run(self, hidden: Tensor, first: int, last: int) -> Tensor:
        for block in list(self._parts.blocks)[first:last]:
            hidden = block(hidden, None)
        return hidden


class StageEncoder(nn.Module):
    """A convolutional network: tokens are the places of the last stage's map, row by row, T = h × w.

    Where the model has a norm behind its mean over the map (ConvNeXt), it is applied to each place, so
    that every way to pool comes after it. There is no stem and tail: stages differ in hidden size and in
    number of places.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.model, self._parts = parts.model, parts
        self.hidden_size, self.depth = parts.hidden_size, len(parts.blocks)

    def place(self, name: str) -> tuple[mtlkit.Role, int]:
        """Role and depth: the convolution before the stages 0, stage i is i+1, the last norm L+1."""
        return self._parts.place(name)

    def prepare(self, rows: Sequence[tuple[mtlkit.Value, ...]]) -> list[ImageRow]:
        """Read the image file of each row; as `Reader.prepare`."""
        return self._parts.reader.prepare(rows)

    def collate(self, items: Sequence[ImageRow]) -> ImageBatch:
        """A batch of images."""
        return self._parts.reader.collate(items)

    def forward(self, batch: ImageBatch) -> mtlkit.Features:
        """Features of the batch."""
        places = self.model(pixel_values=batch.pixels).last_hidden_state
        tokens = places.flatten(2).transpose(1, 2)
        if self._parts.family.last:
            tokens = self.model.get_submodule(self._parts.family.last)(tokens)
        return mtlkit.Features(tokens, batch.mask, batch.words)


def _tokens(model: Any, reading: Preprocessing) -> int:  # noqa: ANN401  a transformers model
    height, width = reading.size
    device = next(model.parameters()).device
    try:
        with torch.no_grad():
            states = model(pixel_values=torch.zeros((1, 3, height, width), device=device)).last_hidden_state
    except (RuntimeError, ValueError) as error:
        message = f"the model can't read images of {height} × {width} pixels: {error}"
        problem = mtlkit.Problem(message, "give a larger `size`, or leave it out", "backbone.size")
        raise mtlkit.RecipeError(problem) from error
    return int(states.shape[1] if states.ndim == 3 else states.shape[2] * states.shape[3])

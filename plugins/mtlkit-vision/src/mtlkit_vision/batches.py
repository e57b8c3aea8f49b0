"""Rows and batches of images, alike for all encoders.

Shapes: B images, h height and w width in pixels, T tokens that the encoder makes of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import mtlkit
import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from mtlkit_vision.pictures import Pixels, pixels
from mtlkit_vision.preprocessing import Preprocessing

NO_WORD = -1


@frozen(eq=False)
class ImageRow:
    """One image: its resized pixels [h, w, 3], one byte each, and how many tokens it becomes."""

    pixels: Pixels
    tokens: int

    def __len__(self) -> int:
        return self.tokens


@frozen(eq=False)
class ImageBatch:
    """`pixels` [B, 3, h, w], normalised; `mask` [B, T], True throughout; `words` [B, T], -1 throughout."""

    pixels: Tensor
    mask: Tensor
    words: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        return type(self)(self.pixels.to(device), self.mask.to(device), self.words.to(device))


@frozen
class Reader:
    """Reads image files for an encoder that makes `tokens` tokens of each."""

    preprocessing: Preprocessing
    tokens: int

    def prepare(self, rows: Sequence[tuple[mtlkit.Value, ...]]) -> list[ImageRow]:
        """Read and resize the image of each row.

        Raises:
            RecipeError: when a row has more than one column.
            DataError: when a cell is no path, or its file no image; names the file.
            ResourceError: when a file can't be read.
        """
        size = self.preprocessing.size
        return [ImageRow(pixels(_path(row), size), self.tokens) for row in rows]

    def collate(self, items: Sequence[ImageRow]) -> ImageBatch:
        """A batch of normalised images; all have one size, so nothing is padded."""
        height, width = self.preprocessing.size
        stacked = np.zeros((len(items), height, width, 3), np.uint8)
        for number, item in enumerate(items):
            stacked[number] = item.pixels
        shape = (len(items), self.tokens)
        return ImageBatch(
            torch.from_numpy(self.preprocessing.normalised(stacked)),
            torch.from_numpy(np.ones(shape, np.bool_)),
            torch.from_numpy(np.full(shape, NO_WORD, np.int64)),
        )


def _path(row: tuple[mtlkit.Value, ...]) -> Path:
    if len(row) != 1:
        message = f"image-encoder reads one image per row, not {len(row)} columns"
        raise mtlkit.RecipeError(mtlkit.Problem(message, "name one column in the head's options"))
    if not isinstance(row[0], str) or not row[0]:
        message = f"a row has {row[0]!r} in place of the path of an image"
        raise mtlkit.DataError(
            message, "the head should name the column with the paths, `image` in image-folder"
        )
    return Path(row[0])

"""From image files to the numbers a model reads: size, rescaling and normalisation, as its folder says.

Shapes: B images, h height and w width in pixels. Two things differ from some models' own processors: the
whole image is resized to the size the model reads, never cropped, and always bilinearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Any

import mtlkit
import numpy as np
from attrs import frozen

from mtlkit_vision.families import Family
from mtlkit_vision.loading import read_json
from mtlkit_vision.options import TINY_SIZE, ImageEncoder

FILE = "preprocessor_config.json"
_HALF = (0.5, 0.5, 0.5)
_BRIGHTEST = 255
_CHANNELS = 3


@frozen
class Preprocessing:
    """The size (h, w) images are resized to, and `mean` and `std` per channel on a scale of 0 to 1."""

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalised(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels 0…255, [B, h, w, 3], as 32-bit floats [B, 3, h, w]: (pixel / 255 - mean) / std."""
        scaled = pixels.astype(np.float32) / np.float32(_BRIGHTEST)
        found = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(found.transpose(0, 3, 1, 2))


def preprocessing(
    options: ImageEncoder,
    family: Family,
    config: Any,  # noqa: ANN401  a transformers configuration
    folder: Path | None,
) -> Preprocessing:
    """What the options say; what they leave out, the model's folder says.

    Raises:
        RecipeError: when the model does not read images of the size asked for.
        ResourceError: when neither says it, or the folder asks for a rescaling other than to 0…1.
    """
    if folder is None:
        side = options.size or TINY_SIZE
        return Preprocessing((side, side), options.mean or _HALF, options.std or _HALF)
    stored = _stored(folder)
    size = _size(options, family, config, stored, folder)
    usual = stored.get("do_normalize", True)
    mean = options.mean or (_channels(stored, "image_mean", folder, "mean") if usual else (0.0,) * _CHANNELS)
    std = options.std or (_channels(stored, "image_std", folder, "std") if usual else (1.0,) * _CHANNELS)
    if min(std) <= 0:
        raise mtlkit.ResourceError(
            mtlkit.Problem(f"image_std {list(std)} is not above 0", file=str(folder / FILE))
        )
    return Preprocessing(size, mean, std)


def _stored(folder: Path) -> Mapping[str, Any]:
    file = folder / FILE
    if not file.exists():
        return {}
    stored = read_json(file)
    factor = stored.get("rescale_factor", 1 / _BRIGHTEST)
    plain = isinstance(factor, int | float) and isclose(factor, 1 / _BRIGHTEST, rel_tol=1e-4)
    if not stored.get("do_rescale", True) or not plain:
        message = f"asks for pixels on a scale other than 0 to 1 (rescale_factor {factor!r})"
        raise mtlkit.ResourceError(mtlkit.Problem(message, "such a model can't be read", file=str(file)))
    return stored


def _size(
    options: ImageEncoder,
    family: Family,
    config: Any,  # noqa: ANN401  a transformers configuration
    stored: Mapping[str, Any],
    folder: Path,
) -> tuple[int, int]:
    asked = None if options.size is None else (options.size, options.size)
    if not family.any_size:
        own = _pair(config.image_size)
        if own is None:
            raise mtlkit.ResourceError(f"the configuration of {folder} has no image_size")
        if asked not in (None, own):
            message = f"the model reads images of {own[0]} × {own[1]} pixels, not of size {options.size}"
            raise mtlkit.RecipeError(mtlkit.Problem(message, "leave `size` out", "backbone.size"))
        return own
    cropped = stored.get("crop_size") if stored.get("do_center_crop", False) else None
    found = asked or _pair(cropped) or _pair(stored.get("size"))
    if found is None:
        advice = "give `size` in the recipe, in pixels"
        raise mtlkit.ResourceError(f"{folder / FILE} says no size for images", advice)
    return found


def _pair(size: Any) -> tuple[int, int] | None:  # noqa: ANN401  any JSON
    """Height and width: of a number, a pair, or a table with `height` and `width` or `shortest_edge`."""
    if isinstance(size, Mapping):
        edge = size.get("shortest_edge")
        size = (size.get("height", edge), size.get("width", edge))
    both = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, list | tuple) else ()
    whole = len(both) == 2 and all(isinstance(side, int) and side > 0 for side in both)
    return (both[0], both[1]) if whole else None


def _channels(stored: Mapping[str, Any], key: str, folder: Path, name: str) -> tuple[float, ...]:
    values = stored.get(key)
    numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
    if not numbers or len(values or ()) != _CHANNELS:
        message = f"{folder / FILE} has no {key} of {_CHANNELS} numbers"
        raise mtlkit.ResourceError(message, f"give `{name}` in the recipe")
    return tuple(float(value) for value in values or ())

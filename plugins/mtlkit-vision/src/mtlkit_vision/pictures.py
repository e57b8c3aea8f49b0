"""Image files as arrays of pixels: every way in which a file is not an image becomes a `DataError`.

Shapes: h height and w width of the result, in pixels.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from random import Random

import mtlkit
import numpy as np
from PIL import Image, ImageOps

Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".webp")
# Named, because Pillow would otherwise hand some formats to outside programs.
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "WEBP")
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ResourceError: when it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise mtlkit.ResourceError(mtlkit.Problem(f"can't be read: {reason}", file=str(path))) from error


def decode(content: bytes, path: Path) -> Image.Image:
    """The image in a file's bytes, upright and in RGB; `path` is for the message.

    Grey becomes three equal channels, transparency is dropped.

    Raises:
        DataError: naming the file, when it is damaged, of another format, too large to be meant, or has
            more than 8 bits per channel.
    """
    with _damage_named(path), Image.open(BytesIO(content), formats=_FORMATS) as image:
        image.load()
        if image.mode.startswith(("I", "F")):
            message = f"has more than 8 bits per channel (mode {image.mode})"
            raise mtlkit.DataError(mtlkit.Problem(message, "save it with 8 bits", file=str(path)))
        upright = ImageOps.exif_transpose(image)
        if "transparency" in upright.info:
            upright = upright.convert("RGBA")
        return upright.convert("RGB")


def pixels(path: Path, size: tuple[int, int]) -> Pixels:
    """The image in a file, resized bilinearly to (h, w) without cropping: [h, w, 3].

    Raises:
        ResourceError: when the file can't be read.
        DataError: as `decode`.
    """
    image = decode(read_file(path), path)
    resized = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    found: Pixels = np.array(resized, np.uint8)
    return found


def write_noise(path: Path, size: tuple[int, int], rng: Random) -> None:
    """Write an image of random pixels of (width, height); the suffix says the format."""
    Image.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1])).save(path)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0].replace(" <_io.BytesIO", " <") or type(error).__name__
        if "cannot identify image file" in reason:
            reason = f"none of the formats {', '.join(_FORMATS)}"
        advice = "replace the file or take it out of the data"
        problem = mtlkit.Problem(f"is not an image that can be read: {reason}", advice, file=str(path))
        raise mtlkit.DataError(problem) from error

"""Options of the backbone and of the data source; light, so that recipes are checked without torch."""

from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

import mtlkit
from annotated_types import Ge
from attrs import frozen

Tiny = Literal["tiny-vit", "tiny-resnet", "tiny-convnext"]
Mean = tuple[float, float, float]
Std = tuple[Annotated[float, Ge(1e-3)], Annotated[float, Ge(1e-3)], Annotated[float, Ge(1e-3)]]

TINY_SIZE = 32
TINY_PATCH = 8


@frozen
class ImageEncoder:
    """An encoder of images: a model folder, or a small one with random weights for tests and dry runs."""

    path: mtlkit.Place | None = mtlkit.option(
        "folder of a model with config.json, *.safetensors and preprocessor_config.json", None
    )
    model: Tiny | None = mtlkit.option("a small model with random weights, in place of `path`", None)
    size: Annotated[int, Ge(1)] | None = mtlkit.option(
        "images are resized to a square of this side, by default the model's own (32 for a small one)",
        None,
        unit="pixels",
    )
    mean: Mean | None = mtlkit.option(
        "taken from each channel, on a scale of 0 to 1; by default as the model folder says", None
    )
    std: Std | None = mtlkit.option(
        "each channel is divided by it then; by default as the model folder says", None
    )

    def __attrs_post_init__(self) -> None:
        if (self.path is None) == (self.model is None):
            raise ValueError("give either `path`, a model folder, or `model`, the name of a small one")
        if self.model == "tiny-vit" and self.size is not None and self.size % TINY_PATCH:
            raise ValueError(f"size {self.size} is not a multiple of {TINY_PATCH}, the patches of tiny-vit")

    @staticmethod
    def examples(count: int, rng: Random, folder: Path) -> list[tuple[str]]:
        """Rows that the backbone can read, for the conformance kit: images written below `folder`."""
        from mtlkit_vision.pictures import write_noise

        sizes = [(rng.randint(1, 48), rng.randint(1, 48)) for _ in range(count)]
        paths = [folder / f"example-{number}.png" for number in range(count)]
        for path, size in zip(paths, sizes, strict=True):
            write_noise(path, size, rng)
        return [(str(path),) for path in paths]


@frozen
class ImageFolder:
    """A folder with one sub-folder of images per class, or one such folder per split."""

    path: mtlkit.Place = mtlkit.option("the folder that holds the class folders, or train, validation, test")

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder` and return the options table that reads it."""
        from mtlkit_vision.pictures import write_noise

        rng = Random(0)  # noqa: S311  not a secret
        for label in ("cat", "dog"):
            (folder / "images" / label).mkdir(parents=True, exist_ok=True)
            for number in range(6):
                write_noise(folder / "images" / label / f"{number}.png", (12, 9), rng)
        return {"path": str(folder / "images")}

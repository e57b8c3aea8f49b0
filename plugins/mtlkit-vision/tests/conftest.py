"""One torch thread, no network, and scikit-learn's digits (UCI, 8 × 8 pixels) as folders of images."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """`train/0/0000.png` … `test/9/1796.png`: every fourth of the 1797 images is a test image."""
    from sklearn.datasets import load_digits

    root = tmp_path_factory.mktemp("digits")
    found = load_digits()
    for number, (image, label) in enumerate(zip(found.images, found.target, strict=True)):
        folder = root / ("test" if number % 4 == 3 else "train") / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 255 / 16).astype(np.uint8), "L").save(folder / f"{number:04}.png")
    assert number + 1 == 1797
    return root


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> list[str]:
    """Six images that differ in size, shape, colours and format."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    shapes = {"a.png": (9, 7, 3), "b.jpg": (40, 64, 3), "c.png": (33, 33), "d.bmp": (1, 1, 3)}
    shapes |= {"e.webp": (100, 20, 3), "f.png": (16, 16, 4)}
    for name, shape in shapes.items():
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / name)
    return [str(folder / name) for name in shapes]

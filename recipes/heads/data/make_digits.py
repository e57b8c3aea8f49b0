"""Writes digits/train/0/0000.png …: 600 digits of scikit-learn (UCI, 8 × 8 pixels), a fourth for tests.

python make_digits.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

IMAGES = 600


def main(root: Path) -> None:
    """Write the images below a folder."""
    found = load_digits()
    for number, (image, label) in enumerate(zip(found.images[:IMAGES], found.target[:IMAGES], strict=True)):
        folder = root / ("test" if number % 4 == 3 else "train") / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 255 / 16).astype(np.uint8)).save(folder / f"{number:04}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits"))

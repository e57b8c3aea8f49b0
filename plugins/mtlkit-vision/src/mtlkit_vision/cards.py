"""The cards of this distribution; imports neither torch nor Pillow."""

import mtlkit

INSTALL = "pip install mtlkit-vision"
RESNET = "He et al. 2016, Deep Residual Learning for Image Recognition"
VIT = "Dosovitskiy et al. 2021, An Image is Worth 16x16 Words"

CARDS = (
    mtlkit.Card(
        "backbone",
        "image-encoder",
        "a convolutional network or vision transformer that reads image files",
        "mtlkit_vision.options:ImageEncoder",
        "mtlkit_vision.encoder:build",
        install=INSTALL,
        paper=f"{RESNET}; {VIT}",
        example={"model": "tiny-resnet"},
        api=1,
    ),
    mtlkit.Card(
        "data",
        "image-folder",
        "a folder with one sub-folder of images per class",
        "mtlkit_vision.options:ImageFolder",
        "mtlkit_vision.image_folder:ImageFolderSource",
        install=INSTALL,
        example={"path": "images"},
        api=1,
    ),
)


@mtlkit.hookimpl
def mtlkit_cards() -> tuple[mtlkit.Card, ...]:
    """Both of them."""
    return CARDS

"""`--offline`: no connection for this process and those it starts, whatever a recipe names."""

import os
import sys

OPTION = "--offline"
SETTINGS = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


def go_offline() -> None:
    """Tell the libraries that fetch models and data; what they have fetched before is still found."""
    for name in SETTINGS:
        os.environ[name] = "1"
    for name, constant in (("huggingface_hub", "HF_HUB_OFFLINE"), ("datasets.config", "HF_HUB_OFFLINE")):
        loaded = sys.modules.get(f"{name}.constants", sys.modules.get(name))
        if loaded is not None and hasattr(loaded, constant):  # it reads its settings once
            setattr(loaded, constant, True)

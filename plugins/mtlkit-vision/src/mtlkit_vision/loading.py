"""Loading a vision encoder as data: a model folder or the name of a small one in, a model out.

Nothing here runs code from a model folder: weights are safetensors, configurations are JSON, and a
configuration that asks for code is refused. Nothing is looked for on the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import mtlkit
from torch import float32, nn

from mtlkit_vision.families import FAMILIES, Family, tiny_config
from mtlkit_vision.options import TINY_SIZE, ImageEncoder

_REFUSED = "a model is data here: use a model that the transformers library knows without extra code"
_CHANNELS = 3


def model_folder(options: ImageEncoder) -> Path | None:
    """The model's folder, None for a small model.

    Raises:
        ResourceError: when it is missing or no folder.
    """
    if options.path is None:
        return None
    folder = options.path.existing()
    if not folder.is_dir():
        raise mtlkit.ResourceError(f"{options.path.address!r} is not a folder", f"looked at {folder}")
    return folder


def load_config(options: ImageEncoder, folder: Path | None) -> Any:  # noqa: ANN401  a transformers configuration
    """The model's configuration, set to plain outputs.

    Raises:
        ResourceError: when there is none, when it asks for code, or when its kind of model is none of
            the families.
    """
    if folder is None:
        return tiny_config(options.model or "tiny-resnet", options.size or TINY_SIZE)
    from transformers import AutoConfig

    raw = read_json(folder / "config.json")
    _refuse_code(raw, f"the configuration of {folder}")
    kind = raw.get("model_type")
    if kind not in FAMILIES:
        message = f"{folder} holds a model of the kind {kind!r}"
        raise mtlkit.ResourceError(message, f"image-encoder knows {', '.join(sorted(FAMILIES))}")
    if raw.get("num_channels", _CHANNELS) != _CHANNELS:
        message = f"the model of {folder} reads images of {raw['num_channels']} channels"
        raise mtlkit.ResourceError(message, f"images are given in {_CHANNELS}: red, green, blue")
    with _loading(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    config.output_hidden_states = config.output_attentions = False
    return config


def family_of(config: Any) -> Family:  # noqa: ANN401  a transformers configuration
    """The family of a configuration from `load_config`."""
    return FAMILIES[config.model_type]


def load_model(config: Any, folder: Path | None, pretrained: bool) -> nn.Module:  # noqa: ANN401  a transformers configuration
    """The encoder without its pooler, in 32-bit floats; small, or without `pretrained`, of random weights.

    Raises:
        ResourceError: when the weights are missing, incomplete, or not safetensors.
    """
    from transformers import AutoModel
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    poolable = "add_pooling_layer" in signature(MODEL_MAPPING[type(config)].__init__).parameters
    extra = {"add_pooling_layer": False} if poolable else {}
    if folder is None or not pretrained:
        model: nn.Module = AutoModel.from_config(config, dtype=float32, trust_remote_code=False, **extra)
        return model
    with _loading(folder):
        model, info = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            **extra,
        )
    if missing := sorted(info["missing_keys"]):
        some = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise mtlkit.ResourceError(f"the weights of {folder} lack {len(missing)} of the model's: {some}")
    return model


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ResourceError: when the file is missing, or holds anything else.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise mtlkit.ResourceError(mtlkit.Problem(f"can't be read: {reason}", file=str(file))) from error
    except ValueError as error:
        raise mtlkit.ResourceError(mtlkit.Problem(f"is not JSON: {error}", file=str(file))) from error
    if not isinstance(found, dict):
        raise mtlkit.ResourceError(mtlkit.Problem("is not a JSON object", file=str(file)))
    return found


def _refuse_code(raw: Any, what: str) -> None:  # noqa: ANN401  any JSON
    if isinstance(raw, dict):
        for key, value in raw.items():
            if key == "auto_map" or (key.startswith("_") and key not in ("_name_or_path", "_commit_hash")):
                message = f"{what} has the key {key!r}, which can name code to run"
                raise mtlkit.ResourceError(message, _REFUSED)
            _refuse_code(value, what)
    elif isinstance(raw, list):
        for value in raw:
            _refuse_code(value, what)


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """No bars and no advice on stderr; the library's failures become ours."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # of several libraries; whatever a folder makes them raise is about the folder
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise mtlkit.ResourceError(f"the model of {folder} can't be loaded: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

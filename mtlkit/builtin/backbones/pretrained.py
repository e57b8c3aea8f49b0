"""Loading a Hugging Face encoder as data: a folder or a hub name in, a model and its tokenizer out.

Nothing here runs code from a model folder: weights are safetensors, configurations are JSON, and a
configuration that asks for code is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import Any

from attrs import frozen
from torch import float32, nn

from mtlkit.builtin.backbones.model_files import check_config, check_folder, read_json
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.contracts.place import PACKAGE
from mtlkit.errors import MtlkitError, Problem, RecipeError, ResourceError

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@frozen
class Origin:
    """Where a model comes from: a folder on disk, or a name (and revision) on the hub."""

    name: str
    revision: str | None
    local: bool

    @property
    def arguments(self) -> dict[str, Any]:
        """What every `from_pretrained` call gets."""
        hub = {} if self.local else {"revision": self.revision or "main"}
        return {"local_files_only": self.local, "trust_remote_code": False, **hub}


def locate(options: Transformer) -> Origin:
    """The folder that `path` names, else the hub name that it is.

    Raises:
        ResourceError: when it is neither, or a package that is not installed.
        RecipeError: when a folder is given a revision.
    """
    place, revision = options.path, options.revision
    if place.address.startswith(PACKAGE) or place.path().exists() or not _HUB_NAME.fullmatch(place.address):
        if revision is not None:
            message = f"a folder has no revisions, but {revision!r} is asked for"
            raise RecipeError(Problem(message, "leave `revision` out", "backbone.revision"))
        return Origin(str(place.existing()), None, local=True)
    return Origin(place.address, revision, local=False)


def load_config(origin: Origin) -> Any:  # noqa: ANN401  a transformers configuration
    """The model's configuration, set to plain outputs.

    Raises:
        ResourceError: when there is none, when it asks for code, when its kind of model is unknown,
            or when it is no encoder.
    """
    from transformers import AutoConfig, PreTrainedConfig

    with _loading(origin, "configuration"):
        raw = (
            read_json(Path(origin.name, "config.json"))
            if origin.local
            else PreTrainedConfig.get_config_dict(origin.name, **origin.arguments)[0]
        )
        check_config(raw, f"the configuration of {origin.name}")
        config = AutoConfig.from_pretrained(origin.name, **origin.arguments)
    if getattr(config, "is_encoder_decoder", False):
        kind = config.model_type
        raise ResourceError(f"{origin.name} is an encoder-decoder ({kind})", "use an encoder, such as BERT")
    config.output_hidden_states = config.output_attentions = config.use_cache = False
    return config


def load_model(origin: Origin, config: Any, pretrained: bool) -> nn.Module:  # noqa: ANN401  a transformers configuration
    """The encoder without its pooler, in 32-bit floats; without `pretrained`, of random weights.

    Raises:
        ResourceError: when the weights are missing, incomplete, not finite, or not safetensors.
    """
    if pretrained:
        _refuse_pickled(origin)
        if origin.local:
            check_folder(Path(origin.name))
    from transformers import AutoModel
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    with _loading(origin, "model"):
        architecture = MODEL_MAPPING[type(config)]
        poolable = "add_pooling_layer" in signature(architecture.__init__).parameters
        extra = {"add_pooling_layer": False} if poolable else {}
        if not pretrained:
            model: nn.Module = AutoModel.from_config(config, dtype=float32, **extra)
            return model
        wanted = {"config": config, "dtype": float32, "use_safetensors": True, "output_loading_info": True}
        model, info = AutoModel.from_pretrained(origin.name, **origin.arguments, **wanted, **extra)
    if missing := sorted(info["missing_keys"]):
        some = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise ResourceError(f"the weights of {origin.name} lack {len(missing)} of the model's: {some}")
    for name, weight in model.named_parameters():
        if not weight.detach().sum().isfinite() and not weight.detach().isfinite().all():
            raise ResourceError(f"the weights of {origin.name} are not all finite: {name}")
    return model


def _refuse_pickled(origin: Origin) -> None:
    folder = Path(origin.name)
    if origin.local and not any(folder.glob("*.safetensors")) and any(folder.glob("*.bin")):
        raise ResourceError(
            f"the weights of {origin.name} are pickled, and a pickle can hold code to run",
            f"make them safe with: mtlkit convert {origin.name}",
        )


def load_tokenizer(origin: Origin, max_length: int) -> Any:  # noqa: ANN401  a transformers tokenizer
    """The model's fast tokenizer, set to cut rows at `max_length`.

    It is the same for the same files: a plan and its run share it, for it takes memory.

    Raises:
        ResourceError: when there is none, or when it asks for code.
    """
    files = sorted(Path(origin.name).glob("*.json")) if origin.local else []
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return _tokenizer(origin, max_length, tuple(stamps))


@lru_cache(maxsize=2)
def _tokenizer(origin: Origin, max_length: int, _stamps: tuple[object, ...]) -> Any:  # noqa: ANN401  see above
    from transformers import AutoTokenizer

    # A plain setting, because the library warns at every later fork of the process where it is left open.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    with _loading(origin, "tokenizer"):
        stored = Path(origin.name, "tokenizer_config.json")
        if origin.local and stored.exists():
            check_config(read_json(stored), f"the tokenizer of {origin.name}")
        tokenizer = AutoTokenizer.from_pretrained(origin.name, **origin.arguments)
    if not tokenizer.is_fast:
        raise ResourceError(f"{origin.name} has no fast tokenizer", "its folder needs a tokenizer.json")
    tokenizer.backend_tokenizer.enable_truncation(max_length)
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


@contextmanager
def _loading(origin: Origin, what: str) -> Iterator[None]:
    """No bars and no advice on stderr; the library's failures become ours."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except MtlkitError:
        raise
    except Exception as error:  # the libraries below have error classes of their own
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        hint = "" if origin.local else "is it the name of a model on the hub, and is there a network?"
        raise ResourceError(f"the {what} of {origin.name} can't be loaded: {reason}", hint) from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

"""Backbones that are laid out and not loaded: for runs that find in the store all that they would yield.

What a backbone says of itself is kept beside the shelves of the store. A run that never trains it begins with
the backbone laid out from that, its weights on the meta device; what computes with it loads it first. Until
then its weights are in its files, where digests and checkpoints read them.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from os import getpid, utime
from typing import Any

import torch
from torch import nn

from mtlkit.contracts.backbone import Backbone, Deferrable
from mtlkit.contracts.params import BACKBONE
from mtlkit.engine.cache import Cache
from mtlkit.engine.model import Model
from mtlkit.engine.shelves import ABOUT, ANY_DAMAGE, remove
from mtlkit.engine.versions import libraries, options_of, version_of
from mtlkit.errors import ResourceError, blaming
from mtlkit.plan.model import Part

Content = Callable[[str], Iterable[bytes]]
FORMAT = 1


def laid_out(cache: Cache, part: Part, pretrained: bool) -> Backbone | None:
    """The backbone as an earlier run described it, not loaded; None where it was not, or is another now."""
    if not hasattr(part.options, "described"):
        return None
    folder = cache.folder / _address(part)
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        told = about["told"]
        if about["checksum"] != _checksum(told):
            return None
        utime(folder / ABOUT)
    except ANY_DAMAGE:
        return None
    with blaming(f"the backbone {part.name!r}", "described"):
        found: Backbone | None = part.options.described(told, pretrained)
        return found


def keep_description(cache: Cache, part: Part, backbone: Backbone, again: bool) -> None:
    """Keep what a loaded backbone says of itself; `again` where what is kept already is of no use."""
    if not isinstance(backbone, Deferrable) or not hasattr(part.options, "described"):
        return
    folder = cache.folder / _address(part)
    if folder.exists() and not again:
        return
    with blaming(f"the backbone {part.name!r}", "description"):
        told = backbone.description()
    if told is None:
        return
    about = {"words": f"layout of the backbone {part.name}", "told": told, "checksum": _checksum(told)}
    content = json.dumps(about).encode()
    aside = folder.with_name(f"{folder.name}.{getpid()}.partial")
    try:
        if cache.trim(len(content)) > 0:
            return
        aside.mkdir(parents=True)
        (aside / ABOUT).write_bytes(content)
        remove(folder)
        aside.rename(folder)
    except OSError:  # no room, no such place, or somebody was faster: the next run loads it as well
        return
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def is_deferred(module: object) -> bool:
    """Whether a backbone is laid out and not loaded."""
    return isinstance(module, Deferrable) and module.deferred


def load_deferred(module: object) -> None:
    """Load a backbone that is only laid out.

    Raises:
        ResourceError: when that is not possible any more.
    """
    if isinstance(module, Deferrable) and module.deferred:
        module.materialize()


def content_of(model: Model) -> Content | None:
    """What reads the backbone's weights, by their names in the model, while it is not loaded; else None."""
    backbone = model.backbone
    if not isinstance(backbone, Deferrable) or not backbone.deferred:
        return None
    return partial(_read, backbone)


def _read(backbone: Deferrable, name: str) -> Iterator[bytes]:
    """The bytes of a weight.

    Raises:
        ResourceError: when its file can't be read any more.
    """
    try:
        yield from backbone.content(name.removeprefix(f"{BACKBONE}."))
    except OSError as error:
        message = f"the weights of the backbone can't be read any more: {error}"
        raise ResourceError(message, "put the files back as they were, and resume the run") from error


def any_absent(modules: Iterable[nn.Module]) -> bool:
    """Whether a weight or buffer of these is not in memory."""
    return any(tensor.is_meta for module in modules for tensor in (*module.parameters(), *module.buffers()))


def _address(part: Part) -> str:
    about = [FORMAT, part.name, part.distribution, version_of(part), options_of(part)]
    return blake2b(json.dumps([*about, torch.__version__, libraries()]).encode(), digest_size=20).hexdigest()


def _checksum(told: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()

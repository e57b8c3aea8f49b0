"""A model that is known and not there: its weights by name and shape, their numbers in the model's files.

Loading a model takes seconds and memory, most of it for the library's code. What a plan needs of it is not
much, and the same for the same files: it is described once, and laid out from the description afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Self

import attrs
import torch
from attrs import frozen
from torch import Tensor, nn

from mtlkit.builtin.backbones.anatomy import Anatomy
from mtlkit.builtin.backbones.pretrained import Origin

Stamp = tuple[int, int]
READ_BYTES = 2**20
LARGEST_BUFFER = 2**16
CONFIG = "config.json"
DTYPES = {str(dtype): dtype for dtype in (torch.bool, torch.uint8, torch.int32, torch.int64, torch.float32)}


@frozen
class Lying:
    """A weight of 32-bit floats: its name and shape, the kind of its module, and its place in a file."""

    name: str
    shape: tuple[int, ...]
    kind: str
    file: str
    begin: int

    @property
    def size(self) -> int:
        """Its bytes."""
        return 4 * prod(self.shape)


@frozen
class Small:
    """A buffer, with its numbers."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    numbers: str

    @classmethod
    def of(cls, name: str, buffer: Tensor) -> Self:
        """That buffer."""
        return cls(name, str(buffer.dtype), tuple(buffer.shape), bytes(_plain(buffer)).hex())

    def tensor(self) -> Tensor:
        """The buffer again."""
        plain = torch.tensor(list(bytes.fromhex(self.numbers)), dtype=torch.uint8, device="cpu")
        return plain.view(DTYPES[self.dtype]).view(self.shape)


@frozen
class Description:
    """What was seen of a model when it was loaded from a folder whose `files` had these digests (SHA-256)."""

    anatomy: Anatomy
    weights: tuple[Lying, ...]
    buffers: tuple[Small, ...]
    files: Mapping[str, str]

    @classmethod
    def of(cls, origin: Origin, module: nn.Module, anatomy: Anatomy) -> Self | None:
        """The description of a module with the weights of that model; None where it has others."""
        folder = Path(origin.name)
        files = sorted(folder.glob("*.safetensors"))
        places = {told: (file, begin) for file in files for told, begin in _tensors(file)}
        weights, kinds, seen = [], dict(_kinds(module)), set()
        for name, weight in module.named_parameters(remove_duplicate=False):
            place = places.get(_digest([_plain(weight)]))
            if place is None or weight.data_ptr() in seen:  # a weight that has two names is laid out as two
                return None
            seen.add(weight.data_ptr())
            kind = kinds[name.rpartition(".")[0]]
            weights.append(Lying(name, tuple(weight.shape), kind, place[0].name, place[1]))
        buffers = dict(module.named_buffers())
        if any(str(each.dtype) not in DTYPES or each.nbytes > LARGEST_BUFFER for each in buffers.values()):
            return None
        small = tuple(Small.of(name, buffer) for name, buffer in buffers.items())
        known = (folder / CONFIG, *files)
        return cls(anatomy, tuple(weights), small, {file.name: _file_digest(file) for file in known})

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self | None:
        """A description as `told` has it; None where it is none."""
        try:
            anatomy = dict(told["anatomy"])
            return cls(
                Anatomy(**{**anatomy, "adapted": tuple(anatomy["adapted"])}),
                tuple(Lying(**{**each, "shape": tuple(each["shape"])}) for each in told["weights"]),
                tuple(Small(**{**each, "shape": tuple(each["shape"])}) for each in told["buffers"]),
                dict(told["files"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def told(self) -> dict[str, Any]:
        """The description as JSON has it."""
        return attrs.asdict(self)

    def holds(self, origin: Origin, pretrained: bool) -> bool:
        """Whether the configuration, and where it counts the weights, are those that were described."""
        folder = Path(origin.name)
        counted = self.files if pretrained else {CONFIG: self.files.get(CONFIG)}
        try:
            return all(_file_digest(folder / name) == digest for name, digest in counted.items())
        except OSError:
            return False

    def lay_out(self, module: nn.Module) -> None:
        """Give a module without parts these weights, on the meta device, and the buffers."""
        for weight in self.weights:
            parent, leaf = _parent(module, weight.name, weight.kind, weight.shape)
            parent.register_parameter(leaf, nn.Parameter(torch.empty(weight.shape, device="meta")))
        for buffer in self.buffers:
            parent, leaf = _parent(module, buffer.name, OTHER, ())
            parent.register_buffer(leaf, buffer.tensor(), persistent=False)

    def stamps(self, origin: Origin) -> dict[str, Stamp]:
        """Of each file its size and when it was last written to (ns): what a change changes."""
        stats = {name: Path(origin.name, name).stat() for name in self.files}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}

    def content(self, origin: Origin, name: str) -> Iterator[bytes]:
        """The bytes of a weight, read from its file.

        Raises:
            OSError: when it can't be read.
        """
        weight = next(each for each in self.weights if each.name == name)
        with Path(origin.name, weight.file).open("rb") as file:
            file.seek(weight.begin)
            yield from _parts(file, weight.size)


def _plain(tensor: Tensor) -> memoryview:
    found: memoryview = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    return found


class _Norm(nn.Module):
    """Stands for a layer that scales by a norm."""


EMBEDDING, NORM, OTHER = "embedding", "norm", "other"


def _kinds(module: nn.Module) -> Iterator[tuple[str, str]]:
    for name, part in module.named_modules(remove_duplicate=False):
        norm = "norm" in type(part).__name__.lower()
        yield name, EMBEDDING if isinstance(part, nn.Embedding) else NORM if norm else OTHER


def _parent(module: nn.Module, name: str, kind: str, shape: tuple[int, ...]) -> tuple[nn.Module, str]:
    """The part that a weight belongs to, made where it is not there, and what the weight is called in it."""
    path, _, leaf = name.rpartition(".")
    *above, last = path.split(".") if path else [""]
    for part in above:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module.get_submodule(part)
    if last and last not in module._modules:
        module.add_module(last, _made(kind, shape))
    return (module.get_submodule(last) if last else module), leaf


def _made(kind: str, shape: tuple[int, ...]) -> nn.Module:
    if kind == EMBEDDING:
        rows, width = shape
        return nn.Embedding(rows, width, _weight=torch.empty(rows, width, device="meta"))
    return _Norm() if kind == NORM else nn.Module()


def _tensors(file: Path) -> Iterator[tuple[str, int]]:
    """Digest and first byte of every tensor of 32-bit floats in a file of safetensors, known to be whole."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        for each in header.values():
            if each["dtype"] == "F32":
                begin, end = each["data_offsets"]
                stream.seek(8 + length + begin)
                yield _digest(_parts(stream, end - begin)), 8 + length + begin


def _parts(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (part := stream.read(min(size, READ_BYTES))):
        size -= len(part)
        yield part


def _digest(parts: Iterable[bytes | memoryview]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

"""Writing safetensors files as a stream: hashed while they are written, and never in memory as a whole.

The bytes are those that safetensors itself writes. Reading is left to it.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

import torch
from attrs import frozen
from torch import Tensor

NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.complex64: "C64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
ALIGNED = 8
READ_BYTES = 2**20


@frozen
class Written:
    """Size and SHA-256 of a file, as it was meant to be."""

    size: int
    sha256: str


def write_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
    content: Callable[[str], Iterable[bytes]] | None = None,
) -> Written:
    """Write a new file and sync it. `content` reads those on the meta device, by name.

    Raises:
        OSError: when it can't be written, is there already, or content is not as long as its tensor.
        TypeError: for a type of numbers that safetensors has no name for.
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header = _header({name: tensors[name] for name in order}, dict(metadata or {}))
    digest, size = sha256(), 0
    with path.open("xb") as file:
        for part in chain([header], *(_parts(name, tensors[name], content) for name in order)):
            digest.update(part)
            file.write(part)
            size += len(part)
        file.flush()
        os.fsync(file.fileno())
    return Written(size, digest.hexdigest())


def write_bytes(path: Path, content: bytes) -> Written:
    """As `write_tensors`, for a file that is not large."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Written(len(content), sha256(content).hexdigest())


def as_read(path: Path) -> Written:
    """Size and SHA-256 of a file as it is on the disk.

    Raises:
        OSError: when it is no regular file or can't be read.
    """
    digest, size = sha256(), 0
    with _regular(path) as file:
        while part := file.read(READ_BYTES):
            digest.update(part)
            size += len(part)
    return Written(size, digest.hexdigest())


def read_bytes(path: Path, largest: int) -> bytes:
    """The content of a file that is not large.

    Raises:
        OSError: when it is no regular file, is larger, or can't be read.
    """
    with _regular(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(f"{path} has more than {largest} bytes")
    return content


def _regular(path: Path) -> BinaryIO:
    """A file opened for reading, but no link, folder, device, or pipe, for which one might wait for ever."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    if not S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is no regular file")
    return os.fdopen(handle, "rb")


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Eight bytes with the length of the JSON that follows, padded so that the numbers lie aligned."""
    entries: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, tensor in tensors.items():
        if tensor.dtype not in NAMES:
            raise TypeError(f"{name} is of type {tensor.dtype}, which safetensors has no name for")
        start, end = end, end + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNED)
    return len(text).to_bytes(8, "little") + text


def _parts(
    name: str, tensor: Tensor, content: Callable[[str], Iterable[bytes]] | None
) -> Iterator[memoryview | bytes]:
    if tensor.is_meta and content is not None:
        size = 0
        for part in content(name):
            size += len(part)
            yield part
        if size != tensor.nbytes:
            raise OSError(f"{name} has {size:,} bytes where it lies, and needs {tensor.nbytes:,}")
    elif tensor.numel():
        yield tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data

"""The files of a model folder, looked at before a library reads them: JSON and safetensors of a stranger."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

from mtlkit.errors import ResourceError

LARGEST_JSON = 16 * 2**20
LARGEST_HEADER = 16 * 2**20
MOST_TENSORS = 20_000
MOST_BLOCKS = 1_000
LARGEST_SIZE = 2**28
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
INDEX = "model.safetensors.index.json"
_AGAIN = "fetch the model again, and from where you trust it"
_CODE = "a model is data here: use a model that the transformers library knows without extra code"
_FETCHING = ("attn_implementation", "experts_implementation", "quantization_config", "use_kernels")
_BLOCKS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers", "num_hidden_groups", "encoder_layers")


def check_folder(folder: Path) -> None:
    """Hold the weight files of a folder against what they say of themselves.

    Raises:
        ResourceError: naming the file, when its header is too large, is not JSON, or tells of other bytes
            than there are; when an index names a file elsewhere; when the folder is an adapter of another
            model.
    """
    adapter = folder / "adapter_config.json"
    if adapter.exists():
        raise ResourceError(
            f"{adapter} makes the folder an adapter, which loads another model by its name",
            "merge it into its model, and use that",
        )
    if (folder / INDEX).exists():
        named = read_json(folder / INDEX).get("weight_map")
        strays = [each for each in _values(named) if not isinstance(each, str) or Path(each).name != each]
        if strays:
            raise ResourceError(
                f"{folder / INDEX} names {strays[0]!r}, which is no file of its folder", _AGAIN
            )
    for file in sorted(folder.glob("*.safetensors")):
        if wrong := _header_problem(file):
            raise ResourceError(f"{file} is no whole safetensors file: {wrong}", _AGAIN)


def check_config(raw: Any, what: str) -> None:  # noqa: ANN401  any JSON
    """Refuse a configuration that names code, or sizes that no encoder has.

    Raises:
        ResourceError: naming the key.
    """
    todo = [raw]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        if not isinstance(value, dict):
            continue
        for key, inner in value.items():
            if _names_code(key, inner):
                raise ResourceError(f"{what} has the key {key!r}, which can name code to run", _CODE)
            if type(inner) is int and key in _BLOCKS and not 0 <= inner <= MOST_BLOCKS:
                raise ResourceError(f"{what} has {key} = {inner:,}", f"at most {MOST_BLOCKS:,} are read")
            if type(inner) is int and key.endswith(("_size", "_dim", "_embeddings")) and inner > LARGEST_SIZE:
                raise ResourceError(f"{what} has {key} = {inner:,}", f"at most {LARGEST_SIZE:,} is read")
        todo += value.values()


def _names_code(key: str, value: object) -> bool:
    if key in _FETCHING:
        return value not in (None, False, "eager", "sdpa")
    return key == "auto_map" or (key.startswith("_") and key not in ("_name_or_path", "_commit_hash"))


def read_json(file: Path) -> dict[str, Any]:
    """The object that a file of a model folder is.

    Raises:
        ResourceError: naming the file, when it can't be read, is larger than 16 MiB, is no JSON object, is
            nested too deep, has a key twice or a number that is not finite.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_JSON + 1)
        if len(content) > LARGEST_JSON:
            raise ValueError("it is larger than 16 MiB")
        found = _decoded(content)
    except OSError as error:
        raise ResourceError(f"{file} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ResourceError(f"{file} is not the JSON of a model: {error}", _AGAIN) from error
    return found


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice")
        found[key] = value
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a finite number")


def _values(table: object) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else []


def _header_problem(file: Path) -> str:
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > size - 8:
                return f"its header is said to have {length:,} bytes, and the file has {size:,}"
            if length > LARGEST_HEADER:
                return f"its header has {length:,} bytes; at most {LARGEST_HEADER:,} are read"
            header = _decoded(stream.read(length))
    except OSError as error:
        return f"it can't be read: {error.strerror or error}"
    except ValueError as error:
        return f"its header can't be read: {error}"
    header.pop("__metadata__", None)
    if len(header) > MOST_TENSORS:
        return f"it holds {len(header):,} tensors; at most {MOST_TENSORS:,} are read"
    return _layout_problem(header, size - 8 - length)


def _layout_problem(header: dict[str, Any], room: int) -> str:
    """Tensors lie one after the other, and fill the file."""
    places: list[tuple[int, int, str]] = []
    for name, told in header.items():
        try:
            begin, end = told["data_offsets"]
            shape, bits = told["shape"], BITS[told["dtype"]]
            plain = all(type(each) is int and each >= 0 for each in (begin, end, *shape))
        except (KeyError, TypeError, ValueError):
            return f"{name!r} is not told with the dtype, shape and data_offsets of a tensor"
        if not plain or end > room or (end - begin) * 8 != prod(shape) * bits:
            return (
                f"{name!r} is said to have bytes {begin} to {end} of {room:,}, which is not its shape {shape}"
            )
        places.append((begin, end, name))
    at = 0
    for begin, end, name in sorted(places):
        if begin != at:
            return f"{name!r} begins at byte {begin:,} and the one before it ends at {at:,}"
        at = end
    return "" if at == room else f"its tensors have {at:,} bytes, and the file has {room:,}"

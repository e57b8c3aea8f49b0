"""Old weight files made safe: `pytorch_model.bin` to safetensors, in a process of its own.

The only place in mtlkit that opens a pickled file, and the only one that calls `torch.load`. It does so with
the reader that takes nothing but tensors, in a process that holds nothing else, and never tries another way.
"""

import os
import subprocess
import sys
from pathlib import Path

from mtlkit.contracts.nearest import nearest
from mtlkit.errors import DataError, ResourceError, UsageError

PICKLED = ("pytorch_model.bin", "model.bin", "model.pt", "model.pth")
SAFE = "model.safetensors"
ENVIRONMENT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "OMP_NUM_THREADS")
SECONDS = 600


def pickled_in(folder: Path) -> Path | None:
    """The pickled weights of a model folder that has no safe ones, None where there are none."""
    if any(folder.glob("*.safetensors")):
        return None
    return next((folder / name for name in PICKLED if (folder / name).is_file()), None)


def convert(place: Path) -> Path:
    """Write `model.safetensors` beside the pickled weights of a folder, or beside a pickled file.

    Raises:
        UsageError: when there is nothing there or nothing to convert, or the safe file is there already.
        DataError: when the file holds anything but tensors by name.
        ResourceError: when the safe file can't be written.
    """
    if not place.exists():
        raise UsageError(f"{str(place)!r} does not exist", _neighbour(place))
    source = pickled_in(place) if place.is_dir() else place
    if source is None or not source.is_file():
        raise UsageError(f"{place} holds no pickled weights", f"name a folder with {PICKLED[0]}, or the file")
    target = source.with_name(SAFE)
    if target.exists():
        raise UsageError(f"{target} is there already", "remove it to convert again")
    aside = target.with_name(f"{SAFE}.partial")
    aside.unlink(missing_ok=True)
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    asked = [sys.executable, "-m", "mtlkit.converting", str(source), str(aside)]
    try:
        done = subprocess.run(  # noqa: S603  this program, with arguments of ours
            asked, env=kept, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"the reader ended with {done.returncode}"])[-1]
            raise DataError(f"{source} can't be converted: {last}", "get the model's safetensors instead")
        aside.rename(target)
    except OSError as error:
        raise ResourceError(f"{target} can't be written: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{source} was not read within {SECONDS} seconds") from error
    finally:
        aside.unlink(missing_ok=True)
    return target


def _neighbour(place: Path) -> str:
    names = [each.name for each in place.parent.iterdir()] if place.parent.is_dir() else []
    near = nearest(place.name, sorted(names))
    return (
        f"did you mean {str(place.parent / near)!r}?"
        if near
        else f"name a folder with {PICKLED[0]}, or the file"
    )


def read_and_write(source: Path, target: Path) -> None:
    """The child's side."""
    import torch

    from mtlkit.engine.tensor_file import write_tensors

    found = torch.load(source, map_location="cpu", weights_only=True)
    if not isinstance(found, dict):
        raise TypeError(f"it holds a {type(found).__name__}, not tensors by name")
    for name, value in found.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            raise TypeError(f"{name!r} is a {type(value).__name__}, not a tensor")
    plain = {name: value.detach().contiguous() for name, value in found.items()}
    write_tensors(target, plain, {"format": "pt"})


def main() -> None:
    """Convert, and say in one line why not."""
    try:
        read_and_write(Path(sys.argv[1]), Path(sys.argv[2]))
    except Exception as error:  # noqa: BLE001  whatever is wrong with a stranger's file
        sys.exit(_reason(error))


def _reason(error: Exception) -> str:
    """In one line; not the advice of torch, which is to read the file in a way that runs its code."""
    first = next(iter(str(error).strip().splitlines()), "")
    if type(error).__name__ in ("UnpicklingError", "EOFError") or "weights_only" in first:
        return "it is no file of torch that holds tensors and nothing else"
    return f"{type(error).__name__}: {first}"


if __name__ == "__main__":
    main()

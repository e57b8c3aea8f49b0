"""Checkpoints, read: safetensors and JSON with a manifest of sizes and SHA-256; never pickled.

State is kept by the canonical name of the weight, never by position. Nothing in a folder is believed
before its manifest agrees. Writing is in `writing.py`.
"""

import errno
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen
from safetensors import SafetensorError
from safetensors.torch import load_file

from mtlkit.contracts.progress import Measurement
from mtlkit.engine.apply import Handles
from mtlkit.engine.snapshot import Snapshot, Standing, check, put_back
from mtlkit.engine.tensor_file import as_read, read_bytes
from mtlkit.errors import ResourceError

FORMAT = 3
WEIGHTS, OPTIMIZER, STATE, MANIFEST = (
    "weights.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
)
FILES = (WEIGHTS, OPTIMIZER, STATE)
PREFIX = "step-"
LARGEST_MANIFEST = 2**20
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError)
"""What is raised by files that fit their manifest, which whoever wrote them can write too."""

NO_DAMAGE = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What says nothing of a file: it may not be read, or not now."""


@frozen
class Damage:
    """A folder that is no whole checkpoint, and what of it is wrong."""

    folder: Path
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.folder.name} is damaged: {', '.join(self.wrong)}"


def folder_name(step: int) -> str:
    """The name of the checkpoint after that many steps."""
    return f"{PREFIX}{step:08d}"


def folders(checkpoints: Path) -> list[Path]:
    """The folders of checkpoints that have their final name, whole or not, by step.

    Raises:
        ResourceError: when the folder can't be read.
    """
    found = ((_step_of(path.name), path) for path in _listed(checkpoints))
    return [path for _, path in sorted((step, path) for step, path in found if step is not None)]


def _step_of(name: str) -> int | None:
    """The step in the name of a checkpoint, None where it is no such name."""
    digits = name.removeprefix(PREFIX)
    return int(digits) if name.startswith(PREFIX) and digits.isdecimal() else None


def verify(checkpoint: Path) -> list[str]:
    """The files of a checkpoint that are missing or differ from its manifest; empty when it is whole.

    Raises:
        OSError: when a file may not be read, or not now: nothing is known of it then.
    """
    if checkpoint.is_symlink() or not checkpoint.is_dir():
        return ["it is no folder"]
    manifest = _manifest(checkpoint)
    if isinstance(manifest, str):
        return [manifest]
    files: Mapping[str, object] = manifest["files"]
    wrong = [name for name, told in files.items() if not _is_as_told(checkpoint / name, told)]
    wrong += [f"{name}, which is not of it" for name in sorted(_strange(checkpoint, files))]
    if not wrong and folder_name(manifest["step"]) != checkpoint.name:
        wrong.append("the step in its name")
    elif _step_of(checkpoint.name) not in (None, manifest["step"]):
        wrong.insert(0, MANIFEST)
    return wrong


def newest(checkpoints: Path) -> tuple[Path | None, list[Damage]]:
    """The whole checkpoint of the highest step, and the damaged ones above it, highest first."""
    damaged: list[Damage] = []
    for folder in reversed(folders(checkpoints)):
        wrong = verify(folder)
        if not wrong:
            return folder, damaged
        damaged.append(Damage(folder, tuple(wrong)))
    return None, damaged


def load_weights(handles: Handles, checkpoint: Path) -> None:
    """Put the weights and buffers of a checkpoint into the model.

    Raises:
        ResourceError: when the checkpoint is damaged or is not of this model.
    """
    _check_whole(checkpoint)
    try:
        stored = load_file(checkpoint / WEIGHTS)
    except UNREADABLE as error:
        raise ResourceError(f"the checkpoint {checkpoint} can't be read: {error}") from error
    check(handles, stored, f"the checkpoint {checkpoint}")
    put_back(handles, stored)


def read(checkpoint: Path) -> Snapshot:
    """All that a checkpoint holds, for `snapshot.restore`.

    Raises:
        ResourceError: when the checkpoint is damaged.
    """
    _check_whole(checkpoint)
    try:
        return _snapshot(
            json.loads((checkpoint / STATE).read_text(encoding="utf-8")),
            load_file(checkpoint / WEIGHTS),
            load_file(checkpoint / OPTIMIZER),
        )
    except UNREADABLE as error:
        raise ResourceError(f"the checkpoint {checkpoint} can't be read: {error}") from error


def best_of(checkpoint: Path) -> dict[str, str]:
    """The checkpoints that were the best when this one was taken, by task; that of the run has no name.

    Raises:
        ResourceError: when the state of the checkpoint can't be read.
    """
    try:
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        return {str(of): str(name) for of, (_, name) in state.get("run", {}).get("best", {}).items()}
    except UNREADABLE as error:
        raise ResourceError(f"the checkpoint {checkpoint} can't be read: {error}") from error


def state_of(snapshot: Snapshot) -> dict[str, Any]:
    """What goes into `state.json`."""
    state: dict[str, Any] = {
        "step": snapshot.step,
        "cursors": dict(snapshot.cursors),
        "metrics": [[entry.step, entry.metric, entry.value] for entry in snapshot.log],
    }
    kept = {"optimizer": dict(snapshot.plain), "groups": dict(snapshot.groups)}
    kept["run"] = attrs.asdict(snapshot.standing) if snapshot.standing != Standing() else {}
    return state | {key: values for key, values in kept.items() if values}


def manifest_digest(manifest: Mapping[str, object]) -> str:
    """The SHA-256 that a manifest carries of its other entries."""
    return sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def manifest_text(manifest: Mapping[str, object]) -> bytes:
    """A manifest as it is written, to the byte: other bytes that say the same are damage too."""
    return json.dumps(manifest, indent=1).encode()


def _snapshot(state: Mapping[str, Any], weights: Mapping[str, Any], optimizer: Mapping[str, Any]) -> Snapshot:
    run = dict(state.get("run", {}))
    if run:
        run["best"] = {metric: (value, name) for metric, (value, name) in run["best"].items()}
        run["inexact"] = tuple(run["inexact"])
    return Snapshot(
        weights,
        optimizer,
        state.get("optimizer", {}),
        state.get("groups", {}),
        state["step"],
        state["cursors"],
        tuple(Measurement(step, metric, value) for step, metric, value in state["metrics"]),
        Standing(**run),
    )


def _check_whole(checkpoint: Path) -> None:
    wrong = verify(checkpoint)
    if wrong:
        raise ResourceError(f"the checkpoint {checkpoint} is damaged: {', '.join(wrong)}")


def _manifest(checkpoint: Path) -> Mapping[str, Any] | str:
    """The manifest, or what is wrong with it."""
    try:
        content = read_bytes(checkpoint / MANIFEST, LARGEST_MANIFEST)
        manifest = json.loads(content)
        sealed = dict(manifest)
        whole = content == manifest_text(manifest) and sealed.pop("sha256") == manifest_digest(sealed)
        if whole and manifest["format"] != FORMAT:
            return f"{MANIFEST} (format {manifest['format']}, this mtlkit reads {FORMAT})"
        whole = whole and set(FILES) == set(manifest["files"]) and isinstance(manifest["step"], int)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno in NO_DAMAGE:
            raise
        return MANIFEST
    return manifest if whole else MANIFEST


def _strange(checkpoint: Path, files: Mapping[str, Any]) -> set[str]:
    return {path.name for path in checkpoint.iterdir()} - {*files, MANIFEST}


def _is_as_told(path: Path, told: object) -> bool:
    try:
        return attrs.asdict(as_read(path)) == told
    except OSError as error:
        if error.errno in NO_DAMAGE:
            raise
        return False


def is_leftover(path: Path) -> bool:
    """Whether a folder is what an interrupted save or deletion left behind."""
    return path.suffix in (".partial", ".deleted", ".replaced")


def leftovers(checkpoints: Path) -> Iterator[Path]:
    """What interrupted saves and deletions left behind."""
    return (path for path in _listed(checkpoints) if path.name.startswith(PREFIX) and is_leftover(path))


def _listed(checkpoints: Path) -> list[Path]:
    """What is in a folder, nothing where there is none; one that can't be read is not an empty one."""
    try:
        return list(checkpoints.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResourceError(f"{checkpoints} can't be read: {error.strerror}") from error

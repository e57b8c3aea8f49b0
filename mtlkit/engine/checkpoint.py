"""Checkpoints: safetensors and JSON, written aside, synced, verified, renamed; never pickled.

State is kept by the canonical name of the weight, never by position.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from mtlkit.contracts.progress import Measurement
from mtlkit.engine.apply import Handles
from mtlkit.engine.snapshot import Snapshot, check, put_back, take
from mtlkit.errors import ResourceError

if TYPE_CHECKING:
    from mtlkit.engine.session import Session

KEEP = 2
FORMAT = 1


def save(
    session: "Session",
    cursors: Mapping[str, int],
    log: Sequence[Measurement],
    step: int,
    checkpoints: Path,
    keep: str | None,
) -> str:
    """Write `step-NNNNNNNN` below `checkpoints` and delete all but the newest two and `keep`.

    Returns its path relative to the run directory.

    Raises:
        ResourceError: when it can't be written or does not read back equal; earlier ones stay.
    """
    final = checkpoints / f"step-{step:08d}"
    aside = checkpoints / f"{final.name}.partial"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write(take(session.handles, session.optimizer, step, cursors, log), aside)
        _write_manifest(aside)
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
        _sync(checkpoints)
    except OSError as error:
        raise ResourceError(f"the checkpoint {final} could not be written: {error}") from error
    damaged = verify(final)
    if damaged:
        raise ResourceError(f"the checkpoint {final} did not read back: {', '.join(damaged)}")
    _forget_old(checkpoints, {final.name, keep})
    return f"{checkpoints.name}/{final.name}"


def verify(checkpoint: Path) -> list[str]:
    """The files of a checkpoint that are missing or differ from its manifest; empty when it is whole."""
    try:
        manifest = json.loads((checkpoint / "manifest.json").read_text(encoding="utf-8"))
        told_digest = manifest.pop("sha256")
        files = manifest["files"].items()
        whole = told_digest == _digest_of(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ["manifest.json"]
    if not whole:
        return ["manifest.json"]
    return [
        name
        for name, told in files
        if not (checkpoint / name).is_file() or _described(checkpoint / name) != told
    ]


def load_weights(handles: Handles, checkpoint: Path) -> None:
    """Put the weights and buffers of a checkpoint into the model.

    Raises:
        ResourceError: when the checkpoint is damaged or is not of this model.
    """
    _check_whole(checkpoint)
    stored = load_file(checkpoint / "weights.safetensors")
    check(handles, stored, f"the checkpoint {checkpoint}")
    put_back(handles, stored)


def read(checkpoint: Path) -> Snapshot:
    """All that a checkpoint holds, for `snapshot.restore`.

    Raises:
        ResourceError: when the checkpoint is damaged.
    """
    _check_whole(checkpoint)
    state = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
    return Snapshot(
        load_file(checkpoint / "weights.safetensors"),
        load_file(checkpoint / "optimizer.safetensors"),
        state.get("optimizer", {}),
        state.get("groups", {}),
        state["step"],
        state["cursors"],
        tuple(Measurement(step, metric, value) for step, metric, value in state["metrics"]),
    )


def _check_whole(checkpoint: Path) -> None:
    damaged = verify(checkpoint)
    if damaged:
        raise ResourceError(f"the checkpoint {checkpoint} is damaged: {', '.join(damaged)}")


def _write(snapshot: Snapshot, folder: Path) -> None:
    save_file(dict(snapshot.weights), folder / "weights.safetensors")
    save_file(dict(snapshot.state), folder / "optimizer.safetensors")
    state: dict[str, object] = {
        "step": snapshot.step,
        "cursors": dict(snapshot.cursors),
        "metrics": [[entry.step, entry.metric, entry.value] for entry in snapshot.log],
    }
    kept = {"optimizer": dict(snapshot.plain), "groups": dict(snapshot.groups)}
    state |= {key: values for key, values in kept.items() if values}
    (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")


def _write_manifest(folder: Path) -> None:
    files = {path.name: _described(path) for path in sorted(folder.iterdir())}
    manifest = {"format": FORMAT, "torch": torch.__version__, "files": files}
    manifest["sha256"] = _digest_of(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _digest_of(manifest: Mapping[str, object]) -> str:
    return sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _described(path: Path) -> dict[str, int | str]:
    content = path.read_bytes()
    return {"size": len(content), "sha256": sha256(content).hexdigest()}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _forget_old(checkpoints: Path, keep: set[str | None]) -> None:
    whole = sorted(path for path in checkpoints.glob("step-*") if path.suffix != ".partial")
    for path in whole[:-KEEP]:
        if path.name not in keep:
            shutil.rmtree(path)

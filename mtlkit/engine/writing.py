"""Checkpoints, written: aside, synced, described, renamed, read back; only then are old ones deleted.

A process may be killed, or the power fail, anywhere in here: the checkpoints that were whole stay whole
until a newer one is.
"""

import errno
import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Thread

import attrs
import torch
from attrs import define

from mtlkit.engine.checkpoint import (
    FORMAT,
    MANIFEST,
    OPTIMIZER,
    STATE,
    WEIGHTS,
    folder_name,
    folders,
    leftovers,
    manifest_digest,
    manifest_text,
    state_of,
    verify,
)
from mtlkit.engine.snapshot import Snapshot, Spare
from mtlkit.engine.spans import spanned
from mtlkit.engine.tensor_file import Written, write_bytes, write_tensors
from mtlkit.errors import ResourceError
from mtlkit.whole_file import sync

KEEP = 2
SPARE_BYTES = 2**16
PASSING = (errno.EIO, errno.EINTR, errno.EAGAIN, errno.ESTALE)  # what a second try may get past


def nothing() -> None:
    """Do nothing."""


@define
class Saver:
    """Writes snapshots below `checkpoints` while the run goes on, one at a time.

    What goes wrong is raised by the next call. `announced` is the step of a checkpoint that is being
    written, or was, and of which `finish` has not told yet; `last` that of the newest one, either way.
    """

    checkpoints: Path
    count: int = KEEP
    synced: Callable[[], None] = nothing
    announced: int | None = None
    last: int | None = None
    _spare: Snapshot | None = None
    _thread: Thread | None = None
    _error: BaseException | None = None

    @spanned("saving")
    def begin(self, snapshot: Snapshot, keep: Collection[str] = ()) -> None:
        """Write a snapshot in the background; all but the newest `count` and those in `keep` are deleted."""
        self.wait()

        def work() -> None:
            try:
                write(snapshot, self.checkpoints, keep, self.count, self.synced)
                self._spare = snapshot
            except BaseException as error:  # noqa: BLE001  raised in the thread that asks
                self._error = error

        self.announced = self.last = snapshot.step
        self._thread = Thread(target=work, name="mtlkit-checkpoint")
        self._thread.start()

    def check(self) -> None:
        """Raise what has gone wrong by now.

        Raises:
            ResourceError: when the last checkpoint could not be written.
        """
        if self._error is not None:
            error, self._error, self.announced = self._error, None, None
            raise error

    @spanned("saving")
    def wait(self) -> None:
        """Wait for the checkpoint that is being written; raises as `check`."""
        self.close()
        self.check()

    @spanned("saving")
    def finish(self) -> int | None:
        """Wait for it, and tell its step, once."""
        self.wait()
        step, self.announced = self.announced, None
        return step

    def spare(self, unchanged: Collection[str] = (), still: Collection[str] = ()) -> Spare:
        """The snapshot that was written last, for the next one: whoever asks has it for himself.

        `unchanged` are weights that have not changed since it was taken, `still` those that will not
        before the next one is written.
        """
        self.close()
        found, self._spare = self._spare, None
        return Spare.of(found, unchanged, still)

    def close(self) -> None:
        """Wait for it, whatever comes of it."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def write(
    snapshot: Snapshot,
    checkpoints: Path,
    keep: Collection[str] = (),
    count: int = KEEP,
    synced: Callable[[], None] = nothing,
) -> Path:
    """Write `step-NNNNNNNN` below `checkpoints` and delete all but the newest `count` and those in `keep`.

    `synced` is called before it gets its name.

    Raises:
        ResourceError: when it can't be written or does not read back equal; earlier ones stay.
    """
    final = checkpoints / folder_name(snapshot.step)
    try:
        try:
            _written(snapshot, final, synced)
        except OSError as error:
            if error.errno not in PASSING:
                raise
            _written(snapshot, final, synced)
    except OSError as error:
        raise ResourceError(
            f"the checkpoint {final} could not be written: {error}",
            "those before it are whole: `mtlkit resume` goes on from them when it can be",
        ) from error
    _forget_old(checkpoints, {final.name, *keep}, count)
    _reached("done")
    return final


def _written(snapshot: Snapshot, final: Path, synced: Callable[[], None]) -> None:
    """Write a checkpoint and read it back.

    Raises:
        OSError: when it can't be written, or is not what was written.
    """
    aside = final.with_name(f"{final.name}.partial")
    try:
        if aside.exists():
            shutil.rmtree(aside)
        final.parent.mkdir(exist_ok=True)  # but no run directory that somebody has removed
        aside.mkdir()
        check_space(snapshot, final.parent)
        _reached("begun")
        _fill(aside, snapshot)
        _reached("filled")
        synced()
        _put(aside, final)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    damaged = verify(final)
    if damaged:
        raise OSError(errno.EIO, f"it did not read back: {', '.join(damaged)}")
    _reached("verified")


def check_space(snapshot: Snapshot, folder: Path) -> None:
    """Check that the disk has room for a checkpoint.

    Raises:
        OSError: when it hasn't; says how many bytes are needed and free.
    """
    tensors = (*snapshot.weights.values(), *snapshot.state.values())
    needed = sum(tensor.numel() * tensor.element_size() for tensor in tensors) + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(f"it needs {needed:,} bytes, and {free:,} are free on the disk")


def sweep(checkpoints: Path) -> None:
    """Clear away what interrupted saves and deletions left behind."""
    for path in leftovers(checkpoints):
        original = path.with_suffix("")
        if path.suffix == ".replaced" and not original.exists():
            path.rename(original)
        else:
            shutil.rmtree(path, ignore_errors=True)


def set_aside(folder: Path) -> Path:
    """Rename a damaged checkpoint, so that it counts for nothing and can be looked at."""
    number = 1
    while (target := folder.with_name(f"{folder.name}.damaged{number}")).exists():
        number += 1
    return folder.rename(target)


def _fill(folder: Path, snapshot: Snapshot) -> None:
    files: dict[str, Written] = {}
    files[WEIGHTS] = write_tensors(folder / WEIGHTS, snapshot.weights, content=snapshot.content)
    _reached("weights")
    files[OPTIMIZER] = write_tensors(folder / OPTIMIZER, snapshot.state)
    _reached("optimizer")
    files[STATE] = write_bytes(folder / STATE, json.dumps(state_of(snapshot), indent=1).encode())
    _reached("state")
    described = {name: attrs.asdict(written) for name, written in sorted(files.items())}
    manifest: dict[str, object] = {
        "format": FORMAT,
        "torch": torch.__version__,
        "step": snapshot.step,
        "files": described,
    }
    manifest["sha256"] = manifest_digest(manifest)
    write_bytes(folder / MANIFEST, manifest_text(manifest))
    _reached("manifest")
    sync(folder)


def _put(aside: Path, final: Path) -> None:
    """Give the folder its final name; one of that name stays until then."""
    replaced = final.with_name(f"{final.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if final.exists():
        final.rename(replaced)
        _reached("replaced")
    aside.rename(final)
    _reached("renamed")
    sync(final.parent)  # before what it replaces is emptied, which may still have its name after a power cut
    _reached("synced")
    shutil.rmtree(replaced, ignore_errors=True)


def _forget_old(checkpoints: Path, keep: Collection[str], count: int) -> None:
    for path in folders(checkpoints)[:-count]:
        if path.name not in keep:
            deleted = path.rename(path.with_name(f"{path.name}.deleted"))
            _reached("deleting")
            shutil.rmtree(deleted, ignore_errors=True)


def _reached(point: str) -> None:
    """A named point of the writer; tests end the process here."""

"""What the machine refuses: memory, room, a disk that fails, places that may not be written. A clear error each."""

import errno
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from children import ended
from engine_recipes import write_recipe
from test_writer import check_snapshot, snapshot

import mtlkit
from mtlkit.api import run
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.builtin.trackers.jsonl import JsonlTracker
from mtlkit.cli.main import _code
from mtlkit.engine import loop, preflight, step, writing
from mtlkit.engine.checkpoint import FILES, leftovers, newest
from mtlkit.engine.writing import write
from mtlkit.errors import PluginError, ResourceError, blaming
from mtlkit.refusals import LESS_MEMORY, refused

SETTINGS = ["training.checkpoint_every=2st", "training.length=6st"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"), more="")


def words(recipe, folder):
    return [
        "run",
        str(recipe),
        "--out",
        str(folder),
        *(word for each in SETTINGS for word in ("--set", each)),
    ]


def run_dir_in(folder):
    (found,) = (path.parent for path in folder.glob("*/*/recipe.toml"))
    return found


def test_an_allocation_that_is_refused_in_a_step(tmp_path, recipe, capfd):
    """For real: the address space is limited, and a step asks for more."""

    def work():
        taken = loop.training_step

        def spike(session, progress, cursors):
            if progress.step == 3:
                used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))
                torch.empty(2**31, dtype=torch.uint8)
            return taken(session, progress, cursors)

        loop.training_step = spike
        return _code(words(recipe, tmp_path))

    assert ended(work) == 5
    *_, told = capfd.readouterr().err.strip().splitlines()
    assert told.startswith("there is no memory left: ")
    assert "you tried to allocate 2147483648 bytes" in told
    assert told.endswith(LESS_MEMORY)
    assert newest(run_dir_in(tmp_path) / "checkpoints")[0].name == "step-00000002"
    assert _code(["resume", str(run_dir_in(tmp_path))]) == 0


ERRORS = {
    "Python": MemoryError(),
    "torch on a processor": RuntimeError(
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"
    ),
    "torch on a device": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    "the system": OSError(errno.ENOMEM, "Cannot allocate memory"),
    "C++": RuntimeError("std::bad_alloc"),
    "threads": RuntimeError("can't start new thread"),
    "oneDNN": RuntimeError("could not create a primitive"),
    "the linker": ImportError("libtorch_cpu.so: failed to map segment from shared object"),
}


@pytest.mark.parametrize("how", ERRORS)
def test_a_lack_of_memory_is_no_fault_of_the_plugin_that_met_it(tmp_path, recipe, monkeypatch, capsys, how):
    def loss(*_):
        raise ERRORS[how]

    monkeypatch.setattr(SequenceClassificationHead, "loss", loss)
    assert _code(words(recipe, tmp_path)) == 5
    *_, told = capsys.readouterr().err.strip().splitlines()
    first = str(ERRORS[how]) or "MemoryError"
    assert told == f"there is no memory left: {first}  {LESS_MEMORY}"


def test_other_errors_are_what_they_were():
    for error in (RuntimeError("shape"), OSError("x"), FileNotFoundError(errno.ENOENT, "no"), ValueError()):
        assert refused(error) is None
    told = refused(OSError(errno.EROFS, "Read-only file system", "/a/b"))
    assert str(told) == "/a/b: Read-only file system  choose a place that may be written"


def test_no_folder_for_temporary_files():
    """As a limit on file sizes of nothing has it: libraries want such a folder when they are imported."""
    told = refused(FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"))
    assert str(told).startswith(
        "there is no folder for temporary files that may be written  name one in TMPDIR"
    )


def failing(monkeypatch, module, name, errors):
    """The call raises one after the other, and works then."""
    call, left = getattr(module, name), list(errors)

    def function(*words, **named):
        if left and (error := left.pop(0)):
            raise error
        return call(*words, **named)

    monkeypatch.setattr(module, name, function)
    return left


IO = OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("after", range(6))
def test_a_disk_that_fails_once_is_tried_again(tmp_path, monkeypatch, after):
    write(snapshot(1), tmp_path)
    assert failing(monkeypatch, os, "fsync", [*[None] * after, IO]) is not None
    write(snapshot(2), tmp_path)
    check_snapshot(newest(tmp_path)[0], 2)
    assert list(leftovers(tmp_path)) == []


@pytest.mark.parametrize("after", range(6))
def test_a_disk_that_fails_again_ends_the_run_and_the_checkpoint_before_is_whole(
    tmp_path, monkeypatch, after
):
    write(snapshot(1), tmp_path)
    failing(monkeypatch, os, "fsync", [*[None] * after, *[IO] * 20])
    with pytest.raises(
        ResourceError, match=r"step-00000002 could not be written: \[Errno 5\] Input/output error"
    ):
        write(snapshot(2), tmp_path)
    whole, damaged = newest(tmp_path)
    assert damaged == []
    check_snapshot(whole, 1 if after < 5 else int(whole.name[-1]))
    assert list(leftovers(tmp_path)) == []


def test_no_room_is_not_tried_again(tmp_path, monkeypatch):
    write(snapshot(1), tmp_path)
    left = failing(monkeypatch, os, "fsync", [OSError(errno.ENOSPC, "No space left on device"), None])
    with pytest.raises(ResourceError, match="No space left on device"):
        write(snapshot(2), tmp_path)
    assert left == [None]
    check_snapshot(newest(tmp_path)[0], 1)


def test_what_does_not_read_back_is_written_again(tmp_path, monkeypatch):
    calls = []
    reached = lambda name: calls.append(name) or name != "renamed" or calls.count(name) > 1 or damage()  # noqa: E731

    def damage():
        path = tmp_path / "step-00000001" / FILES[0]
        path.write_bytes(path.read_bytes()[:-1])

    monkeypatch.setattr(writing, "_reached", reached)
    write(snapshot(1), tmp_path)
    assert (calls.count("renamed"), calls.count("verified")) == (2, 1)
    check_snapshot(newest(tmp_path)[0], 1)


REMOVING = """
from pathlib import Path
from mtlkit.engine import loop
taken = loop.training_step

def removing(session, progress, cursors):
    if progress.step == 3:
        (run_dir,) = Path({folder!r}).glob("*/*")
        run_dir.rename({away!r})  # at once, while a checkpoint may be on its way
    return taken(session, progress, cursors)

loop.training_step = removing
from mtlkit.cli.main import main
main({words!r})
"""


def test_a_run_directory_that_is_removed_while_the_run_is_on(tmp_path, recipe):
    """TensorBoard's thread meets it too: no traceback of it either, and nothing is made anew."""
    program = REMOVING.format(
        folder=str(tmp_path), away=str(tmp_path / "away"), words=words(recipe, tmp_path)
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False), done.stderr
    assert re.search(
        r"step-0000000[24] could not be written: \[Errno 2\] No such file or directory", done.stderr
    )
    assert list(tmp_path.glob("small/*")) == []


def test_a_folder_of_checkpoints_that_became_a_file(tmp_path, recipe, monkeypatch, capsys):
    taken = step.training_step

    def removing(session, progress, cursors):
        if progress.step == 3:
            folder = run_dir_in(tmp_path) / "checkpoints"
            folder.rename(tmp_path / "away")
            folder.write_bytes(b"")
        return taken(session, progress, cursors)

    monkeypatch.setattr(loop, "training_step", removing)
    assert _code(words(recipe, tmp_path)) == 5
    *_, told = capsys.readouterr().err.strip().splitlines()
    assert "could not be written: " in told


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_place_that_may_not_be_written_any_more(tmp_path, recipe, monkeypatch, capsys, code):
    """As root every folder may be written: the refusal is made here."""
    made, refuses = os.mkdir, []

    def mkdir(path, *words, **named):
        if refuses and str(path).endswith(".partial"):
            raise OSError(code, os.strerror(code), str(path))
        refuses.extend([1] if str(path).endswith("step-00000002.partial") else [])
        made(path, *words, **named)

    monkeypatch.setattr(os, "mkdir", mkdir)
    assert _code(words(recipe, tmp_path)) == 5
    *_, told = capsys.readouterr().err.strip().splitlines()
    assert f"step-00000004 could not be written: [Errno {code}] {os.strerror(code)}" in told
    monkeypatch.undo()
    assert newest(run_dir_in(tmp_path) / "checkpoints")[0].name == "step-00000002"
    assert _code(["resume", str(run_dir_in(tmp_path))]) == 0


def test_a_disk_without_room_for_one_checkpoint_is_told_before_the_first_step(
    tmp_path, recipe, monkeypatch, capsys
):
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(loop, "training_step", lambda *_: pytest.fail("it trains"))
    assert _code(words(recipe, tmp_path)) == 5
    *_, told = capsys.readouterr().err.strip().splitlines()
    checkpoints = run_dir_in(tmp_path) / "checkpoints"
    assert told.startswith(f"the disk of {checkpoints} has 1,000 bytes free, and a checkpoint needs ")
    assert told.endswith(" and more  make room, or choose another --out")


def test_a_disk_without_room_for_all_of_them_is_warned_of(tmp_path, recipe, monkeypatch):
    usage = SimpleNamespace(free=200_000)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: usage)
    result = run(mtlkit.plan(mtlkit.load(recipe, SETTINGS)), tmp_path)
    (warning,) = result.warnings
    assert warning.startswith("the disk has 200,000 bytes free, and 3 checkpoints of up to ")


def test_a_limit_on_file_sizes_is_told_before_the_first_step(tmp_path, recipe, capfd):
    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        loop.training_step = lambda *_: os._exit(77)
        return _code(words(recipe, tmp_path))

    assert ended(work) == 5
    *_, told = capfd.readouterr().err.strip().splitlines()
    assert told.startswith("a file may have 10,000 bytes here, and the weights of a checkpoint have ")


def test_too_many_open_files(tmp_path, recipe, capfd):
    def work():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        return _code(words(recipe, tmp_path))

    assert ended(work) in (2, 5)  # whatever is opened first
    assert "Traceback" not in capfd.readouterr().err


def test_a_plugin_is_still_blamed_for_its_own_errors():
    with (
        pytest.raises(PluginError, match="the head failed in loss: RuntimeError: shape"),
        blaming("the head", "loss"),
    ):
        raise RuntimeError("shape")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), ERRORS["threads"]])
def test_a_refusal_is_no_fault_of_the_tracker_that_met_it(tmp_path, recipe, monkeypatch, capsys, error):
    failing(monkeypatch, JsonlTracker, "__init__", [error])
    assert _code(words(recipe, tmp_path)) == 5
    *_, told = capsys.readouterr().err.strip().splitlines()
    assert told == str(refused(error))


def test_a_directory_that_could_not_be_made_whole_is_not_left(tmp_path, recipe, monkeypatch, capsys):
    failing(monkeypatch, os, "fsync", [None, OSError(errno.ENOSPC, "No space left on device")])
    assert _code(words(recipe, tmp_path)) == 5
    assert "can't be made: [Errno 28] No space left on device" in capsys.readouterr().err
    assert list((tmp_path / "small").iterdir()) == []

"""Before a run trains: whether its disk and its limits have room for the checkpoints it will write."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from mtlkit.engine.session import Session
from mtlkit.engine.snapshot import tensors
from mtlkit.errors import ResourceError

STATES = 2  # what optimizers keep of a weight at most, in its size: the two moments of Adam


def warnings_of_room(session: Session, checkpoints: Path) -> Iterator[str]:
    """What there is to warn of: the disk has no room for all checkpoints that the run keeps at a time.

    Raises:
        ResourceError: when there is none for the weights of a single one, or a file may not be as large.
    """
    sizes = {
        name: tensor.numel() * tensor.element_size() for name, tensor in tensors(session.handles).items()
    }
    weights = sum(sizes.values())
    trained = {name for phase in session.preview.phases for name in phase.trainable}
    whole = weights + STATES * sum(sizes[name] for name in trained if name in sizes)
    keep = session.plan.training.keep
    try:
        checkpoints.mkdir(exist_ok=True)
        free = shutil.disk_usage(checkpoints).free
    except OSError as error:
        raise ResourceError(
            f"{checkpoints} can't be written: {error.strerror}", "choose another --out"
        ) from error
    limit = _largest_file()
    if free < weights:
        raise ResourceError(
            f"the disk of {checkpoints} has {free:,} bytes free, and a checkpoint needs {weights:,} and more",
            "make room, or choose another --out",
        )
    if limit is not None and limit < weights:
        raise ResourceError(
            f"a file may have {limit:,} bytes here, and the weights of a checkpoint have {weights:,}",
            "raise the limit (ulimit -f)",
        )
    if free < (keep + 1) * whole:
        yield (
            f"the disk has {free:,} bytes free, and {keep + 1} checkpoints of up to {whole:,} bytes "
            f"need {(keep + 1) * whole:,}; make room, or lower training.keep"
        )


def _largest_file() -> int | None:
    """How large a file may be, where there is a limit."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if soft == resource.RLIM_INFINITY else soft

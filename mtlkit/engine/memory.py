"""How much memory there is, and whether the weights of a plan can be held in it: asked before any is made."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mtlkit.contracts.params import ParamTable
from mtlkit.errors import ResourceError

BYTES = 4  # of a number; weights are made in fp32, whatever they are trained in
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def check_memory(table: ParamTable) -> None:
    """Refuse a model whose weights alone are larger than the memory: the system would end the process.

    Raises:
        ResourceError: says how many bytes they have, and what is largest.
    """
    needed, there = BYTES * sum(row.numel for row in table), total()
    if there is None or needed <= there:
        return
    largest = max(table, key=lambda row: row.numel)
    raise ResourceError(
        f"the weights have {needed:,} bytes, and this machine has {there:,} bytes of memory; the largest is "
        f"{largest.name} {list(largest.shape)}",
        "choose a smaller model, or smaller sizes",
    )


def total() -> int | None:
    """Bytes of memory that a process may use at most: those of the machine, or of its container."""
    return min(_told(), default=None)


def _told() -> Iterator[int]:
    with suppress(OSError, ValueError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in LIMITS:
        with suppress(OSError, ValueError):  # "max": there is none
            yield int(Path(limit).read_text(encoding="ascii"))

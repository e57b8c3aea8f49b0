"""Freed memory stays with the process where the C library can be told so."""

import ctypes
import platform
import subprocess
import sys

from mtlkit.engine import heap

CODE = """
import resource
import torch
from mtlkit.engine.heap import keep_freed_memory
if KEEP:
    keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for size in (20_000_000, 12_000_000):
        torch.ones(size)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
found = [faults() for _ in range(20)]
print(sum(found[-10:]))
"""


def faults(keep):
    code = f"KEEP = {keep}\n{CODE}"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    return int(done.stdout)


def test_a_large_block_is_asked_for_once():
    known = platform.libc_ver()[0] == "glibc"
    assert heap.keep_freed_memory() == known
    if known:
        assert faults(keep=True) < faults(keep=False) / 10


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not heap.keep_freed_memory()

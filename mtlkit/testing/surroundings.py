"""What a plugin must not depend on, changed for a while: global generators, clock, environment."""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np

from mtlkit.testing.asking import plain

CLOCKS = ("time", "monotonic", "perf_counter")


@contextmanager
def seeded_globally(number: int) -> Iterator[Mapping[str, Any]]:
    """Python's, numpy's and torch's generators seeded, and as they were afterwards; yields their states."""
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()
    torchs = torch.random.get_rng_state() if torch else None
    random.seed(number)
    np.random.seed(number)
    if torch:
        torch.manual_seed(number)
    try:
        yield generator_states()
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        if torch:
            torch.random.set_rng_state(torchs)


def generator_states() -> dict[str, Any]:
    """The states of the global generators, by library."""
    found = {"random": plain(random.getstate()), "numpy": plain(np.random.get_state())}
    torch = sys.modules.get("torch")
    if torch:
        found["torch"] = plain(torch.random.get_rng_state())
    return found


@contextmanager
def elsewhere() -> Iterator[None]:
    """Another time, process id, host name, environment and working folder."""
    back = Path.cwd()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        for name in CLOCKS:
            stack.enter_context(mock.patch.object(time, name, _later(getattr(time, name), 10**9)))
            name = f"{name}_ns"
            stack.enter_context(mock.patch.object(time, name, _later(getattr(time, name), 10**18)))
        stack.enter_context(mock.patch.object(os, "getpid", return_value=4_194_303))
        stack.enter_context(mock.patch("socket.gethostname", return_value="elsewhere"))
        changed = {"HOME": folder, "USER": "nobody", "TZ": "Pacific/Kiritimati"}
        stack.enter_context(mock.patch.dict(os.environ, changed))
        stack.callback(os.chdir, back)
        os.chdir(folder)
        yield


def _later(clock: Callable[[], Any], by: int) -> Callable[[], Any]:
    return lambda: clock() + by

"""Seeds for every purpose, derived from the recipe's seed and the purpose's name."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from random import Random

import numpy as np
import torch


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed that depends on nothing but the recipe's seed and the purpose."""
    text = "\0".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


@contextmanager
def seeded(seed: int, *purpose: str | int) -> Iterator[None]:
    """Torch's global generator seeded for that purpose, and as it was before afterwards."""
    with torch.random.fork_rng():
        _seed_torch(derive(seed, *purpose))
        yield


def seed_globals(seed: int, *purpose: str | int) -> None:
    """Seed the generators of Python, numpy and torch that plugins may draw from without asking.

    What they draw then depends on the recipe's seed and the purpose, and not on what happened before.
    """
    derived = derive(seed, *purpose)
    random.seed(derived)
    np.random.seed(derived % 2**32)
    _seed_torch(derived)


def _seed_torch(seed: int) -> None:
    """As `torch.manual_seed`, which without a GPU writes down a stack for every kind of GPU, each time."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


@contextmanager
def kept_globals() -> Iterator[None]:
    """Those generators as they were before, afterwards."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


def python_rng(seed: int, *purpose: str | int) -> Random:
    """A generator of Python's own for that purpose."""
    return Random(derive(seed, *purpose))  # noqa: S311  reproducible on purpose


def permutation(rows: int, seed: int, *purpose: str | int) -> np.ndarray:
    """A random order of the numbers 0…rows-1.

    RandomState because its stream is frozen for good (NEP 19); Generator's may change with numpy.
    """
    return np.random.RandomState(derive(seed, *purpose) % 2**32).permutation(rows)

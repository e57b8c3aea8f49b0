"""Which implementation of attention a Hugging Face model uses, for as long as a block of code runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def attending_by(config: Any, name: str) -> Iterator[None]:  # noqa: ANN401  a transformers configuration
    """Inside the block, models with this configuration use the implementation of that name."""
    before, config._attn_implementation = config._attn_implementation, name
    try:
        yield
    finally:
        config._attn_implementation = before

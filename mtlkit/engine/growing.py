"""Numbers that come one by one, kept as compactly as an array."""

from array import array
from typing import Any

import numpy as np


class Growing:
    """Numbers of the type that `array.array` calls by this letter."""

    def __init__(self, letter: str) -> None:
        self._cells = array(letter)

    def append(self, number: int) -> None:
        """Add a number."""
        self._cells.append(number)

    def __len__(self) -> int:
        return len(self._cells)

    def array(self) -> Any:  # noqa: ANN401  a numpy array of the letter's type
        """All of them; no number may be added while the array is in use."""
        return np.frombuffer(self._cells, self._cells.typecode)

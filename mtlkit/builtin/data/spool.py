"""Values in a nameless temporary file, for sources whose own files have no rows to find by their place."""

import json
import os
from array import array

from mtlkit.builtin.data.nameless import finding_room, nameless_file
from mtlkit.contracts.data import Value


class Spool:
    """Values that JSON can hold, each found again by its number; 8 bytes of memory a value."""

    def __init__(self) -> None:
        with finding_room():
            self._file = nameless_file(self)
        self._ends = array("Q", [0])
        self._whole = True

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, value: Value) -> int:
        """Keep a value; its number, counted from 0."""
        self._whole = False
        with finding_room():
            self._ends.append(self._ends[-1] + self._file.write(json.dumps(value).encode()))
        return len(self._ends) - 2

    def get(self, number: int) -> Value:
        """The value with this number."""
        if not self._whole:
            with finding_room():
                self._file.flush()
            self._whole = True
        start, end = self._ends[number], self._ends[number + 1]
        return json.loads(os.pread(self._file.fileno(), end - start, start))

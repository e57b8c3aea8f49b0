"""Options of the source `squad`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from mtlkit.builtin.data import samples
from mtlkit.builtin.data.bad_rows import ON_BAD_ROW, OnBadRow
from mtlkit.builtin.data.options import PATH, check_path
from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place


@frozen
class SquadOptions:
    """Questions about passages in the JSON of SQuAD, version 1.1 or 2.0.

    The columns are `id`, `title`, `question`, `context`, `answers` (a list of texts), `starts` (where each
    begins in the context, in characters) and `impossible` (there is no answer). Where a file keeps the
    answers to itself these three are missing. An answer has to stand where it says.
    """

    path: Place | Mapping[str, Place] = option(PATH)
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        check_path(self.path)

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return samples.write_squad(folder)

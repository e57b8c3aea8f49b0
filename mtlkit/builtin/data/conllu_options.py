"""Options of the source `conllu`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from mtlkit.builtin.data import samples
from mtlkit.builtin.data.bad_rows import ON_BAD_ROW, OnBadRow
from mtlkit.builtin.data.options import PATH, check_path
from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place

FIELDS = {"tokens": 1, "lemmas": 2, "upos": 3, "xpos": 4, "feats": 5, "heads": 6, "relations": 7}
"""The columns and their fields of a line, from 0."""


@frozen
class ConlluOptions:
    """Treebanks of Universal Dependencies, in UTF-8: words with lemmas, tags, features, heads and relations.

    The columns are `tokens`, `lemmas`, `upos`, `xpos`, `feats`, `heads` and `relations`. A token is a
    syntactic word: lines of multi-word tokens (`3-4`) and empty nodes (`5.1`) are passed over. A head is the
    number of a word, from 1, or 0 for the root. What is not known (`_`) is missing.
    """

    path: Place | Mapping[str, Place] = option(PATH)
    metadata: tuple[str, ...] = option('comments that become columns, such as "sent_id" or "text"', ())
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        twice = [name for name in self.metadata if name in FIELDS or self.metadata.count(name) > 1]
        if twice:
            raise ValueError(f"metadata names the column {twice[0]!r}, which is there already")
        check_path(self.path)

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return samples.write_conllu(folder)

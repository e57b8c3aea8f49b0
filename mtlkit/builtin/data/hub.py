"""The source `hub`: a data set of the Hugging Face hub, through `datasets`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from typing import Any

from mtlkit.builtin.data.table import check_numbers
from mtlkit.builtin.data.table_options import HubOptions
from mtlkit.contracts.data import SPLIT_COLUMN, Record
from mtlkit.errors import DataError, ResourceError

ROWS_AT_ONCE = 1000


class HubSource:
    """All splits of a data set, one after the other; the builder of the source `hub`."""

    def __init__(self, options: HubOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """Column names; fetches the data set.

        Raises:
            ResourceError: when the data set can't be loaded: no network, no such name or split.
            DataError: when splits differ in their columns, or one is named `split`.
        """
        names = [tuple(part.column_names) for part in self._splits.values()]
        named = repr(self._options.name)
        if any(set(other) != set(names[0]) for other in names):
            raise DataError(f"the splits of {named} differ in their columns", "read fewer: splits = [...]")
        if SPLIT_COLUMN in names[0]:
            raise DataError(f"{named} has a column named {SPLIT_COLUMN!r}, which is kept for the splits")
        return (*names[0], SPLIT_COLUMN)

    def __len__(self) -> int:
        return sum(len(part) for part in self._splits.values())

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), counted through the splits in their order.

        Raises:
            ResourceError: when the data set can't be loaded.
        """
        check_numbers(numbers, len(self))
        columns = self.columns()
        found: dict[int, Record] = {}
        start = 0
        for split, part in self._splits.items():
            mine = [number for number in dict.fromkeys(numbers) if start <= number < start + len(part)]
            if mine:
                cells = part[[number - start for number in mine]]
                for place, number in enumerate(mine):
                    found[number] = {name: cells[name][place] for name in columns[:-1]} | {
                        SPLIT_COLUMN: split
                    }
            start += len(part)
        return [dict(found[number]) for number in numbers]

    def fingerprint(self) -> str:
        """A hex digest of all cells: the same for the same rows, wherever they were fetched from."""
        whole = blake2b(json.dumps(self.columns()).encode(), digest_size=32)
        for start in range(0, len(self), ROWS_AT_ONCE):
            rows = self.rows(range(start, min(start + ROWS_AT_ONCE, len(self))))
            whole.update(json.dumps(rows, sort_keys=True, default=str).encode())
        return whole.hexdigest()

    @cached_property
    def _splits(self) -> Mapping[str, Any]:
        """The `datasets.Dataset` of each split."""
        import datasets

        options = self._options
        wanted = list(options.splits) or None
        try:
            with _quiet():
                loaded = datasets.load_dataset(
                    options.name, options.config, split=wanted, revision=options.revision
                )
        except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ResourceError(
                f"the hub data set {options.name!r} can't be loaded: {reason}",
                "check name, config, splits and revision; without a network it must have been fetched "
                "before, or use csv, jsonl or parquet with files of your own",
            ) from error
        return dict(loaded) if wanted is None else dict(zip(wanted, loaded, strict=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars of `datasets`, which would write into our own."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()

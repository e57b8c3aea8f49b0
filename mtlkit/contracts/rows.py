"""What a `[data.NAME]` table asks of its rows: names, labels, which rows, and which split they go to."""

from collections.abc import Mapping
from math import isclose
from typing import Literal, get_args

from attrs import field, frozen

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

PairKind = Literal["positive", "triplet", "either"]

Wanted = str | int | float | bool


@frozen
class SplitSpec:
    """How rows are divided into train, validation and test.

    A number is a share of the rows, drawn by a hash of their content; train is what is left. A text is
    the name that a split has in the split column. `column` is that column, None where the source's own
    column `split` is used if it has one, and "" where it must not be. Where there is a split column,
    shares are taken from its train rows. `by` names the columns that are hashed, none meaning all, and
    `salt` picks another division of the same rows.
    """

    train: float | str | None = None
    validation: float | str | None = None
    test: float | str | None = None
    by: tuple[str, ...] = ()
    column: str | None = None
    salt: str = ""

    def __attrs_post_init__(self) -> None:
        shares = {name: self.share(name) for name in SPLITS}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} = {share:g} is not a share between 0 and 1")
        total = sum(shares.values())
        if total > 1 and not isclose(total, 1):
            raise ValueError(f"the shares add up to {total:g}, more than 1")
        if shares["train"] and not isclose(total, 1):
            raise ValueError(f"the shares add up to {total:g}, not 1; train may be left out")
        names = [self.name(split) for split in SPLITS]
        if len(set(names)) < len(names):
            raise ValueError("two splits have one name in the split column")

    def share(self, split: SplitName) -> float:
        """The share asked for, 0 where none is."""
        value = getattr(self, split)
        return 0.0 if value is None or isinstance(value, str) else float(value)

    def name(self, split: SplitName) -> str:
        """What the split is called in the split column: its own name unless another is given."""
        value = getattr(self, split)
        return value if isinstance(value, str) else split


@frozen
class Condition:
    """What a cell has to be: a number from `min` to `max`, none of `without`, missing or not missing.

    None asks nothing. A missing cell (none, or an empty text) is no number, and is none of any values.
    """

    min: float | None = None
    max: float | None = None
    without: tuple[Wanted, ...] = ()
    missing: bool | None = None

    @property
    def about_numbers(self) -> bool:
        """Whether a cell has to be a number."""
        return self.min is not None or self.max is not None


@frozen
class FoldSpec:
    """Cross-validation: the rows of fold `k` (from 1) of `of` are the test rows, drawn by content hash."""

    k: int
    of: int

    def __attrs_post_init__(self) -> None:
        if self.of < 2 or not 1 <= self.k <= self.of:
            raise ValueError(f"there is no fold {self.k} of {self.of}; folds are counted from 1")


@frozen
class PairSpec:
    """A second text for every row, out of the rows of the same split.

    `column` is what is paired and `by` what makes rows belong together, both our names. "positive" adds the
    column `COLUMN_pair`, a text that belongs to the row's; "triplet" adds `COLUMN_negative` too, one that
    does not; "either" adds a pair that belongs to it or not, and says which in the column `same`, 1 or 0.
    """

    column: str
    by: str
    kind: PairKind = "positive"

    @property
    def added(self) -> tuple[str, ...]:
        """The columns that it adds."""
        second = {"positive": (), "triplet": (f"{self.column}_negative",), "either": ("same",)}
        return (f"{self.column}_pair", *second[self.kind])


@frozen
class RowSpec:
    """What is made of a source's rows.

    `columns` maps our names to the source's; a column it doesn't mention keeps its name. `labels` maps,
    per column (our name), the text of a value to a label. `where` keeps the rows whose column (the
    source's name) has one of the values or meets the condition. `limit` is how many rows of a split to keep
    at most, `fold` which rows are held out in place of shares, `pair` a second text for each row.
    """

    columns: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(factory=dict)
    where: Mapping[str, tuple[Wanted, ...] | Condition] = field(factory=dict)
    split: SplitSpec = SplitSpec()
    limit: Mapping[str, int] = field(factory=dict)
    fold: FoldSpec | None = None
    pair: PairSpec | None = None

    def __attrs_post_init__(self) -> None:
        if self.fold and self.split.share("test"):
            raise ValueError("fold says which rows are for testing, and so does the share of test")
        if self.fold and self.split.column:
            raise ValueError("fold divides the rows, and so does the split column")
        for split, most in self.limit.items():
            if split not in SPLITS:
                raise ValueError(f"limit of {split!r}, which is not one of {', '.join(SPLITS)}")
            if most < 0:
                raise ValueError(f"limit of {split} is {most}, below 0")

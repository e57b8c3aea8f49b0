"""The table of weights: all that freeze policies and rate schedules may know of a model."""

from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Literal

from attrs import define, frozen

Role = Literal["embeddings", "block", "final", "head"]
Kind = Literal["weight", "bias", "norm", "embedding"]
BACKBONE = "backbone"


@frozen
class Row:
    """One weight, that is one storage region, with every name it goes by.

    `name` is `backbone.<path>` or `heads.<task>.<path>`; `aliases` are the further names of a tied
    weight. `owner` is `"backbone"` or the task. `depth` is 0 for embeddings, 1…L for the blocks,
    L+1 for what follows the last block and L+2 for heads. `trainable` is False for a weight that the
    author of the model froze; no policy thaws it. `adapter` is True for a weight that an adapter brought
    into the backbone: role and depth are those of the part that it was put into.
    """

    name: str
    shape: tuple[int, ...]
    owner: str
    role: Role
    depth: int
    kind: Kind
    aliases: tuple[str, ...] = ()
    trainable: bool = True
    adapter: bool = False

    @property
    def numel(self) -> int:
        """How many numbers the weight holds."""
        return prod(self.shape)

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical name, then the aliases."""
        return (self.name, *self.aliases)


@define(frozen=True, slots=False)
class ParamTable:
    """Every weight of a model once, in the order input → output, and the number of blocks L."""

    rows: tuple[Row, ...]
    depth: int

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that own weights, in table order."""
        owners = dict.fromkeys(row.owner for row in self.rows)
        return tuple(owner for owner in owners if owner != BACKBONE)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Canonical names, in table order."""
        return tuple(row.name for row in self.rows)

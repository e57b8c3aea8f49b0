"""Option classes as a plugin author writes them."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from attrs import field, frozen
from pydantic import BaseModel, ConfigDict

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@frozen
class Stage:
    """One stage."""

    freeze: tuple[str, ...] = option("what is frozen")
    until: Duration | None = option("when it ends", None)


@frozen
class Everything:
    """All that options can be."""

    blocks: Annotated[int, Ge(1)] = option("how many blocks")
    rate: Annotated[float, Gt(0)] = option("how fast", 0.1)
    mode: Literal["a", "b"] = option("which way", "a")
    length: Duration = option("how long", Duration(10, "%"))
    stages: tuple[Stage, ...] = option("one after the other", ())
    per_task: Mapping[str, float] = option("rate of each task", {})
    first: Stage = option("the first stage", Stage(freeze=("backbone",)))
    named: dict[str, Stage] = option("stages by name", {})
    maybe: int | str | None = option("either", None)
    flag: bool = option("on or off", False)
    color: Color = option("a colour", Color.RED)
    copy: str = option("a name that pydantic also uses", "x")
    _hidden: int = field(default=3)

    def __attrs_post_init__(self) -> None:
        if self.blocks > 100:
            raise ValueError(f"{self.blocks} blocks are too many; at most 100")


@frozen
class Files:
    path: Place = option("where")
    other: Place | None = option("where else", None)


@frozen
class Broken:
    thing: "NoSuchName" = option("what")  # noqa: F821


class Modelled(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    size: int = 3

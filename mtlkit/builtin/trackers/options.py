"""Options of the trackers we ship."""

from typing import Annotated

from annotated_types import Gt
from attrs import frozen

from mtlkit.contracts.options import option


@frozen
class JsonlOptions:
    """The event log has no options."""


@frozen
class TensorboardOptions:
    """Where TensorBoard finds the run."""

    folder: str = option("folder below the run directory", "tensorboard")


@frozen
class ConsoleOptions:
    """How often something is shown."""

    seconds: Annotated[float, Gt(0)] = option(
        "off a terminal, seconds between two lines", 10.0, unit="seconds"
    )

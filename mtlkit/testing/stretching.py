"""Runs made n times as long, with every duration of a plugin's options made n times as long too."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress

STEPS, STEPS_PER_EPOCH = 400, 40
"""A run in which quarters of an epoch and halves of a percent are whole steps."""


def stretched(value: Any, times: int) -> Any:  # noqa: ANN401  options, or any part of them
    """A copy in which durations in steps are `times` as long; epochs and percents stretch with the run."""
    if isinstance(value, Duration):
        return Duration(value.amount * times, "st") if value.unit == "st" else value
    if isinstance(value, tuple | list):
        return type(value)(stretched(each, times) for each in value)
    if isinstance(value, Mapping):
        return {name: stretched(each, times) for name, each in value.items()}
    if not isinstance(value, type) and attrs.has(type(value)):
        fields = [each for each in attrs.fields(type(value)) if each.init]
        return attrs.evolve(
            value, **{str(each.alias): stretched(getattr(value, each.name), times) for each in fields}
        )
    return value


def exact(value: Any) -> bool:  # noqa: ANN401  options, or any part of them
    """Whether every duration is a whole number of steps of the run above, so that nothing is rounded."""
    return all(_whole(each) for each in _durations(value))


def moment(step: int, times: int = 1) -> Progress:
    """A moment of the run above, or of the one `times` as long."""
    return Progress(step, STEPS * times, STEPS_PER_EPOCH * times)


def _durations(value: Any) -> Iterator[Duration]:  # noqa: ANN401  as above
    if isinstance(value, Duration):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _durations(each)
    elif isinstance(value, Mapping):
        yield from _durations(list(value.values()))
    elif not isinstance(value, type) and attrs.has(type(value)):
        yield from _durations([getattr(value, each.name) for each in attrs.fields(type(value))])


def _whole(duration: Duration) -> bool:
    scale = {"ep": STEPS_PER_EPOCH, "st": 1, "%": STEPS / 100}[duration.unit]
    return float(duration.amount * scale).is_integer()

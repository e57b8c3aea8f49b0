"""Runs made n times as long, with every duration of a plugin's options made n times as long too."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import UNIT
from mtlkit.contracts.progress import Progress

STEPS, STEPS_PER_EPOCH = 400, 40
"""A run in which quarters of an epoch and halves of a percent are whole steps."""
FEW = 4
SCALES = {"ep": STEPS_PER_EPOCH, "st": 1, "%": STEPS / 100}


def stretched(value: Any, times: int) -> Any:  # noqa: ANN401  options, or any part of them
    """A copy in which durations in steps are `times` as long; epochs and percents stretch with the run.

    An option of whole numbers with `unit="steps"` counts as a duration in steps.
    """

    def longer(duration: Duration) -> Duration:
        return Duration(duration.amount * times, "st") if duration.unit == "st" else duration

    return _changed(value, longer)


def nudged(value: Any, steps: int) -> Any:  # noqa: ANN401  options, or any part of them
    """A copy in which every duration is so many steps of the run above longer, each in its own unit."""

    def longer(duration: Duration) -> Duration:
        return Duration(max(0.0, duration.amount + steps / SCALES[duration.unit]), duration.unit)

    return _changed(value, longer)


def exact(value: Any) -> bool:  # noqa: ANN401  options, or any part of them
    """Whether every duration is a whole number of steps of the run above, so that nothing is rounded."""
    return all(_steps(each).is_integer() for each in durations_in(value))


def long_enough(value: Any) -> bool:  # noqa: ANN401  options, or any part of them
    """Whether every duration is so long that one step of the run above more or less makes little."""
    return all(_steps(each) >= FEW for each in durations_in(value))


def moment(step: int, times: int = 1) -> Progress:
    """A moment of the run above, or of the one `times` as long."""
    return Progress(step, STEPS * times, STEPS_PER_EPOCH * times)


def durations_in(value: Any) -> Iterator[Duration]:  # noqa: ANN401  options, or any part of them
    """Every duration among the options, numbers of steps included."""
    if isinstance(value, Duration):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from durations_in(each)
    elif isinstance(value, Mapping):
        yield from durations_in(list(value.values()))
    elif _has_fields(value):
        for field in _fields(value):
            inner = getattr(value, field.name)
            yield from durations_in(Duration(inner, "st") if _counts_steps(value, field) else inner)


def _changed(value: Any, change: Callable[[Duration], Duration]) -> Any:  # noqa: ANN401  as above
    if isinstance(value, Duration):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)(_changed(each, change) for each in value)
    if isinstance(value, Mapping):
        return {name: _changed(each, change) for name, each in value.items()}
    if not _has_fields(value):
        return value
    inner = {}
    for each in (field for field in _fields(value) if field.init):
        now = getattr(value, each.name)
        counts = _counts_steps(value, each)
        inner[str(each.alias)] = int(change(Duration(now, "st")).amount) if counts else _changed(now, change)
    return attrs.evolve(value, **inner)


def _has_fields(value: object) -> bool:
    return not isinstance(value, type) and attrs.has(type(value))


def _fields(value: Any) -> "tuple[attrs.Attribute[Any], ...]":  # noqa: ANN401  an object of an attrs class
    found: tuple[attrs.Attribute[Any], ...] = attrs.fields(type(value))
    return found


def _counts_steps(value: object, field: "attrs.Attribute[Any]") -> bool:
    return field.metadata.get(UNIT) == "steps" and type(getattr(value, field.name)) is int


def _steps(duration: Duration) -> float:
    return float(duration.amount * SCALES[duration.unit])

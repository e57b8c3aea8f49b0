"""What policies that are made of others share: phases of several as one, and what all of them tell."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import evolve

from mtlkit.contracts.freeze import Chosen
from mtlkit.contracts.progress import Progress

BAR = " | "


def joined(phases: Sequence[int | str]) -> int | str:
    """The phases of several policies as one: 0 where all are 0, else as `0 | probe`."""
    return 0 if set(phases) == {0} else BAR.join(map(written, phases))


def parted(phase: int | str, count: int) -> tuple[int | str, ...]:
    """The inverse of `joined`, for so many policies."""
    return (0,) * count if phase == 0 else tuple(map(read, str(phase).split(BAR)))


def written(phase: int | str) -> str:
    """The phase as text that `read` tells from a number; a name that could be mistaken is quoted."""
    if isinstance(phase, int):
        return str(phase)
    plain = phase and "|" not in phase and '"' not in phase and not phase.lstrip("-").isdigit()
    return phase if plain else json.dumps(phase).replace("|", "\\u007c")


def read(text: str) -> int | str:
    """The inverse of `written`."""
    if text.startswith('"'):
        name: str = json.loads(text)
        return name
    return int(text) if text.lstrip("-").isdigit() else text


def told(policies: Iterable[Chosen], what: Callable[[Any], Iterable[Any]]) -> tuple[Any, ...]:
    """What all of the policies tell, each once."""
    return tuple(dict.fromkeys(each for chosen in policies for each in what(chosen.policy)))


def since(progress: Progress, start: int) -> Progress:
    """The moment as if step `start` were the first: what was measured before has a step below 0.

    The length of the run is the same, so that a percent of it stays what it is.
    """
    log = tuple(evolve(entry, step=entry.step - start) for entry in progress.metrics)
    return Progress(progress.step - start, progress.total, progress.steps_per_epoch, log)

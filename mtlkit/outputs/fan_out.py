"""Events to trackers: one that fails is reported and dropped, one that can't write only reported."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from mtlkit.contracts.events import Event, StepDone, Warned
from mtlkit.contracts.tracker import Tracker


def fan_out(events: Iterable[Event], trackers: dict[str, Tracker], every: int = 1) -> Iterator[Event]:
    """Hand events to every tracker and pass them on; closes all trackers at the end.

    Of the steps, trackers hear of each `every`-th; of everything else they hear all.
    """
    alive = dict(trackers)
    silent: set[str] = set()
    try:
        for event in events:
            told = not isinstance(event, StepDone) or event.step % every == 0
            warnings = _deliver(event, alive, silent) if told else []
            yield event
            for warning in warnings:
                _deliver(warning, alive, silent)
                yield warning
    finally:
        for tracker in alive.values():
            with suppress(Exception, SystemExit):  # what it had to say is said
                tracker.close()


def _deliver(event: Event, alive: dict[str, Tracker], silent: set[str]) -> list[Warned]:
    """What there is to warn of; a tracker that could not write is told all the same, and warned of once."""
    warnings = []
    for name, tracker in list(alive.items()):
        try:
            tracker.receive(event)
        except OSError as error:
            if name not in silent:
                silent.add(name)
                warnings.append(
                    Warned(f"tracker {name!r} can't write, and misses events until it can: {error}")
                )
        except (Exception, SystemExit) as error:  # noqa: BLE001  a tracker is foreign and may not stop the run
            del alive[name]
            with suppress(Exception, SystemExit):
                tracker.close()
            warnings.append(
                Warned(f"tracker {name!r} failed and was dropped: {type(error).__name__}: {error}")
            )
    return warnings

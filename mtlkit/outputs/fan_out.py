"""Events to trackers: a tracker that fails is reported and dropped, the run goes on."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from mtlkit.contracts.events import Event, StepDone, Warned
from mtlkit.contracts.tracker import Tracker


def fan_out(events: Iterable[Event], trackers: dict[str, Tracker], every: int = 1) -> Iterator[Event]:
    """Hand events to every tracker and pass them on; closes all trackers at the end.

    Of the steps, trackers hear of each `every`-th; of everything else they hear all.
    """
    alive = dict(trackers)
    try:
        for event in events:
            told = not isinstance(event, StepDone) or event.step % every == 0
            warnings = _deliver(event, alive) if told else []
            yield event
            for warning in warnings:
                _deliver(warning, alive)
                yield warning
    finally:
        for tracker in alive.values():
            with suppress(Exception, SystemExit):  # what it had to say is said
                tracker.close()


def _deliver(event: Event, alive: dict[str, Tracker]) -> list[Warned]:
    warnings = []
    for name, tracker in list(alive.items()):
        try:
            tracker.receive(event)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a tracker is foreign and may not stop the run
            del alive[name]
            warnings.append(
                Warned(f"tracker {name!r} failed and was dropped: {type(error).__name__}: {error}")
            )
    return warnings

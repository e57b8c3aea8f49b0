"""Events to trackers: a tracker that fails is reported and dropped, the run goes on."""

from collections.abc import Iterable, Iterator

from mtlkit.contracts.events import Event, Warned
from mtlkit.contracts.tracker import Tracker


def fan_out(events: Iterable[Event], trackers: dict[str, Tracker]) -> Iterator[Event]:
    """Hand every event to every tracker and pass it on; closes all trackers at the end."""
    alive = dict(trackers)
    try:
        for event in events:
            warnings = _deliver(event, alive)
            yield event
            for warning in warnings:
                _deliver(warning, alive)
                yield warning
    finally:
        for tracker in alive.values():
            tracker.close()


def _deliver(event: Event, alive: dict[str, Tracker]) -> list[Warned]:
    warnings = []
    for name, tracker in list(alive.items()):
        try:
            tracker.receive(event)
        except Exception as error:  # noqa: BLE001  a tracker is foreign code and must not stop the run
            del alive[name]
            warnings.append(
                Warned(f"tracker {name!r} failed and was dropped: {type(error).__name__}: {error}")
            )
    return warnings

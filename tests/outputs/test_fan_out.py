"""Events reach every tracker; one that fails is reported to the others and dropped."""

import pytest
from attrs import define, field

from mtlkit.contracts.events import RunEnded, RunStarted, Warned
from mtlkit.outputs.fan_out import fan_out

EVENTS = [RunStarted("a", 2, ("t",)), Warned("w"), RunEnded(2)]


@define
class Keeping:
    fails_at: object = None
    seen: list = field(factory=list)
    closed: int = 0

    def receive(self, event):
        if event == self.fails_at:
            raise RuntimeError("disk full")
        self.seen.append(event)

    def close(self):
        self.closed += 1


def test_all_events_to_all_trackers():
    one, two = Keeping(), Keeping()
    assert list(fan_out(EVENTS, {"one": one, "two": two})) == EVENTS
    assert one.seen == two.seen == EVENTS
    assert (one.closed, two.closed) == (1, 1)


@pytest.mark.parametrize("at", range(3))
def test_a_failing_tracker_is_dropped_and_reported(at):
    whole, failing = Keeping(), Keeping(fails_at=EVENTS[at])
    warning = Warned("tracker 'failing' failed and was dropped: RuntimeError: disk full")
    expected = [*EVENTS[: at + 1], warning, *EVENTS[at + 1 :]]
    assert list(fan_out(EVENTS, {"failing": failing, "whole": whole})) == expected
    assert whole.seen == expected
    assert failing.seen == EVENTS[:at]
    assert whole.closed == 1


def test_trackers_are_closed_when_the_run_fails():
    def failing():
        yield EVENTS[0]
        raise ValueError("stop")

    tracker = Keeping()
    with pytest.raises(ValueError, match="stop"):
        list(fan_out(failing(), {"one": tracker}))
    assert tracker.closed == 1

"""A run from its session to the end of its events: directory, lock, trackers, and where it goes on."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from pathlib import Path
from shlex import quote

from attrs import evolve, frozen

from mtlkit.contracts.events import Event, Stopped
from mtlkit.engine.head_facts import facts_of, write_facts
from mtlkit.engine.loop import train
from mtlkit.engine.resuming import Start, admitted, find, fresh
from mtlkit.engine.session import Preview, Session, open_session
from mtlkit.engine.stopping import Stop
from mtlkit.errors import StoppedError
from mtlkit.outputs.event_log import collected, go_back, saved_last, synced
from mtlkit.outputs.fan_out import fan_out
from mtlkit.outputs.plan_json import plan_json
from mtlkit.outputs.result import Collector
from mtlkit.outputs.run_directory import CHECKPOINTS, create, resumed
from mtlkit.outputs.run_lock import check_no_links, locked
from mtlkit.outputs.trackers import open_trackers
from mtlkit.plan.changes import Leave


@frozen
class Audience:
    """Who hears of a run, and who may stop it."""

    console: bool = False
    on_event: Callable[[Event], None] | None = None
    stop: Stop | None = None

    def held(self) -> AbstractContextManager[None]:
        """A stretch in which a stop waits for the loop to look."""
        return self.stop.held() if self.stop else nullcontext()


def begin(prepared: Preview, out: Path, audience: Audience) -> tuple[Path, Collector]:
    """A new run below `out`: its directory, and what its events told."""
    session = open_session(prepared)
    with audience.held():
        run_dir = create(prepared.plan, out, _plan_json(prepared))
        with locked(run_dir):
            return run_dir, _follow(session, fresh(session), run_dir, audience)


def go_on(prepared: Preview, run_dir: Path, audience: Audience, leave: Leave) -> Collector:
    """A run that goes on in its directory: what its events told, from the first."""
    session = open_session(prepared)
    check_no_links(run_dir)
    with audience.held(), locked(run_dir):
        start = admitted(session, find(run_dir / CHECKPOINTS, leave, saved_last(run_dir)), leave)
        step = start.snapshot.step if start.snapshot else 0
        told = start.snapshot.standing.told if start.snapshot else 0
        start = evolve(start, log=go_back(run_dir, step, told))
        entry = {"step": step, "warnings": list(start.warnings)}
        resumed(run_dir, prepared.plan, _plan_json(prepared), entry)
        return _follow(session, start, run_dir, audience)


def _follow(session: Session, start: Start, run_dir: Path, audience: Audience) -> Collector:
    """Train, and hand every event to whoever wants it."""
    write_facts(facts_of(session.plan, session.built, session.data), run_dir)
    collector = collected(run_dir)
    trackers = open_trackers(session.plan, run_dir, console=audience.console)
    line = session.timeline
    every = max(1, session.plan.log_every.steps(line.total, line.steps_per_epoch))
    course = train(session, run_dir / CHECKPOINTS, start, audience.stop, partial(synced, run_dir))
    with closing(session.encoder.store), closing(course) as events:
        for event in fan_out(events, trackers, every):
            collector.receive(event)
            if audience.on_event is not None:
                audience.on_event(event)
    if collector.stopped is not None:
        raise _stopped(collector.stopped, run_dir, audience.stop)
    return collector


def _stopped(event: Stopped, run_dir: Path, stop: Stop | None) -> StoppedError:
    saved = f" and saved in {run_dir / event.path}" if event.path else ""
    return StoppedError(
        f"stopped after {event.step} steps{saved}",
        f"go on with: mtlkit resume {quote(str(run_dir))}",
        stop.asked if stop else 0,
    )


def _plan_json(prepared: Preview) -> str:
    return plan_json(prepared.timeline, prepared.moments, prepared.phases, prepared.guards)

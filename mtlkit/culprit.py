"""Whose code a process is in: the plugin that an error came out of, or that is waited for.

Calls into plugins whose failures are told with more, such as the task, are blamed where they are made
(`errors.blaming`); this finds all others, by the modules that frames are of.
"""

import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from attrs import frozen

from mtlkit.errors import CHECK, MtlkitError, PluginError, is_memory
from mtlkit.plan.model import Part

OURS = "mtlkit"


@frozen
class Place:
    """A line of a plugin's code, and the call that led into it."""

    part: Part
    call: str
    file: str
    line: int

    def __str__(self) -> str:
        plugin = f"{self.part.kind} {self.part.name!r} of {self.part.distribution}"
        return f"{plugin} in {self.call} ({self.file}, line {self.line})"


def blamed(error: BaseException, parts: Sequence[Part]) -> PluginError | None:
    """The error that names the stranger's plugin another came out of; None where it came out of none."""
    if isinstance(error, MtlkitError) or is_memory(error):
        return None
    if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        return None
    place = found(list(_of_traceback(error.__traceback__)), parts)
    if place is None:
        return None
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return PluginError(f"{place} failed: {told}", CHECK)


def at_work(thread: int, parts: Sequence[Part]) -> str:
    """Where a thread is now: in which plugin of strangers, else in which function of ours."""
    frame = sys._current_frames().get(thread)
    frames = list(_of_stack(frame))[::-1]
    place = found(frames, parts)
    if place is not None:
        return str(place)
    ours = [each for each, _ in frames if _root(each) == OURS]
    if not ours:
        return "outside of mtlkit"
    return f"{ours[-1].f_code.co_name} ({ours[-1].f_globals.get('__name__')}, line {ours[-1].f_lineno})"


def found(frames: Sequence[tuple[FrameType, int]], parts: Sequence[Part]) -> Place | None:
    """The first plugin of strangers that frames, outermost first, come through; the last of its lines."""
    strangers = {module: part for part in reversed(parts) for module in _modules(part)}
    entry: FrameType | None = None
    place: Place | None = None
    for frame, line in frames:
        module = str(frame.f_globals.get("__name__", ""))
        if entry is None:
            part = strangers.get(module) or _of_root(strangers, _root(frame))
            if part is None:
                continue
            entry, owner = frame, part
        elif _root(frame) != _root(entry):
            continue
        place = Place(owner, entry.f_code.co_name, Path(frame.f_code.co_filename).name, line)
    return place


def _of_root(strangers: dict[str, Part], root: str) -> Part | None:
    return next((part for module, part in strangers.items() if module.partition(".")[0] == root), None)


def _modules(part: Part) -> Iterator[str]:
    """The modules of a plugin that is not ours."""
    target = part.build if isinstance(part.build, str) else getattr(part.build, "__module__", "")
    for module in (str(target).partition(":")[0], type(part.options).__module__):
        if module and module.partition(".")[0] not in (OURS, "builtins"):
            yield module


def _root(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _of_traceback(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _of_stack(frame: FrameType | None) -> Iterator[tuple[FrameType, int]]:
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back

"""Where time goes: spans that the engine marks, recorded while somebody asks for them.

Without a recorder a span is nothing: `span` gives a context that does nothing. With one, every moment of the
recording belongs to exactly one name, so the sums are the whole time: to that of the innermost open span, or
of the outermost one that is a `whole`, such as an evaluation, whatever runs inside it. What is computed to be
stored is `stem` to its end.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from attrs import define, field, frozen

Clock = Callable[[], float]
REST = "rest"
STEM, TAIL = "stem", "tail"
WHOLE = frozenset({"start", "evaluation", "saving"})
MOST_KEPT = 200_000

P = ParamSpec("P")
R = TypeVar("R")


@frozen
class Span:
    """A stretch of time with a name, in seconds of the recording."""

    name: str
    start: float
    end: float


@define(eq=False)
class Recorder:
    """The time of each name so far, and the spans, the first 200,000 of them; `clock` gives seconds."""

    clock: Clock
    begun: float = field(init=False)
    sums: dict[str, float] = field(factory=dict, init=False)
    spans: list[Span] = field(factory=list, init=False)
    _open: list[str] = field(factory=list, init=False)
    _last: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.begun = self._last = self.clock()

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """A span of that name, as long as the block."""
        start = self.count()
        if name == TAIL and STEM in self._open:  # all of the backbone is frozen, up to its end
            name = STEM
        self._open.append(name)
        try:
            yield
        finally:
            end = self.count()
            self._open.pop()
            if len(self.spans) < MOST_KEPT:
                self.spans.append(Span(name, start - self.begun, end - self.begun))

    def count(self) -> float:
        """Add the time since the last count to whom it belongs; the time now."""
        now = self.clock()
        owner = next((name for name in self._open if name in WHOLE), self._open[-1] if self._open else REST)
        self.sums[owner] = self.sums.get(owner, 0.0) + now - self._last
        self._last = now
        return now


_NOTHING = nullcontext()
_RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording(clock: Clock) -> Iterator[Recorder]:
    """Record the spans of what runs inside the block, in this thread."""
    recorder = Recorder(clock)
    token = _RECORDER.set(recorder)
    try:
        yield recorder
    finally:
        recorder.count()
        _RECORDER.reset(token)


def span(name: str) -> AbstractContextManager[None]:
    """A span of that name where somebody records."""
    recorder = _RECORDER.get()
    return _NOTHING if recorder is None else recorder.span(name)


def spanned(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function each of whose calls is a span."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return function(*args, **kwargs)

        return called

    return decorated

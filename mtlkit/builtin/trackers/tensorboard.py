"""TensorBoard: losses, rates, gradient norm and metrics as scalars, written live.

TensorBoard's own writer has a thread, which costs a step of a small head more than the step itself. A record
is written here as it comes.
"""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlkit.builtin.trackers.appending import Appended
from mtlkit.builtin.trackers.options import TensorboardOptions
from mtlkit.contracts.events import Evaluated, Event, Resumed, StepDone

VERSION = "brain.Event:2"


class TensorboardTracker:
    """One scalar per task's loss, group's rate and metric."""

    def __init__(self, options: TensorboardOptions, run_dir: Path) -> None:
        self._folder = run_dir / options.folder
        self._open()

    def receive(self, event: Event) -> None:
        """Write what the event measures; other events are of no interest here.

        Raises:
            OSError: when it can't be written; the tracker goes on.
        """
        if isinstance(event, StepDone):
            named = {
                **{f"loss/{task}": loss for task, loss in event.losses.items()},
                **{f"penalty/{name}": value for name, value in event.penalties.items()},
                **{f"rate/{group}": rate for group, rate in event.rates.items()},
                "gradient norm": event.grad_norm,
            }
        elif isinstance(event, Evaluated):
            named = {f"{event.split}/{name}": value for name, value in event.metrics.items()}
        elif isinstance(event, Resumed):
            self._go_on(event.step)
            return
        else:
            return
        self._write(named, event.step)

    def _write(self, named: Mapping[str, float], step: int) -> None:
        """All of a step in one record: a record for each is more work than a step of a small head."""
        from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

        values = [Summary.Value(tag=name, simple_value=value) for name, value in named.items()]
        self._tell(step=step, summary=Summary(value=values))

    def _go_on(self, step: int) -> None:
        """A file of its own, which makes readers forget the steps that are told again."""
        from tensorboard.compat.proto.event_pb2 import SessionLog  # type: ignore[import-untyped]

        self._file.close()
        self._open()
        self._tell(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def _open(self) -> None:
        """A new file, named as TensorBoard names them; readers take them in the order of their names."""
        from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

        self._folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in self._folder.glob("events.out.tfevents.*"))
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{number}"
        self._file = Appended(self._folder / name)
        self._records = RecordWriter(self._file)
        self._tell(file_version=VERSION)

    def _tell(self, **told: Any) -> None:  # noqa: ANN401  the fields of TensorBoard's event
        from tensorboard.compat.proto.event_pb2 import Event as Told

        self._records.write(Told(wall_time=time.time(), **told).SerializeToString())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

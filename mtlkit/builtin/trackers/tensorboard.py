"""TensorBoard: losses, rates, gradient norm and metrics as scalars, written live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlkit.builtin.trackers.options import TensorboardOptions
from mtlkit.contracts.events import Evaluated, Event, Resumed, StepDone


class TensorboardTracker:
    """One scalar per task's loss, group's rate and metric."""

    def __init__(self, options: TensorboardOptions, run_dir: Path) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._folder = str(run_dir / options.folder)
        self._writer = SummaryWriter(self._folder)

    def receive(self, event: Event) -> None:
        """Write what the event measures; other events are of no interest here."""
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
        file: Any = self._writer.file_writer  # torch declares it as what it is before it is opened
        file.add_summary(Summary(value=values), step)

    def _go_on(self, step: int) -> None:
        """A file of its own, which makes readers forget the steps that are told again."""
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer.close()
        self._writer = SummaryWriter(self._folder, purge_step=step + 1)

    def close(self) -> None:
        """Flush and close the files."""
        self._writer.close()

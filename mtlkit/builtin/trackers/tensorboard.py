"""TensorBoard: losses, rates, gradient norm and metrics as scalars, written live."""

from pathlib import Path

from mtlkit.builtin.trackers.options import TensorboardOptions
from mtlkit.contracts.events import Evaluated, Event, StepDone


class TensorboardTracker:
    """One scalar per task's loss, group's rate and metric."""

    def __init__(self, options: TensorboardOptions, run_dir: Path) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(run_dir / options.folder))

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
        else:
            return
        for name, value in named.items():
            self._writer.add_scalar(name, value, event.step)

    def close(self) -> None:
        """Flush and close the files."""
        self._writer.close()

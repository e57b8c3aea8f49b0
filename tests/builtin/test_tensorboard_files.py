"""TensorBoard reads what the tracker wrote, while the run goes on, after it was resumed, after a full disk."""

import errno

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from mtlkit.builtin.trackers.options import TensorboardOptions
from mtlkit.builtin.trackers.tensorboard import TensorboardTracker
from mtlkit.contracts.events import Evaluated, Resumed, RunStarted, StepDone


def step(number):
    return StepDone(
        number, number / 10, {"a": float(number)}, {"heads": 0.5}, 2.0, {"rows": 8}, {"l2-sp": 0.25}
    )


def read(folder):
    """Every scalar by tag, as TensorBoard shows it."""
    found = EventAccumulator(str(folder)).Reload()
    return {tag: [(each.step, each.value) for each in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


@pytest.fixture
def tracker(tmp_path):
    made = TensorboardTracker(TensorboardOptions(), tmp_path)
    yield made
    made.close()


def test_every_scalar_is_there_as_soon_as_it_is_told(tracker, tmp_path):
    tracker.receive(RunStarted("a", 2, ("a",)))
    for number in range(1, 4):
        tracker.receive(step(number))
    tracker.receive(Evaluated(3, "test", "final", {"a/accuracy": 0.75}))
    assert read(tmp_path / "tensorboard") == {
        "loss/a": [(1, 1.0), (2, 2.0), (3, 3.0)],
        "rate/heads": [(at, 0.5) for at in (1, 2, 3)],
        "penalty/l2-sp": [(at, 0.25) for at in (1, 2, 3)],
        "gradient norm": [(at, 2.0) for at in (1, 2, 3)],
        "test/a/accuracy": [(3, 0.75)],
    }


def test_a_step_is_one_record(tracker, tmp_path):
    tracker.receive(step(1))
    (file,) = (tmp_path / "tensorboard").iterdir()
    version, told = EventFileLoader(str(file)).Load()
    assert version.file_version == "brain.Event:2"
    assert len(told.summary.value) == 4


def test_what_is_told_again_after_a_resume_counts_once(tracker, tmp_path):
    for number in (1, 2, 3):
        tracker.receive(step(number))
    tracker.close()
    again = TensorboardTracker(TensorboardOptions(), tmp_path)
    again.receive(Resumed(1, 3, "checkpoints/step-00000001", ()))
    again.receive(step(2))
    again.close()
    assert read(tmp_path / "tensorboard")["loss/a"] == [(1, 1.0), (2, 2.0)]


@pytest.mark.parametrize("taken", [0, 7])
def test_a_record_without_room_leaves_nothing_behind(tracker, tmp_path, taken):
    file = tracker._file._file

    class Full:
        def write(self, content):
            if len(content) > taken > 0:
                return file.write(content[:taken])
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(file, name)

    tracker.receive(step(1))
    tracker._file._file = Full()
    with pytest.raises(OSError, match="No space left"):
        tracker.receive(step(2))
    tracker._file._file = file
    tracker.receive(step(3))
    assert read(tmp_path / "tensorboard")["loss/a"] == [(1, 1.0), (3, 3.0)]

"""The power fails after any operation of the writer: the checkpoint before or the new one is whole."""

import shutil

import pytest
from power import DRAWS, Operation, after_power_cut, drawing, recorded, replayed
from test_writer import check_snapshot, snapshot

from mtlkit.engine.checkpoint import newest
from mtlkit.engine.writing import Saver, sweep, write
from mtlkit.whole_file import write_whole

SAVES = (1, 2, 3, 3, 4)


def saves(folder):
    """Write checkpoints, one of them twice, as after a resume, and delete old ones; marks are what is announced."""

    def work(mark):
        for step in SAVES:
            write(snapshot(step), folder)
            mark(step)

    return work


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    with pytest.MonkeyPatch.context() as patched:
        return recorded(patched, folder, saves(folder))


def test_the_record_has_everything(operations, tmp_path):
    """Replayed with nothing lost, it is the folder that the writer left."""
    write_all = saves(tmp_path / "real")
    write_all(lambda _: None)
    root = replayed(operations)
    found = {name: sorted(node.names) for name, node in root.names.items()}
    assert found == {
        path.name: sorted(each.name for each in path.iterdir()) for path in (tmp_path / "real").iterdir()
    }
    for name, node in root.names.items():
        for each, file in node.names.items():
            assert file.content == (tmp_path / "real" / name / each).read_bytes()
    assert len(operations) > 80


@pytest.mark.parametrize("draw", DRAWS)
def test_at_every_moment(operations, tmp_path, draw):
    check_every_moment(operations, tmp_path, draw)


def check_every_moment(operations, tmp_path, how):
    """No damaged checkpoint, and one that is no older than the newest that was announced."""
    announced, draw = 0, drawing(how)
    for count in range(len(operations) + 1):
        if count and operations[count - 1].kind == "mark":
            announced = int(operations[count - 1].place)
        after_power_cut(replayed(operations[:count]), tmp_path / "disk", draw)
        sweep(tmp_path / "disk")
        whole, damaged = newest(tmp_path / "disk")
        assert (count, damaged) == (count, [])
        assert (whole is not None) or not announced
        if whole is not None:
            step = int(whole.name.removeprefix("step-"))
            assert step >= announced
            check_snapshot(whole, step)
        shutil.rmtree(tmp_path / "disk")


@pytest.mark.parametrize("left_out", ["files", "the folder", "the folder above"])
def test_the_law_notices_a_sync_that_is_missing(operations, tmp_path, left_out):
    """Otherwise it would say nothing."""

    def is_left_out(each):
        parts = [] if each.place == "." else each.place.split("/")
        return (
            each.kind == "sync"
            and len(parts) == {"files": 2, "the folder": 1, "the folder above": 0}[left_out]
        )

    kept = [each for each in operations if not is_left_out(each)]

    def all_draws():
        for number, draw in enumerate(DRAWS):
            (tmp_path / str(number)).mkdir()
            check_every_moment(kept, tmp_path / str(number), draw)

    with pytest.raises(AssertionError):
        all_draws()


def test_a_whole_file_is_the_old_or_the_new_one(tmp_path, monkeypatch):
    folder = tmp_path / "real"
    folder.mkdir()

    def work(mark):
        for number in (1, 2):
            write_whole(folder / "recipe.toml", f"{number}")
            mark(number)

    operations = recorded(monkeypatch, folder, work)
    announced = 0
    for count in range(len(operations) + 1):
        if count and operations[count - 1].kind == "mark":
            announced = int(operations[count - 1].place)
        for number, draw in enumerate(map(drawing, DRAWS)):
            disk = tmp_path / f"{count}-{number}"
            after_power_cut(replayed(operations[:count]), disk, draw)
            content = (disk / "recipe.toml").read_text() if (disk / "recipe.toml").exists() else "0"
            assert int(content) >= announced


def test_a_saver_writes_in_the_background_what_the_writer_writes(tmp_path, monkeypatch):
    """The law above is about `write`; a run uses it through a saver, which adds no operation of its own."""

    def work(_):
        saver = Saver(tmp_path)
        saver.begin(snapshot(1))
        saver.wait()

    kinds = [each.kind for each in recorded(monkeypatch, tmp_path, work)]
    assert Operation("rename", "step-00000001.partial", "step-00000001").kind in kinds
    assert kinds.count("sync") == 6  # four files, their folder, and the one above

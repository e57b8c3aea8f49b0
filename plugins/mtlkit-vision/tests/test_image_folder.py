"""The source `image-folder`: rows, splits, fingerprint, and everything that would make a set shorter."""

import os
import shutil
from pathlib import Path
from random import Random

import mtlkit
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipes import run

from mtlkit_vision.image_folder import ImageFolderSource
from mtlkit_vision.options import ImageFolder
from mtlkit_vision.pictures import write_noise

FILES = ("cat/b.png", "cat/a.jpg", "dog/x.PNG", "dog/1.bmp", "dog/1.webp")
CELLS = [("a.jpg", "cat"), ("b.png", "cat"), ("1.bmp", "dog"), ("1.webp", "dog"), ("x.PNG", "dog")]


def write(root, names=FILES):
    rng = Random(0)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_noise(root / name, (6, 5), rng)
    return root


def source(root) -> ImageFolderSource:
    return ImageFolderSource(ImageFolder(mtlkit.Place(str(root))))


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "pets")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return source(write(tmp_path_factory.mktemp("opened")))


def refused(root, *words):
    """Every way into the source ends in the same data error."""
    ways = (lambda s: len(s), lambda s: s.rows([0]), lambda s: s.fingerprint())
    for way in ways:
        with pytest.raises(mtlkit.DataError) as caught:
            way(source(root))
        assert all(word in str(caught.value) for word in words), str(caught.value)


def test_rows_are_the_images_in_order_of_class_and_name(folder):
    found = source(folder)
    assert found.columns() == ("image", "label", "digest")
    assert len(found) == 5
    rows = found.rows(range(5))
    assert [(Path(row["image"]).name, row["label"]) for row in rows] == CELLS
    assert all(Path(row["image"]).is_absolute() for row in rows)
    assert all(tuple(row) == found.columns() for row in rows)
    assert len({row["digest"] for row in rows}) == 5


def test_top_folders_called_after_splits_are_splits(tmp_path):
    names = ("validation/dog/1.png", "test/cat/1.png", "train/cat/1.png", "train/dog/1.png")
    found = source(write(tmp_path / "x", names))
    assert found.columns() == ("image", "label", "digest", "split")
    cells = [(row["split"], row["label"]) for row in found.rows(range(4))]
    assert cells == [("train", "cat"), ("train", "dog"), ("validation", "dog"), ("test", "cat")]


@given(st.lists(st.integers(0, 4), max_size=12))
def test_access_is_random_and_rows_belong_to_the_taker(opened, numbers):
    rows = opened.rows(numbers)
    assert rows == [opened.rows([number])[0] for number in numbers]
    for row in rows:
        row["label"] = "changed"
    assert all(row["label"] in ("cat", "dog") for row in opened.rows(numbers))


@pytest.mark.parametrize("number", [-1, 5, 10**9])
def test_numbers_of_no_row_are_refused(opened, number):
    with pytest.raises(IndexError, match=f"row {number} of 5"):
        opened.rows([0, number])


def test_the_fingerprint_follows_the_content_and_nothing_else(folder, tmp_path):
    before = source(folder).fingerprint()
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    for file in copy.rglob("*.*"):
        os.utime(file, (1, 1))
    assert source(copy).fingerprint() == before
    used = source(copy)
    used.rows([3, 1])
    assert used.fingerprint() == before
    seen = {before}
    changes = [
        lambda: (copy / "cat/a.jpg").write_bytes((copy / "cat/a.jpg").read_bytes() + b"\0"),
        lambda: (copy / "cat/a.jpg").rename(copy / "cat/c.jpg"),
        lambda: (copy / "cat/c.jpg").rename(copy / "dog/c.jpg"),
        lambda: (copy / "dog/c.jpg").unlink(),
    ]
    for change in changes:
        change()
        seen.add(source(copy).fingerprint())
    assert len(seen) == 1 + len(changes)


def test_all_cells_but_the_path_are_the_same_elsewhere(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    cells = [
        [
            {column: cell for column, cell in row.items() if column != "image"}
            for row in source(root).rows(range(5))
        ]
        for root in (folder, copy)
    ]
    assert cells[0] == cells[1]


def test_hidden_files_and_other_files_beside_the_classes_are_no_part_of_the_data(folder):
    before = source(folder).fingerprint()
    for name in ("cat/.DS_Store", ".hidden/x", "README.md", "cat/._a.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    assert source(folder).fingerprint() == before
    assert len(source(folder)) == 5


@pytest.mark.parametrize("name", ["cat/notes.txt", "cat/a.gif", "cat/a", "cat/b.png.bak"])
def test_anything_else_in_a_class_folder_is_named(folder, name):
    (folder / name).write_text("x")
    refused(folder, str(folder / name), "is not an image", ".png")


def test_a_folder_in_a_class_folder_is_named(folder):
    (folder / "cat" / "deep.png").mkdir()
    refused(folder, "deep.png", "is a folder in a class folder")


def test_a_misnamed_split_is_explained(tmp_path):
    refused(write(tmp_path / "x", ("train/cat/1.png", "val/cat/1.png")), "'train'", "'val'", "validation")
    refused(write(tmp_path / "y", ("training/cat/1.png", "val/cat/1.png")), "is a folder", "validation")


def test_an_image_without_a_class_is_named(folder, tmp_path):
    shutil.copy(folder / "cat/b.png", folder / "stray.png")
    refused(folder, "stray.png", "outside of any class folder")
    refused(write(tmp_path / "x", ("train/1.png",)), "1.png", "outside of any class folder")


@pytest.mark.parametrize("empty", ["", "bird", "train"])
def test_empty_folders_are_named(tmp_path, empty):
    (tmp_path / "x" / empty).mkdir(parents=True)
    refused(tmp_path / "x", str(tmp_path / "x" / empty))


def test_links_inside_are_followed_and_links_out_are_refused(folder, tmp_path):
    write(tmp_path / "outside", ("1.png",))
    (folder / "cat" / "same.png").symlink_to(folder / "cat" / "b.png")
    assert len(source(folder)) == 6
    for name, target in (("cat/out.png", "1.png"), ("bird", "")):
        link = folder / name
        link.symlink_to(tmp_path / "outside" / target)
        refused(folder, str(link), "leads out of the folder")
        link.unlink()
    for target in ("gone.png", "loop.png"):
        link = folder / "cat" / "loop.png"
        link.symlink_to(folder / "cat" / target)
        refused(folder, str(link), "link to nothing")
        link.unlink()


def test_a_folder_reached_by_a_link_is_read(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert source(tmp_path / "link").fingerprint() == source(folder).fingerprint()


def test_a_damaged_image_is_named_and_still_counted(folder):
    damaged = folder / "dog/1.bmp"
    damaged.write_bytes(damaged.read_bytes()[:60])
    found = source(folder)
    assert len(found) == 5
    assert len(found.rows([0, 1, 3, 4])) == 4
    for _ in range(2):
        with pytest.raises(mtlkit.DataError, match=r"1\.bmp.*not an image that can be read"):
            found.rows(range(5))


def test_a_damaged_image_stops_a_run_before_it_starts(tmp_path):
    names = [f"{split}/{label}/{n}.png" for split in ("train", "test") for label in "ab" for n in range(3)]
    data = write(tmp_path / "data", names)
    (data / "test/b/2.png").write_bytes(b"")
    with pytest.raises(mtlkit.DataError, match=r"2\.png"):
        run(tmp_path, data, backbone='model = "tiny-vit"')
    assert not (tmp_path / "runs").exists()


def test_an_image_that_vanishes_is_named(folder):
    found = source(folder)
    assert len(found) == 5
    (folder / "dog/1.bmp").unlink()
    with pytest.raises(mtlkit.ResourceError, match=r"1\.bmp"):
        found.rows([2])


def test_places_that_are_no_folders_are_named(tmp_path, folder):
    for way in (lambda s: s.columns(), lambda s: len(s), lambda s: s.fingerprint()):
        with pytest.raises(mtlkit.ResourceError, match="does not exist"):
            way(source(tmp_path / "nowhere"))
        with pytest.raises(mtlkit.ResourceError, match="is not a folder"):
            way(source(folder / "cat/b.png"))


def test_columns_look_at_the_top_folder_alone(folder):
    (folder / "cat/notes.txt").write_text("x")
    assert source(folder).columns() == ("image", "label", "digest")


def test_the_sample_of_the_options_is_read(tmp_path):
    table = ImageFolder.sample(tmp_path)
    assert [row["label"] for row in source(table["path"]).rows(range(12))] == ["cat"] * 6 + ["dog"] * 6

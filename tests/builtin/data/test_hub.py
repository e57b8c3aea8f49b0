import datasets
import pytest

from mtlkit.builtin.data.hub import HubSource
from mtlkit.builtin.data.table_options import HubOptions
from mtlkit.errors import DataError, ResourceError

TRAIN = [{"text": "a", "label": 0}, {"text": "b", "label": 1}]
TEST = [{"text": "c", "label": -1}]


@pytest.fixture
def hub(monkeypatch):
    """Stands in for the hub; the list holds the arguments of each call."""
    calls = []
    splits = {"train": datasets.Dataset.from_list(TRAIN), "test": datasets.Dataset.from_list(TEST)}

    def load_dataset(path, name=None, *, split=None, revision=None):
        calls.append((path, name, split, revision, datasets.are_progress_bars_disabled()))
        return datasets.DatasetDict(splits) if split is None else [splits[one] for one in split]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls, splits


def test_all_splits_one_after_the_other(hub):
    calls, _ = hub
    read = HubSource(HubOptions("o/n", config="c", revision="r"))
    before = datasets.are_progress_bars_disabled()
    assert (read.columns(), len(read)) == (("text", "label", "split"), 3)
    every = [row | {"split": "train"} for row in TRAIN] + [row | {"split": "test"} for row in TEST]
    assert read.rows(range(3)) == every
    assert read.rows([2, 0, 2]) == [every[2], every[0], every[2]]
    taken = read.rows([0, 0])
    taken[0]["text"] = "changed"
    assert taken[1] == every[0] == read.rows([0])[0]
    assert calls == [("o/n", "c", None, "r", True)]
    assert datasets.are_progress_bars_disabled() == before


def test_some_splits(hub):
    calls, _ = hub
    read = HubSource(HubOptions("o/n", splits=("test",)))
    assert read.rows(range(len(read))) == [TEST[0] | {"split": "test"}]
    assert calls[0][2] == ["test"]


def test_the_fingerprint_is_of_the_rows(hub):
    _, splits = hub
    first = HubSource(HubOptions("o/n")).fingerprint()
    assert HubSource(HubOptions("mirror/n")).fingerprint() == first
    splits["test"] = datasets.Dataset.from_list([{"text": "c", "label": 0}])
    assert HubSource(HubOptions("o/n")).fingerprint() != first


def test_splits_with_other_columns_are_refused(hub):
    _, splits = hub
    splits["test"] = datasets.Dataset.from_list([{"text": "c"}])
    with pytest.raises(DataError) as caught:
        HubSource(HubOptions("o/n")).columns()
    assert str(caught.value) == "the splits of 'o/n' differ in their columns  read fewer: splits = [...]"
    splits["train"] = splits["test"] = datasets.Dataset.from_list([{"split": "c"}])
    with pytest.raises(DataError) as caught:
        HubSource(HubOptions("o/n")).columns()
    assert str(caught.value) == "'o/n' has a column named 'split', which is kept for the splits"


@pytest.mark.parametrize("error", [ConnectionError, FileNotFoundError, ValueError, RuntimeError])
def test_without_network_the_error_says_what_to_do(monkeypatch, error):
    def load_dataset(*_, **__):
        raise error("Couldn't reach 'o/n' on the Hub\nmore")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(ResourceError) as caught:
        HubSource(HubOptions("o/n")).columns()
    assert str(caught.value) == (
        "the hub data set 'o/n' can't be loaded: Couldn't reach 'o/n' on the Hub  "
        "check name, config, splits and revision; without a network it must have been fetched before, "
        "or use csv, jsonl or parquet with files of your own"
    )

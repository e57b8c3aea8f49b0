"""Pickled weights: refused by name, and made safe in a process of its own, or not at all."""

import os
import pickle

import pytest
import torch
from model_folders import write_model
from safetensors.torch import load_file, save_file

from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.cli.main import _code
from mtlkit.contracts.place import Place
from mtlkit.errors import ResourceError


class Payload:
    """What runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def test_weights_come_out_equal_and_the_model_loads(tmp_path):
    folder = write_model(tmp_path / "model", "bert")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    options = Transformer(path=Place(str(folder), folder.parent), max_length=12)
    with pytest.raises(ResourceError) as caught:
        TransformerBackbone(options, True)
    assert str(caught.value) == (
        f"the weights of {folder} are pickled, and a pickle can hold code to run  "
        f"make them safe with: mtlkit convert {folder}"
    )
    assert _code(["convert", str(folder)]) == 0
    safe = load_file(folder / "model.safetensors")
    assert {name: value.tolist() for name, value in safe.items()} == {
        name: value.tolist() for name, value in weights.items()
    }
    TransformerBackbone(options, True)
    assert _code(["convert", str(folder)]) == 2  # nothing is left to convert


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_payload_does_not_run_and_nothing_is_written(tmp_path, capsys, wrapped):
    marker = tmp_path / "marker"
    payload = {"weight": torch.ones(2), "x": Payload(marker)}
    file = tmp_path / "pytorch_model.bin"
    if wrapped:
        torch.save(payload, file)
    else:
        file.write_bytes(pickle.dumps(payload["x"]))
    assert _code(["convert", str(tmp_path)]) == 3
    reason = "it is no file of torch that holds tensors and nothing else"
    advice = "get the model's safetensors instead"
    assert capsys.readouterr().err == f"{file} can't be converted: {reason}  {advice}\n"
    assert not marker.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["pytorch_model.bin"]


def test_what_is_no_tensor_is_refused(tmp_path, capsys):
    torch.save({"weight": torch.ones(2), "epoch": 3}, tmp_path / "pytorch_model.bin")
    assert _code(["convert", str(tmp_path)]) == 3
    assert "'epoch' is a int, not a tensor" in capsys.readouterr().err


def test_the_written_bytes_are_those_of_the_library(tmp_path):
    from mtlkit.engine.tensor_file import write_tensors

    tensors = {
        "b": torch.arange(6).reshape(2, 3),
        "a": torch.randn(3, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(1.5),
        "flag": torch.tensor([True, False]),
    }
    write_tensors(tmp_path / "ours", tensors, {"format": "pt"})
    save_file(tensors, tmp_path / "theirs", {"format": "pt"})
    ours, theirs = load_file(tmp_path / "ours"), load_file(tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (tmp_path / "ours").stat().st_size == (tmp_path / "theirs").stat().st_size


def test_what_is_not_there_and_what_is_empty(tmp_path, capsys):
    (tmp_path / "old-bert").mkdir()
    for place, message in (
        (tmp_path / "old-brt", f"does not exist  did you mean {str(tmp_path / 'old-bert')!r}?"),
        (tmp_path / "no" / "x", "does not exist  name a folder with pytorch_model.bin, or the file"),
    ):
        assert _code(["convert", str(place)]) == 2
        assert capsys.readouterr().err == f"{str(place)!r} {message}\n"
    (tmp_path / "pytorch_model.bin").touch()
    assert _code(["convert", str(tmp_path)]) == 3
    assert "it is no file of torch that holds tensors and nothing else" in capsys.readouterr().err

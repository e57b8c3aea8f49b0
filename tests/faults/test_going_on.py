"""Going on with a run: the command that is told, and leave for keys that are none."""

import json
import shutil

import pytest
from engine_recipes import run_recipe, write_recipe

from mtlkit.api import resume
from mtlkit.cli.going_on import naming_plugins
from mtlkit.cli.main import _code
from mtlkit.errors import StoppedError


@pytest.mark.parametrize(
    ("files", "words"), [((), ""), (("a.py", "b c.py"), " --plugin a.py --plugin 'b c.py'")]
)
def test_the_command_names_plugin_files(files, words):
    with pytest.raises(StoppedError) as caught, naming_plugins(files):
        raise StoppedError("stopped after 3 steps", "go on with: mtlkit resume runs/x", 15)
    assert str(caught.value) == f"stopped after 3 steps  go on with: mtlkit resume runs/x{words}"
    assert caught.value.exit_code == 143


def test_a_stop_with_nothing_to_go_on_with_is_told_as_it_is():
    with pytest.raises(StoppedError) as caught, naming_plugins(["a.py"]):
        raise StoppedError("stopped before the first step", "nothing was saved; run the command again", 2)
    assert str(caught.value) == "stopped before the first step  nothing was saved; run the command again"


def test_leave_for_a_key_that_the_recipe_does_not_have(tmp_path, capsys):
    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    words = ["resume", str(result.run_dir), "--set", "training.length=3st"]
    assert _code([*words, "--allow", "training.lenght", "--allow", "zz"]) == 2
    told = capsys.readouterr().err.splitlines()[-2:]
    assert told == [
        "--allow training.lenght: the recipe has no such key  did you mean 'training.length'?",
        "--allow zz: the recipe has no such key  write it with its tables: training.length",
    ]


def test_a_run_that_has_ended_says_so_and_is_left_as_it_is(tmp_path, capsys):
    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    run_dir = result.run_dir
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run_dir.rglob("*") if path.is_file()
    }
    capsys.readouterr()
    assert _code(["resume", str(run_dir), "--allow", "training.length"]) == 0
    told = capsys.readouterr()
    assert told.err == "the run has ended: these are its results, and nothing was changed\n"
    assert "accuracy" in told.out
    assert _code(["resume", str(run_dir), "--allow", "training.lenght"]) == 2
    told = capsys.readouterr()
    wanted = "--allow training.lenght: the recipe has no such key  did you mean 'training.length'?\n"
    assert (told.out, told.err) == ("", wanted)
    after = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run_dir.rglob("*") if path.is_file()
    }
    assert after == before


def test_leave_for_no_key_of_a_run_without_a_checkpoint(tmp_path, capsys):
    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    log = result.run_dir / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:1]))
    shutil.rmtree(result.run_dir / "checkpoints")
    assert _code(["resume", str(result.run_dir), "--allow", "zz"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("--allow zz: the recipe has no such key")


def test_state_of_a_stranger_that_fits_its_manifest_is_an_error(tmp_path):
    """Deep nesting and wrong types in `state.json`, under a manifest that was made to fit."""
    import attrs

    from mtlkit.engine.checkpoint import manifest_digest, manifest_text, read, verify
    from mtlkit.engine.tensor_file import as_read
    from mtlkit.errors import ResourceError

    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    checkpoint = max((result.run_dir / "checkpoints").iterdir())
    whole = {name: (checkpoint / name).read_bytes() for name in ("state.json", "weights.safetensors")}
    header = b'{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4]}}'
    weights = len(header).to_bytes(8, "little") + header + b"\0\0\0\0"
    for name, content in (
        ("state.json", b"[" * 100_000),
        ("state.json", b"[]"),
        ("state.json", b'{"step": 2, "cursors": 3, "metrics": 4}'),
        ("weights.safetensors", weights),
        ("weights.safetensors", (2**63).to_bytes(8, "little")),
    ):
        for each, before in whole.items():
            (checkpoint / each).write_bytes(content if each == name else before)
        manifest = json.loads((checkpoint / "manifest.json").read_bytes())
        manifest.pop("sha256")
        manifest["files"] = {each: attrs.asdict(as_read(checkpoint / each)) for each in manifest["files"]}
        manifest["sha256"] = manifest_digest(manifest)
        (checkpoint / "manifest.json").write_bytes(manifest_text(manifest))
        assert verify(checkpoint) == []
        with pytest.raises(ResourceError, match=rf"^the checkpoint {checkpoint} can't be read: "):
            read(checkpoint)
        with pytest.raises(ResourceError):
            resume(result.run_dir, ["training.length=3st"])

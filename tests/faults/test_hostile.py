"""Data that would rather be code, or write elsewhere, or steer the terminal."""

import json
import os
import socket
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest
from engine_recipes import run_recipe, write_recipe

import mtlkit
from mtlkit.api import resume
from mtlkit.builtin.trackers.console import ConsoleTracker
from mtlkit.builtin.trackers.options import ConsoleOptions
from mtlkit.cli.main import _code
from mtlkit.cli.show import note, say, say_json
from mtlkit.contracts.events import Warned
from mtlkit.errors import RecipeError, ResourceError

STEERING = "a\x1b[2Jb\x9bc\u202ed\x07\r"


def test_nothing_that_is_shown_steers_the_terminal(tmp_path, capfd):
    tracker = ConsoleTracker(ConsoleOptions(), tmp_path)
    tracker.receive(Warned(STEERING))
    tracker.close()
    say(STEERING)
    note(STEERING)
    say_json({STEERING: STEERING})
    shown = capfd.readouterr()
    for text in (shown.out, shown.err):
        assert all(each.isprintable() or each == "\n" for each in text)
        assert "a" in text
    assert json.loads(shown.out[shown.out.index("{") :]) == {STEERING: STEERING}


LINKS = ["checkpoints", "resumes.jsonl", "events.jsonl.partial", ".lock", "recipe-until-2.toml"]


@pytest.mark.parametrize("name", LINKS)
def test_a_run_directory_with_a_link_is_not_written_to(tmp_path, name):
    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    victim = tmp_path / "victim"
    if name == "checkpoints":
        victim.mkdir()
    else:
        victim.write_text("mine")
    log = result.run_dir / "events.jsonl"
    log.write_bytes(log.read_bytes().rpartition(b"{")[0])
    place = result.run_dir / name
    if place.exists():
        place.rename(result.run_dir / "moved")
    place.symlink_to(victim)
    with pytest.raises(ResourceError, match="holds links"):
        resume(result.run_dir)
    assert (list(victim.iterdir()) if victim.is_dir() else victim.read_text()) in ([], "mine")


NAMES = [
    "..", "../up", "/abs", "a/b", "a\\b", "C:", "C:\\x", "nul\0", "\u2025", "\uff0e\uff0e", "~", "~root", "a\nb", "", " ", "-rf",
    "x" * 300, "%2e%2e", "..%2f", "....//", "$(id)", "`id`", "${HOME}", "{0.__class__}", "{{7*7}}", "__import__", "%(x)s", "a b", "é",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_leads_out_of_the_run_directory(tmp_path, name):
    recipe = write_recipe(tmp_path, more="")
    text, before = recipe.read_text(), sorted(tmp_path.rglob("*"))
    written = json.dumps(name)
    for old, new in (('name = "small"', f"name = {written}"), ("[tasks.sentiment]", f"[tasks.{written}]")):
        recipe.write_text(text.replace(old, new))
        with pytest.raises(RecipeError):
            mtlkit.load(recipe)
    assert sorted(tmp_path.rglob("*")) == before


CODE = [
    "os:system", "os.system", "builtins.eval", "mtlkit.builtin.heads:X", "__import__('os').system('touch marker')", "{{ x }}",
    "${oc.env:HOME}", "%(asctime)s", "{0.__class__.__mro__}", "../plugin.py", "/tmp/plugin.py", "plugin.py:HEAD", "torch.load", "lambda: 1",
]  # fmt: skip
PLACES = ["backbone", "optimizer", "lr", "sampler", "balancer", "data.reviews", "tasks.sentiment.head"]


@pytest.mark.parametrize("use", CODE)
def test_a_recipe_names_plugins_and_nothing_else(tmp_path, use):
    recipe = write_recipe(tmp_path, more="")
    for place in PLACES:
        with pytest.raises(RecipeError) as caught:
            mtlkit.load(recipe, [f"{place}.use={json.dumps(use)}"])
        assert any(problem.path.startswith(place) for problem in caught.value.problems)


WATCHED = """
import sys
used, written = [], []
def hook(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        used.append(event)
    if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pty.spawn"):
        used.append(event)
    if event == "open" and isinstance(arguments[0], str) and set("wax+") & set(str(arguments[1] or "")):
        written.append(arguments[0])
from mtlkit.cli.main import _code
sys.addaudithook(hook)
code = _code(sys.argv[1:])
elsewhere = [each for each in written if not each.startswith((sys.argv[-1], "/dev/"))]
print("WATCHED", code, used, elsewhere, file=sys.stderr)
"""


def test_a_run_opens_no_connection_starts_no_program_and_writes_nowhere_else(tmp_path):
    out = tmp_path / "out"
    secrets = {f"SECRET_{number}": f"hf_s3cr3t{number:04d}" for number in range(20)}
    kept = {**os.environ, **secrets, "MTLKIT_CACHE": str(out / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    asked = ["run", str(write_recipe(tmp_path, length="2st")), "--out", str(out)]
    words = [sys.executable, "-c", WATCHED, *asked]
    done = subprocess.run(
        words, env=kept, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip().splitlines()[-1] == "WATCHED 0 [] []"
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert [path for path in files if b"s3cr3t" in path.read_bytes()] == []
    assert "s3cr3t" not in done.stdout + done.stderr


def test_a_model_of_the_hub_is_not_fetched_offline(tmp_path, monkeypatch, capsys):
    from huggingface_hub import constants

    asked = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(socket.socket, "connect", lambda *words: asked.append(words))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **_: asked.append(words))
    overrides = ["--set", 'backbone={use="transformer", path="nobody/nothing"}']
    assert _code(["plan", str(write_recipe(tmp_path)), *overrides, "--offline"]) == 5
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert "nobody/nothing" in capsys.readouterr().err
    assert asked == []


class Payload:
    """What leaves a mark when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


ENDINGS = ["csv", "tsv", "jsonl", "json", "parquet", "arrow", "txt", "pkl", "pt", "bin", "npy", "conll", "conllu", "db", "safetensors"]  # fmt: skip
SOURCES = ["csv", "tsv", "jsonl", "parquet", "arrow", "conll", "conllu", "squad", "text-folder"]


def test_no_file_is_unpickled_whatever_its_name(tmp_path, capsys):
    import pickle

    marker = tmp_path / "marker"
    payload = pickle.dumps(Payload(marker))
    recipe = write_recipe(tmp_path, length="2st", more="")
    result, _ = run_recipe(recipe)
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (model / name).write_bytes(payload)
    files = [tmp_path / f"payload.{ending}" for ending in ENDINGS]
    for file in files:
        file.write_bytes(payload)
    asked = [["plan", recipe, "--set", f"backbone={{use='transformer', path='{model}'}}"]]
    for file, use in zip(files, cycle(SOURCES), strict=False):
        asked += [
            ["plan", recipe, "--set", f"data.reviews={{use='{use}', path='{file}'}}"],
            ["validate", file],
        ]
        asked += [["predict", result.run_dir, "--in", file, "--format", "jsonl"]]
    for path in [
        path for path in result.run_dir.rglob("*") if path.is_file() and path.parent.name != "tensorboard"
    ]:
        whole = path.read_bytes()
        path.write_bytes(payload)
        assert _code(["evaluate", str(result.run_dir)]) in (0, 2, 3, 5), path
        path.write_bytes(whole)
    for words in asked:
        assert _code([str(word) for word in words]) in (2, 3, 5), words
    assert "Traceback" not in capsys.readouterr().err
    assert not marker.exists()
    pickle.loads(payload)
    assert marker.is_dir()  # it would have left its mark

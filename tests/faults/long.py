"""What `make test-faults` runs: exact resume from every step of 60, under every policy and rate; random kills."""

import json
import os
import shutil
import signal
import time
from random import Random

import pytest
from children import die_after, ended
from engine_recipes import write_recipe
from policies import CURVE, FREEZE, LR, built_in, table
from test_plugins_that_fail import CALLS, WRONG, check_wrong_type
from twins import go_on_from, reference

import mtlkit
from mtlkit.api import preview, resume
from mtlkit.cli.main import _code
from mtlkit.cli.signals import leaving, stopping
from mtlkit.course import Audience, begin
from mtlkit.engine.checkpoint import verify
from mtlkit.errors import StoppedError
from mtlkit.proving import differences

PHASES = (
    '[freeze]\nuse = "phases"\nphases = [{ until = "20%", freeze = ["backbone"] }, '
    '{ until = "60%", freeze = ["heads"] }, { freeze = ["embeddings", "blocks[0]"] }]\n'
)

RATES = [
    *(table("lr", name, example, LR) for name, example in built_in("lr").items()),
    *(table("lr.curve", name, example, CURVE) for name, example in built_in("curve").items()),
]
POLICIES = [table("freeze", name, example, FREEZE) for name, example in built_in("freeze").items()]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("policy", POLICIES)
def test_from_every_step(tmp_path, policy, rate):
    run = reference(tmp_path, [policy, rate], length="60st", dropout=0.2)
    assert run.steps == 60
    for step in range(1, 61):
        go_on_from(run, step, tmp_path)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    overrides = ["training.checkpoint_every=5st", "training.evaluate_every=10st"]
    made = preview(mtlkit.plan(mtlkit.load(write_recipe(folder, length="60st", freeze=PHASES), overrides)))
    run_dir, told = begin(made, folder / "straight", Audience())
    return made, run_dir, told.ended.step


@pytest.mark.parametrize("number", range(60))
def test_killed_at_a_random_moment(tmp_path, straight, number):
    """A run that freezes, thaws and freezes again, killed at a moment nobody chose."""
    made, run_dir, steps = straight

    def work():
        die_after(0.02 + 1.5 * Random(number).random())
        begin(made, tmp_path, Audience())

    code = ended(work)
    runs = [path.parent for path in tmp_path.glob("*/*/recipe.toml")]
    if not runs:
        assert code == -signal.SIGALRM
        return
    resume(runs[0])
    assert list(differences(run_dir, runs[0], steps)) == []


@pytest.mark.parametrize("number", range(60))
def test_stopped_at_a_random_moment(tmp_path, straight, number):
    """A signal at a moment nobody chose; two seconds later nothing of the process is left, and nothing is lost."""
    made, run_dir, steps = straight
    draw = Random(number)
    chosen = draw.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])

    def work():
        try:
            with leaving(), stopping() as stop:
                signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), chosen))
                signal.setitimer(signal.ITIMER_REAL, 0.02 + 1.2 * draw.random())
                begin(made, tmp_path, Audience(stop=stop))
                signal.setitimer(signal.ITIMER_REAL, 0)
        except StoppedError as error:
            return error.exit_code

    began = time.monotonic()
    code = ended(work)
    assert code in (0, 128 + chosen)
    assert time.monotonic() - began < 1.3 + 2
    runs = [path.parent for path in tmp_path.glob("*/*/recipe.toml")]
    if runs:
        resume(runs[0])
        assert list(differences(run_dir, runs[0], steps)) == []


@pytest.mark.parametrize("number", range(100))
def test_a_hundred_flipped_bits(tmp_path, straight, number):
    """Ten thousand in all, in every file of a checkpoint of a real run: each is named."""
    _, run_dir, steps = straight
    folder = shutil.copytree(run_dir / "checkpoints" / f"step-{steps:08d}", tmp_path / f"step-{steps:08d}")
    draw = Random(number)
    for _ in range(100):
        path = draw.choice(sorted(folder.iterdir()))
        content = path.read_bytes()
        at = draw.randrange(len(content))
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :])
        assert verify(folder) == [path.name]
        path.write_bytes(content)
    assert verify(folder) == []


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize(("kind", "call"), CALLS)
def test_whatever_a_plugin_returns_it_is_named(tmp_path, capsys, kind, call, value):
    check_wrong_type(tmp_path, capsys, kind, call, value)


def test_prove_for_real(tmp_path, capsys):
    recipe = write_recipe(tmp_path, freeze=PHASES)
    words = ["prove", str(recipe), "--steps", "16", "--out", str(tmp_path / "runs"), "--json"]
    assert _code(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["equal"], len(report["trials"])) == (True, 8)
    assert list((tmp_path / "runs").iterdir()) == []

"""What `make test-faults` runs: exact resume from every step of 60, under every policy and rate; random kills."""

import json
import signal
from random import Random

import pytest
from children import die_after, ended
from engine_recipes import write_recipe
from policies import CURVE, FREEZE, LR, built_in, table
from twins import go_on_from, reference

import mtlkit
from mtlkit.api import preview, resume
from mtlkit.cli.main import _code
from mtlkit.course import Audience, begin
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


def test_prove_for_real(tmp_path, capsys):
    recipe = write_recipe(tmp_path, freeze=PHASES)
    words = ["prove", str(recipe), "--steps", "16", "--out", str(tmp_path / "runs"), "--json"]
    assert _code(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["equal"], len(report["trials"])) == (True, 8)
    assert list((tmp_path / "runs").iterdir()) == []

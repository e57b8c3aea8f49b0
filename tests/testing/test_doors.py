"""The three doors: a report, pytest ids, the command; and the script of a counterexample."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mtlkit.cli.main import main
from mtlkit.errors import UsageError
from mtlkit.testing import check_plugin, conformance, replay
from mtlkit.testing.kinds import CONTRACTS, contract
from mtlkit.testing.report import STATES
from mtlkit.testing.subject import subject_of
from tests.testing import kit_plugins
from tests.testing.kit_plugins import Broken, Flips, Quits, Steady

HERE = Path(__file__).parent


def test_a_report_counts_what_ran_and_is_json():
    report = check_plugin("curve/cosine")
    assert report.passed
    assert report.kind == "curve"
    assert report.ran == report.counts["passed"] >= report.floor > 5
    assert sum(report.counts.values()) == len(contract("curve"))
    told = json.loads(json.dumps(report.document()))
    assert told["passed"] is True
    assert set(told["counts"]) == set(STATES)
    assert len({outcome["law"] for outcome in told["outcomes"]}) == len(contract("curve"))


def test_a_broken_plugin_fails_by_the_law_it_breaks():
    report = check_plugin(Broken)
    assert not report.passed
    assert "L1" in report.failed
    [outcome] = [each for each in report.outcomes if each.law == "L1"]
    assert "not a finite number ≥ 0" in outcome.message
    assert outcome.why
    assert outcome.mistake
    assert outcome.counterexample in str(report).replace("       ", "")


def test_the_script_of_a_counterexample_runs_by_itself(tmp_path):
    report = check_plugin(Broken)
    [outcome] = [each for each in report.outcomes if each.law == "L1"]
    script = tmp_path / "counterexample.py"
    script.write_text(outcome.counterexample)
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert outcome.message in done.stderr
    assert "seed 0" in outcome.counterexample


def test_a_replay_of_values_that_are_right_says_so(capsys):
    replay("L1", "curve/cosine", options={}, total=0, per_epoch=1)
    assert "holds for these values" in capsys.readouterr().out


def test_leaving_the_process_is_a_failure_like_any_other():
    report = check_plugin(Quits)
    assert "L1" in report.failed
    assert "SystemExit" in str(report)


def test_answers_that_can_not_be_repeated_are_a_failure():
    assert "G8" in check_plugin(Flips).failed


def test_an_expected_failure_needs_to_fail():
    expected = dict.fromkeys(check_plugin(Broken).failed, "below zero by design")
    report = check_plugin(Broken, expected_failures=expected)
    assert report.passed
    assert report.counts["expected failure"] == len(expected)
    unexpected = check_plugin("curve/cosine", expected_failures={"L1": "it should fail"})
    assert unexpected.failed == ("L1",)
    assert unexpected.counts["unexpected pass"] == 1


def test_single_laws_can_be_tried_and_must_apply():
    assert check_plugin(Broken, only=["L1", "G3"]).failed == ("L1",)
    report = check_plugin(Steady, only=["G2"])
    assert report.counts["not applicable"] == 1
    assert not report.passed
    with pytest.raises(UsageError, match="there is no law 'L99'"):
        check_plugin(Steady, only=["L99"])


def test_an_object_is_tried_with_its_own_options_only():
    report = check_plugin(Steady(level=0.5))
    assert not report.failed, str(report)


def test_green_because_nothing_ran_is_impossible(monkeypatch):
    from attrs import evolve

    monkeypatch.setitem(CONTRACTS, "curve", evolve(CONTRACTS["curve"], floor=1000))
    report = check_plugin("curve/cosine")
    assert not report.failed
    assert not report.passed
    assert "at least 1000" in str(report)


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        ("cosin", "did you mean 'cosine'?"),
        ("uniform", "several plugins are called 'uniform'  name one: lr/uniform (of mtlkit"),
        ("curve/uniform", "there is no plugin 'curve/uniform'"),
        ("nowhere:THING", "nowhere can't be imported: ModuleNotFoundError"),
        (
            "tests.testing.kit_plugins:Brokn",
            "tests.testing.kit_plugins has no 'Brokn'  did you mean 'Broken'?",
        ),
        (
            "tests.testing.kit_plugins:NUMBER",
            "7 is no plugin  give a mtlkit.Card, a class that a card of its module names, or what derives from",
        ),
        ("no/such/file.py:X", "there is no file"),
    ],
)
def test_what_is_no_plugin_is_named(thing, told):
    with pytest.raises(UsageError) as caught:
        check_plugin(thing)
    assert told in str(caught.value)


def test_a_builder_or_options_class_stands_for_the_card_that_names_it():
    for name in ("Quiet", "QuietOptions", "CARD"):
        assert subject_of(f"tests.testing.kit_plugins:{name}").card is kit_plugins.CARD
    assert subject_of(kit_plugins.Quiet).kind == "tracker"


def test_unknown_profiles_and_laws_are_named():
    with pytest.raises(UsageError, match="there is no profile 'quik'  did you mean 'quick'?"):
        check_plugin(Steady, "quik")
    with pytest.raises(UsageError, match="there is no law 'L99'"):
        check_plugin(Steady, expected_failures={"L99": "?"})


def test_the_command_gives_the_verdict_as_exit_code(capsys):
    for thing, code in (("cosine", 0), (f"{HERE}/kit_plugins.py:Broken", 4), ("cosin", 2)):
        with pytest.raises(SystemExit) as left:
            main(["check", thing])
        assert left.value.code == code, thing
    told = capsys.readouterr()
    assert "L1   failed" in told.out
    assert "did you mean 'cosine'?" in told.err
    with pytest.raises(SystemExit):
        main(["check", "cosine", "--json"])
    assert json.loads(capsys.readouterr().out)["plugin"] == "cosine"


@conformance(Steady, expected_failures={})
def test_one_id_per_law(check):
    check()


def test_the_ids_are_those_of_the_laws():
    ids = conformance(Steady).kwargs["ids"]
    assert ids == [*(law.id for law in contract("curve")), "enough-ran"]
    assert kit_plugins.NUMBER == 7


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_law_explains_itself(kind):
    laws = contract(kind)
    assert len({law.id for law in laws}) == len(laws) >= CONTRACTS[kind].floor >= 10
    for law in laws:
        assert law.statement.endswith("."), law.id
        assert len(law.why) > 20, law.id
        assert len(law.mistake) > 10, law.id

"""Statistics of the model: measured at stated steps, logged as events, and nothing else is changed."""

import pytest
import torch
from engine_recipes import final_bytes, of_type, run_recipe, write_recipe

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import Measured, PhaseStarted, StepDone
from mtlkit.contracts.params import BACKBONE
from mtlkit.engine.apply import apply_trainable
from mtlkit.engine.session import TRAIN, open_session
from mtlkit.engine.statistics import linear_cka, measured, references
from mtlkit.engine.step import Cursors, rows_of_step

AUTO = '[freeze]\nuse = "auto-freeze"\nevery = "2st"\n'
CONVERGE = '[freeze]\nuse = "converge-freeze"\nevery = "2st"\ntolerance = 0.9\npatience = 1\n'
SURGICAL = '[freeze]\nuse = "surgical"\nkeep = 1\n'


def opened(folder, **changes):
    folder.mkdir(exist_ok=True)
    return open_session(preview(mtlkit.plan(mtlkit.load(write_recipe(folder, **changes)))))


@pytest.mark.parametrize(("freeze", "statistic"), [(AUTO, "gradient-norm"), (CONVERGE, "similarity")])
def test_measured_every_two_steps_and_acted_upon(tmp_path, freeze, statistic):
    _, events = run_recipe(write_recipe(tmp_path, freeze=freeze, length="8st"))
    found = of_type(events, Measured)
    assert [event.step for event in found] == [0, 2, 4, 6]
    assert {event.statistic for event in found} == {statistic}
    depths = {"0", "1", "2"} | ({"3"} if statistic == "gradient-norm" else set())
    assert all({name.partition("/")[2] for name in event.values} <= depths for event in found)
    assert all(len(event.values) >= 3 for event in found)
    phases = of_type(events, PhaseStarted)
    assert len(phases) > 1
    assert phases[-1].frozen > phases[0].frozen == 0


def test_surgical_measures_once_and_trains_one_layer(tmp_path):
    _, events = run_recipe(write_recipe(tmp_path, freeze=SURGICAL, length="4st"))
    [event] = of_type(events, Measured)
    assert event.step == 0
    [phase] = of_type(events, PhaseStarted)
    assert phase.phase.startswith("layers ")
    best = max(event.values, key=event.values.get)
    assert phase.phase == f"layers {best.partition('/')[2]}"


def test_measuring_changes_no_byte_of_what_is_learned(tmp_path, monkeypatch):
    plain = tmp_path / "plain"
    plain.mkdir()
    bytes_of = {}
    for name, freeze in (
        ("plain", ""),
        ("measured", CONVERGE.replace("tolerance = 0.9", "tolerance = 1e-12")),
    ):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        result, _ = run_recipe(write_recipe(folder, freeze=freeze, length="6st", dropout=0.1))
        bytes_of[name] = final_bytes(result)[0]
    assert bytes_of["plain"] == bytes_of["measured"]


def test_gradients_are_those_of_the_coming_step_without_dropout(tmp_path):
    session = opened(tmp_path, more="", freeze=AUTO, dropout=0.0)
    cursors = Cursors()
    rows = rows_of_step(session, session.timeline.progress(0), cursors)
    [event] = measured(session, 0, rows, references(session))
    apply_trainable(session.handles, frozenset(session.handles.weights))
    [readers] = session.readers
    outputs = readers.outputs(session.encoder, readers.take(session.encoder, TRAIN, rows["reviews"]))
    head = readers.heads["sentiment"]
    term = head.loss(
        outputs["sentiment"], head.targets(session.data["reviews"].records(TRAIN, rows["reviews"]))
    )
    (term.sum / term.count).backward()
    for depth in range(3):
        names = [row.name for row in session.built.table if row.owner == BACKBONE and row.depth == depth]
        gradients = [session.handles.parameters(name)[0].grad for name in names]
        norm = torch.stack([g.square().sum() for g in gradients if g is not None]).sum().sqrt()
        assert event.values[f"@gradient-norm/{depth}"] == pytest.approx(float(norm), rel=1e-4)


def test_similarity_to_the_start_is_one_at_the_start(tmp_path):
    session = opened(tmp_path, freeze=CONVERGE)
    rows = rows_of_step(session, session.timeline.progress(0), Cursors())
    [event] = measured(session, 0, rows, references(session))
    assert list(event.values.values()) == pytest.approx([1.0] * 3)
    assert not any(w.parameters[0].requires_grad for w in session.handles.weights.values())


def test_linear_cka_does_not_change_with_rotation_scale_and_shift():
    torch.manual_seed(0)
    x, y = torch.randn(20, 5), torch.randn(20, 5)
    rotation, _ = torch.linalg.qr(torch.randn(5, 5))
    assert linear_cka(x, x) == pytest.approx(1)
    assert linear_cka(x, 3 * x @ rotation + 7) == pytest.approx(1)
    assert linear_cka(x, y) == pytest.approx(linear_cka(y, x))
    assert 0 <= linear_cka(x, y) < 0.9
    centred = [s.double() - s.double().mean(0) for s in (x, y)]
    grams = [c @ c.T for c in centred]
    hsic = torch.trace(grams[0] @ grams[1])
    whole = hsic / (torch.trace(grams[0] @ grams[0]) * torch.trace(grams[1] @ grams[1])).sqrt()
    assert linear_cka(x, y) == pytest.approx(float(whole))


def test_rates_follow_the_relative_gradient(tmp_path):
    recipe = write_recipe(tmp_path, length="4st")
    before, _, after = recipe.read_text().partition("[lr]")
    lr = '[lr]\nuse = "relative-gradient"\npeak = 1e-3\nevery = "2st"\n'
    recipe.write_text(f"{before}{lr}[training]{after.partition('[training]')[2]}")
    _, events = run_recipe(recipe)
    found = of_type(events, Measured)
    assert [(event.step, event.statistic) for event in found] == [
        (0, "relative-gradient"),
        (2, "relative-gradient"),
    ]
    for event, steps in zip(found, (events_steps[:2] for events_steps in halves(events)), strict=True):
        norms = {int(name.partition("/")[2]): value for name, value in event.values.items()}
        highest = max(norms.values())
        for step in steps:
            assert step.rates["embeddings/2"] == pytest.approx(1e-3 * norms[0] / highest)
            assert step.rates["block 2/2"] == pytest.approx(1e-3 * norms[2] / highest)
            assert step.rates["head.sentiment"] == 1e-3
            assert max(step.rates.values()) == pytest.approx(1e-3)


def halves(events):
    steps = of_type(events, StepDone)
    return steps[:2], steps[2:]

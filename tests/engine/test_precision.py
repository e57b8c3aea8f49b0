"""The number format that a machine is given: what it multiplies in, said and recorded."""

import pytest
import torch
from engine_recipes import run_recipe, write_recipe
from test_resume import interrupted

import mtlkit
from mtlkit.api import preview, resume
from mtlkit.engine import precision
from mtlkit.engine.precision import Choice, chosen, unit_of
from mtlkit.errors import ResourceError
from mtlkit.outputs.plan_text import plan_text

CPU = torch.device("cpu")
AUTO = 'precision = "auto"'


@pytest.fixture
def units(monkeypatch):
    """Say what the processor has."""

    def told(**has):
        monkeypatch.setattr(
            precision.torch.cpu, "_is_avx512_bf16_supported", lambda: has.get("avx512", False), raising=False
        )
        monkeypatch.setattr(
            precision.torch.cpu, "_is_amx_tile_supported", lambda: has.get("amx", False), raising=False
        )
        monkeypatch.setattr(precision, "gain", lambda: has.get("gain", precision.WORTH))

    return told


def test_what_is_chosen_is_what_the_processor_multiplies_in(units):
    units()
    assert chosen(CPU) == Choice("fp32", "this processor has no avx512_bf16 or amx")
    units(amx=True)
    assert chosen(CPU) == Choice("bf16", "this processor has amx")
    units(amx=True, avx512=True)
    assert chosen(CPU) == Choice("bf16", "this processor has avx512_bf16 and amx")
    units(avx512=True, gain=1.49)
    assert chosen(CPU) == Choice("fp32", "this processor has avx512_bf16, and is no faster with it")
    units(amx=True, avx512=True)
    assert unit_of("bf16", CPU) == {"bf16 unit": "avx512_bf16 and amx"}
    assert unit_of("fp32", CPU) == {}


def test_the_gain_is_measured_once_and_is_that_of_the_shorter_times(monkeypatch):
    times = iter([0.0, 9.0, 9.0, 12.0, *[20.0, 30.0] * 3, 40.0, 42.0, *[50.0, 51.0], *[60.0, 90.0] * 3])
    monkeypatch.setattr(precision.time, "perf_counter", lambda: next(times))
    precision.gain.cache_clear()
    assert precision.gain() == precision.gain() == 3.0
    precision.gain.cache_clear()


def test_a_torch_that_can_not_be_asked_has_none(monkeypatch):
    for ask in precision.CPU_UNITS.values():
        monkeypatch.delattr(precision.torch.cpu, ask, raising=False)
    assert chosen(CPU).precision == "fp32"


@pytest.mark.parametrize("supported", [True, False])
def test_of_a_gpu_what_it_does_itself_counts(monkeypatch, supported):
    monkeypatch.setattr(
        precision.torch.cuda,
        "is_bf16_supported",
        lambda including_emulation: supported or including_emulation,
    )
    expected = Choice("bf16", "this GPU has bf16") if supported else Choice("fp32", "this GPU has no bf16")
    assert chosen(torch.device("cuda")) == expected


@pytest.mark.parametrize(("amx", "expected"), [(True, "bf16"), (False, "fp32")])
def test_the_plan_explains_and_the_resolved_recipe_records_it(tmp_path, units, amx, expected):
    units(amx=amx)
    path = write_recipe(tmp_path, training=AUTO, length="1st", more="")
    prepared = preview(mtlkit.plan(mtlkit.load(path)))
    assert prepared.plan.training.precision == prepared.precision.precision == expected
    told = {"precision": f"{expected}, because {prepared.precision.why}"}
    shown = plan_text(prepared.timeline, prepared.moments, prepared.phases, {}, "nothing", told)
    assert f"\nprecision: {expected}, because this processor has " in shown
    result, _ = run_recipe(path)
    assert f'precision = "{expected}"' in (result.run_dir / "recipe.toml").read_text()


def test_a_recipe_that_says_it_is_left_alone(tmp_path, units):
    units()
    prepared = preview(mtlkit.plan(mtlkit.load(write_recipe(tmp_path, training='precision = "bf16"'))))
    assert prepared.precision == Choice("bf16", "the recipe says so")


def test_a_run_goes_on_in_its_format_and_only_with_its_units(tmp_path, units):
    units(amx=True)
    run_dir = interrupted(write_recipe(tmp_path, training=AUTO, length="4st", more=""), 2)
    units()
    with pytest.raises(ResourceError) as caught:
        resume(run_dir)
    assert caught.value.problems[0].message == "bf16 unit was amx and is none"
    units(amx=True)
    assert resume(run_dir).steps == 4

"""A run compiles its backbone where the recipe asks for it and the backbone can, and else says why not."""

import pytest
from engine_recipes import final_bytes, of_type, run_recipe, write_recipe

import mtlkit
from mtlkit.api import preview
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.contracts.events import Warned
from mtlkit.engine.session import open_session

COMPILE = ["training.compile=true"]


@pytest.fixture
def compiled(monkeypatch):
    """What was compiled; the backbone can be unless something is put into `why`."""
    seen, why = [], [""]
    monkeypatch.setattr(TinyBackbone, "uncompiled", lambda self: why[0], raising=False)
    monkeypatch.setattr(TinyBackbone, "compile_blocks", lambda self: seen.append(self), raising=False)
    return seen, why


def opened(folder, overrides):
    return open_session(preview(mtlkit.plan(mtlkit.load(write_recipe(folder), overrides))))


def test_it_is_compiled_once_and_only_where_that_is_asked(tmp_path, compiled):
    seen, _ = compiled
    opened(tmp_path, [])
    assert seen == []
    session = opened(tmp_path, COMPILE)
    assert seen == [session.built.backbone]
    assert not any("compiled" in str(guard) for guard in session.preview.guards)


def test_where_it_can_not_be_the_run_warns_and_goes_on(tmp_path, compiled):
    seen, why = compiled
    why[0] = "there is no C++ compiler"
    session = opened(tmp_path, COMPILE)
    assert seen == []
    (guard,) = [guard for guard in session.preview.guards if "compiled" in str(guard)]
    assert "the backbone is not compiled: there is no C++ compiler" in str(guard)


def test_a_backbone_that_knows_nothing_of_it_is_run_as_it_is(tmp_path):
    recipe = write_recipe(tmp_path, length="2st", more="")
    plain, _ = run_recipe(recipe)
    asked, events = run_recipe(recipe, COMPILE)
    assert final_bytes(plain) == final_bytes(asked)
    assert any(
        "the backbone is not compiled: it can't be" in each.message for each in of_type(events, Warned)
    )

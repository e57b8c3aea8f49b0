"""From tables to option objects and back."""

import gc
import json
import warnings
import weakref
from pathlib import Path

import attrs
import pydantic
import pytest
from fake_options import Broken, Color, Everything, Files, Modelled, Stage
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import MODELS, dump_options, make_options, options_class, options_model
from mtlkit.contracts.card import Card
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.place import Place
from mtlkit.errors import PluginError


def entry(options) -> Entry:
    return Entry(Card(kind="freeze", name="x", summary="", options=options), "dist", "1.0")


def errors(table, cls=Everything):
    with pytest.raises(pydantic.ValidationError) as caught:
        make_options(entry(cls), table, Path())
    return [(each["loc"], each["type"]) for each in caught.value.errors()]


def test_a_table_becomes_an_object():
    table = {
        "blocks": 2,
        "rate": 1,
        "stages": [{"until": "1ep", "freeze": ["backbone"]}],
        "color": "blue",
        "hidden": 4,
    }
    options = make_options(entry(Everything), table, Path())
    stages = (Stage(freeze=("backbone",), until=Duration(1.0, "ep")),)
    assert options == Everything(blocks=2, rate=1.0, stages=stages, color=Color.BLUE, hidden=4)
    assert type(options.rate) is float


def test_types_are_strict():
    assert errors({"blocks": "2"}) == [(("blocks",), "int_type")]
    assert errors({"blocks": True}) == [(("blocks",), "int_type")]
    assert errors({"blocks": 2, "rate": True}) == [(("rate",), "float_type")]
    assert errors({"blocks": 2, "flag": "yes"}) == [(("flag",), "bool_type")]
    assert errors({"blocks": 0, "typo": 1}) == [
        (("blocks",), "greater_than_equal"),
        (("typo",), "extra_forbidden"),
    ]
    assert errors({}) == [(("blocks",), "missing")]
    assert errors({"blocks": 2, "stages": [{"freze": []}]}) == [
        (("stages", 0, "freeze"), "missing"),
        (("stages", 0, "freze"), "extra_forbidden"),
    ]
    assert errors({"blocks": 101}) == [((), "value_error")]


def test_places_know_their_folder(tmp_path):
    options = make_options(
        entry(Files), {"path": "a.csv", "other": "b.csv"}, tmp_path, {"b.csv": tmp_path / "b"}
    )
    assert options == Files(path=Place("a.csv", str(tmp_path)), other=Place("b.csv", str(tmp_path / "b")))
    again = make_options(entry(Files), dump_options(options), Path("/elsewhere"))
    assert again.path.path() == options.path.path()
    assert again.other.path() == options.other.path()


TEXT = st.text(max_size=5)
NUMBER = st.floats(0.001, 1e6)
DURATIONS = st.one_of(
    st.builds(Duration, st.integers(0, 10**9).map(float), st.just("st")),
    st.builds(Duration, st.decimals(0, 100, places=6).map(float), st.sampled_from(["ep", "%"])),
)
STAGES = st.builds(Stage, freeze=st.lists(TEXT).map(tuple), until=st.none() | DURATIONS)
OPTIONS = st.builds(
    Everything,
    blocks=st.integers(1, 100),
    rate=NUMBER,
    mode=st.sampled_from(["a", "b"]),
    length=DURATIONS,
    stages=st.lists(STAGES, max_size=3).map(tuple),
    per_task=st.dictionaries(TEXT, NUMBER, max_size=3),
    first=STAGES,
    named=st.dictionaries(TEXT, STAGES, max_size=2),
    maybe=st.none() | st.integers(-9, 9) | TEXT,
    flag=st.booleans(),
    color=st.sampled_from(Color),
    copy=TEXT,
    hidden=st.integers(-9, 9),
)


@given(OPTIONS)
def test_dumped_options_make_the_same_object(options):
    dumped = dump_options(options)
    assert make_options(entry(Everything), dumped, Path()) == options
    assert json.loads(json.dumps(dumped)) == dumped


def test_the_dump_writes_every_default():
    assert dump_options(Everything(blocks=1)) == {
        "blocks": 1, "rate": 0.1, "mode": "a", "length": "10%", "stages": [], "per_task": {},
        "first": {"freeze": ["backbone"]}, "named": {}, "flag": False, "color": "red", "copy": "x", "hidden": 3,
    }  # fmt: skip


def test_the_schema_has_help_and_defaults():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = options_model(Everything).model_json_schema()
    fields = schema["properties"]
    assert fields["blocks"] == {
        "description": "how many blocks",
        "minimum": 1,
        "title": "Blocks",
        "type": "integer",
    }
    assert fields["length"]["default"] == "10%"
    assert fields["length"]["type"] == "string"
    assert fields["first"]["default"] == {"freeze": ["backbone"]}
    assert schema["required"] == ["blocks"]
    assert schema["additionalProperties"] is False
    assert options_model(Files).model_json_schema()["properties"]["path"]["type"] == "string"


def test_models_are_derived_once_and_pydantic_models_are_kept():
    assert options_model(Everything) is options_model(Everything)
    assert options_model(Modelled) is Modelled
    assert dump_options(make_options(entry(Modelled), {}, Path())) == {"size": 3}


def test_broken_option_classes_name_their_distribution():
    with pytest.raises(
        PluginError, match=r"^the options class fake_options.Broken is broken: name 'NoSuchName'"
    ):
        options_model(Broken)
    with pytest.raises(
        PluginError, match=r"^the freeze 'x' of dist 1.0 can't be loaded: ImportError: module json"
    ):
        options_class(entry("json:nothing"))
    with pytest.raises(PluginError, match="neither an attrs class nor a pydantic model"):
        options_class(entry(int))
    assert options_class(entry("fake_options:Everything")) is Everything


def test_models_are_not_kept_without_end():
    """Whoever makes classes in a loop, as the conformance kit does, does not run out of memory."""
    models = weakref.WeakSet()
    for number in range(MODELS + 40):
        models.add(options_model(attrs.make_class(f"Options{number}", ["rate"])))
    gc.collect()
    assert MODELS - 40 <= len(models) <= MODELS

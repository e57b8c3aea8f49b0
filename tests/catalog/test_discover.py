"""Finding plugins, sound and broken."""

import sys
import textwrap
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from mtlkit.api import load
from mtlkit.catalog import discover
from mtlkit.catalog.catalog import Catalog, Entry, UnknownPlugin
from mtlkit.catalog.discover import open_catalog
from mtlkit.contracts.card import API_LEVEL, Card
from mtlkit.errors import PluginError, RecipeError

BASE = Path(__file__).parents[2] / "recipes" / "scenarios" / "base.toml"

SOUND = """
from mtlkit.contracts.card import Card
from mtlkit.hookspecs import hookimpl

@hookimpl
def mtlkit_cards():
    return [Card(kind="freeze", name="NAME", summary="s", options="m:c")]
"""


def installed_before() -> "set[str]":
    return {point.dist.name for point in metadata.entry_points(group="mtlkit")}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write an installed distribution with one module; the machine's own plugins are not looked at."""
    builtin = ModuleType("builtin_cards")
    exec(SOUND.replace("NAME", "none"), builtin.__dict__)
    monkeypatch.setitem(sys.modules, "builtin_cards", builtin)
    monkeypatch.setattr(discover, "BUILTIN", "builtin_cards")
    monkeypatch.setenv("MTLKIT_DISABLE_PLUGINS", ",".join(installed_before()))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def add(name: str, code: str, version: str = "1.0", module: str = "") -> None:
        module = module or f"fake_{name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[mtlkit]\nplugin = {module}\n")

    yield add
    for name in set(sys.modules) - before:
        if name.startswith(("fake_", "my_")):
            del sys.modules[name]


def test_sound_plugins_come_with_their_distribution(install):
    install("alpha", SOUND.replace("NAME", "every-other"))
    catalog = open_catalog()
    assert catalog.failures == ()
    assert [(each.card.name, each.distribution) for each in catalog.of("freeze")] == [
        ("every-other", "alpha"),
        ("none", "mtlkit"),
    ]
    assert catalog.find("freeze", "every-other").version == "1.0"
    assert catalog.find("freeze", "alpha:every-other").distribution == "alpha"


BROKEN = {
    "raises": ("raise RuntimeError('boom')", "RuntimeError: boom"),
    "exits": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "missing": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("def", "SyntaxError: invalid syntax (fake_syntax.py, line 1)"),
    "empty": ("", "TypeError: has no function mtlkit_cards marked with @mtlkit.hookimpl"),
    "pending": (
        "from mtlkit.hookspecs import hookimpl\n@hookimpl\ndef mtlkit_crads(): return []",
        "PluginValidationError: unknown hook 'mtlkit_crads' in plugin",
    ),
    "argument": (
        "from mtlkit.hookspecs import hookimpl\n@hookimpl\ndef mtlkit_cards(x): return []",
        "PluginValidationError: Plugin 'fake_argument' for hook 'mtlkit_cards'",
    ),
    "called": (SOUND.replace("return [", "1 / 0\n    return ["), "ZeroDivisionError: division by zero"),
    "cards": (
        SOUND.replace("return [", "return [3, "),
        "TypeError: mtlkit_cards must return Card objects, not int",
    ),
    "number": (
        SOUND.replace("return [", "return 3\n    return ["),
        "TypeError: mtlkit_cards must return a list",
    ),
    "kind": (
        SOUND.replace('"freeze"', '"frieze"'),
        "ValueError: the card 'NAME' has the unknown kind 'frieze'",
    ),
    "name": (SOUND, "ValueError: 'NAME' is no name for a plugin"),
    "summary": (
        SOUND.replace("NAME", "x").replace('"s"', "None"),
        "TypeError: the card 'x' has summary = None, which is not text",
    ),
    "address": (
        SOUND.replace("NAME", "x").replace('"m:c"', "3"),
        "TypeError: the card 'x' has options = 3, which is not a class or its address",
    ),
    "build": (
        SOUND.replace("NAME", "x").replace('"m:c"', '"m:c", build=7'),
        "TypeError: the card 'x' has build = 7, which is not a callable or its address",
    ),
    "example": (
        SOUND.replace("NAME", "x").replace('"m:c"', '"m:c", example=[1]'),
        "TypeError: the card 'x' has example = [1], which is not a table of options",
    ),
    "api": (
        SOUND.replace("NAME", "x").replace('"m:c"', '"m:c", api="1"'),
        "TypeError: the card 'x' has api = '1', which is not a whole number",
    ),
    "unknown": (
        SOUND.replace("NAME", "x").replace('"m:c"', '"m:c", colour="red"'),
        "TypeError: Card.__init__() got an unexpected keyword argument 'colour'",
    ),
    "generator": (
        "from mtlkit.hookspecs import hookimpl\n@hookimpl\ndef mtlkit_cards():\n    yield 1 / 0",
        "ZeroDivisionError: division by zero",
    ),
}


def test_broken_plugins_are_named_and_disturb_no_other(install):
    for name, (code, _) in BROKEN.items():
        install(name, code, "0.1")
    install("zeta", SOUND.replace("NAME", "zeta"))
    catalog = open_catalog()
    assert {each.card.name for each in catalog.entries} == {"none", "zeta"}
    found = {each.distribution: each for each in catalog.failures}
    assert set(found) == set(BROKEN)
    for name, (_, cause) in BROKEN.items():
        assert found[name].cause.startswith(cause)
        assert (found[name].version, found[name].module) == ("0.1", f"fake_{name}")


def test_broken_plugins_disturb_no_recipe_that_does_not_use_them(install, monkeypatch):
    monkeypatch.setattr(discover, "BUILTIN", "mtlkit.builtin.cards")
    for name, (code, _) in BROKEN.items():
        install(name, code, "0.1")
    assert load(BASE).recipe.name == "base"
    with pytest.raises(RecipeError) as caught:
        load(BASE, ["freeze.use=no-such-policy"])
    [problem] = caught.value.problems
    assert problem.message == "there is no freeze policy 'no-such-policy'"
    for name, (_, cause) in BROKEN.items():
        assert f"the plugins of {name} 0.1 failed to load (fake_{name}): {cause}" in problem.suggestion


LEAVES_A_MARK = """
from pathlib import Path
Path(__file__).with_suffix(".imported").write_text("")
"""


def test_disabled_distributions_are_not_imported(install, monkeypatch, tmp_path):
    install("my_Plugin", LEAVES_A_MARK + SOUND.replace("NAME", "mine"), module="fake_mine")
    mark = tmp_path / "fake_mine.imported"
    monkeypatch.setenv("MTLKIT_DISABLE_PLUGINS", ",".join(["other", " my-plugin", *installed_before()]))
    assert [each.card.name for each in open_catalog().entries] == ["none"]
    assert "fake_mine" not in sys.modules
    assert not mark.exists()
    monkeypatch.setenv("MTLKIT_DISABLE_PLUGINS", ",".join(installed_before() - {"my_Plugin"}))
    assert {each.card.name for each in open_catalog().entries} == {"none", "mine"}
    assert mark.exists()


TWO_LEVELS = """
from mtlkit.contracts.card import Card
from mtlkit.hookspecs import hookimpl

@hookimpl
def mtlkit_cards():
    return [
        Card(kind="freeze", name="now", summary="s", options="m:c", api=LEVEL),
        Card(kind="freeze", name="later", summary="s", options="m:c", api=OTHER),
        Card(kind="window", name="later-still", summary=None, options="m:c", api=OTHER),
    ]
"""


@pytest.mark.parametrize(
    ("level", "advice"), [(API_LEVEL + 1, "upgrade mtlkit"), (API_LEVEL - 1, "upgrade the plugin")]
)
def test_a_card_of_another_api_level_fails_alone(install, level, advice):
    install("gamma", TWO_LEVELS.replace("LEVEL", str(API_LEVEL)).replace("OTHER", str(level)), "3.1")
    catalog = open_catalog()
    assert catalog.find("freeze", "now").distribution == "gamma"
    why = (
        f"gamma 3.1 (fake_gamma): the freeze 'later' was written for plugin API level {level}, "
        f"and this mtlkit has level {API_LEVEL}: {advice}"
    )
    assert [str(each) for each in catalog.failures] == [
        why, why.replace("freeze 'later'", "window 'later-still'")
    ]  # fmt: skip
    for name in ("later", "gamma:later"):
        with pytest.raises(PluginError) as caught:
            catalog.find("freeze", name)
        assert str(caught.value) == why
    with pytest.raises(UnknownPlugin):
        catalog.find("head", "later")


def test_a_recipe_is_told_why_a_card_can_not_be_used(install, monkeypatch):
    monkeypatch.setattr(discover, "BUILTIN", "mtlkit.builtin.cards")
    code = SOUND.replace("NAME", "later").replace('"m:c"', f'"m:c", api={API_LEVEL + 1}')
    install("gamma", code, "3.1")
    assert load(BASE).recipe.name == "base"
    with pytest.raises(RecipeError) as caught:
        load(BASE, ["freeze.use=later"])
    [problem] = caught.value.problems
    assert problem.message.startswith("gamma 3.1 (fake_gamma): the freeze 'later' was written for")
    assert problem.path == "freeze.use"


def test_another_distribution_may_offer_what_one_offers_for_another_level(install):
    install("alpha", SOUND.replace("NAME", "same").replace('"m:c"', f'"m:c", api={API_LEVEL + 1}'))
    install("beta", SOUND.replace("NAME", "same"))
    assert open_catalog().find("freeze", "same").distribution == "beta"


def test_a_distribution_without_a_name_goes_by_its_entry_point(install, tmp_path):
    install("alpha", SOUND.replace("NAME", "mine"))
    (tmp_path / "alpha-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n")
    assert open_catalog().find("freeze", "mine").distribution == "plugin"


def test_two_owners_of_a_name_are_an_error_when_it_is_used(install):
    install("alpha", SOUND.replace("NAME", "same"))
    install("beta", SOUND.replace("NAME", "same"), "2.0")
    catalog = open_catalog()
    assert catalog.find("freeze", "none").distribution == "mtlkit"
    with pytest.raises(PluginError) as caught:
        catalog.find("freeze", "same")
    assert str(caught.value) == (
        "alpha 1.0 and beta 2.0 both offer the freeze policy 'same'  choose one: 'alpha:same' or 'beta:same'"
    )
    assert catalog.find("freeze", "beta:same").version == "2.0"


def test_a_name_of_ours_is_not_taken_over_silently(install):
    install("alpha", SOUND.replace("NAME", "none"))
    with pytest.raises(PluginError, match=r"^alpha 1.0 and mtlkit .*both offer the freeze policy 'none'"):
        open_catalog().find("freeze", "none")


def test_one_distribution_with_a_name_twice(install):
    install("alpha", SOUND.replace("NAME", "same").replace("return [", "return 2 * ["))
    with pytest.raises(PluginError, match="alpha 1.0 and alpha 1.0 both offer .* remove one of them"):
        open_catalog().find("freeze", "same")


def test_a_plugin_file_under_development(install, tmp_path):
    file = tmp_path / "dev" / "my_policy.py"
    file.parent.mkdir()
    file.write_text(SOUND.replace("NAME", "mine"))
    catalog = open_catalog([file])
    assert catalog.find("freeze", "mine").distribution == "my_policy.py"
    assert open_catalog([file]) == catalog
    wrong = [tmp_path / "nothing.py", tmp_path / "dev" / "csv.py", tmp_path / "dev" / "my_broken.py"]
    wrong[1].write_text("")
    wrong[2].write_text("1 / 0")
    causes = [each.cause for each in open_catalog(wrong).failures]
    assert causes == [
        "FileNotFoundError: the file does not exist",
        "ImportError: there is another module called csv; rename the file",
        "ZeroDivisionError: division by zero",
    ]
    assert "my_broken" not in sys.modules


def entry(kind, name):
    return Entry(Card(kind=kind, name=name, summary="", options="m:c"), "dist", "1")


def unknown(catalog, kind, name):
    with pytest.raises(UnknownPlugin) as caught:
        catalog.find(kind, name)
    problem = caught.value.problems[0]
    return problem.message, problem.suggestion


def test_unknown_names(install):
    catalog = Catalog(
        (entry("freeze", "gradual-unfreeze"), entry("freeze", "all"), entry("optimizer", "adamw"))
    )
    assert unknown(catalog, "freeze", "gradual-unfreze") == (
        "there is no freeze policy 'gradual-unfreze'", "did you mean 'gradual-unfreeze'?")  # fmt: skip
    assert unknown(catalog, "freeze", "zzz")[1] == "choose from all, gradual-unfreeze"
    assert unknown(catalog, "freeze", "adamw") == (
        "'adamw' is an optimizer, not a freeze policy", "it belongs in [optimizer]")  # fmt: skip
    assert unknown(catalog, "head", "x") == ("there is no head 'x'", "no head is installed")
    install("bad", "raise RuntimeError('boom')")
    assert unknown(open_catalog(), "freeze", "zzz")[1] == (
        "choose from none; the plugins of bad 1.0 failed to load (fake_bad): RuntimeError: boom"
    )

"""What `mtlkit new` writes works unedited: it is linted, typed, installed, run and held against the kit."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from mtlkit.builtin.cards import mtlkit_cards
from mtlkit.cli import new as module
from mtlkit.cli.main import _code
from mtlkit.cli.new import SKELETONS, render
from mtlkit.contracts.card import KINDS

ROOT = Path(__file__).parents[2]
NAMES = {kind: f"fresh-{kind}" for kind in SKELETONS}


def started(*words: str, cwd: Path, path: Path | None = None) -> "subprocess.CompletedProcess[str]":
    found = os.pathsep.join(str(each) for each in (ROOT, path) if each)
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": found},
    )  # fmt: skip


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """One distribution of each kind."""
    folder = tmp_path_factory.mktemp("projects")
    for kind, name in NAMES.items():
        assert _code(["new", kind, name, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def site(projects, tmp_path_factory):
    """A folder with all of them installed, as pip leaves it."""
    folder = tmp_path_factory.mktemp("site")
    for name in NAMES.values():
        project = tomllib.loads((projects / f"mtlkit-{name}" / "pyproject.toml").read_text())
        [package] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        source = projects / f"mtlkit-{name}" / package
        shutil.copytree(source, folder / source.name)
        info = folder / f"{source.name}-0.1.0.dist-info"
        info.mkdir()
        told = project["project"]
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n"
        )
        points = "\n".join(f"{key} = {value}" for key, value in told["entry-points"]["mtlkit"].items())
        (info / "entry_points.txt").write_text(f"[mtlkit]\n{points}\n")
    return folder


def test_every_kind_that_policies_need_has_a_skeleton():
    kinds = [skeleton.kind for skeleton in SKELETONS.values()]
    assert len(set(kinds)) == len(kinds) == 7
    assert set(kinds) <= set(KINDS)


@pytest.mark.parametrize("kind", SKELETONS)
def test_the_files(kind, projects):
    project = projects / f"mtlkit-{NAMES[kind]}"
    package = f"src/mtlkit_{NAMES[kind].replace('-', '_')}"
    written = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    wanted = {
        "pyproject.toml",
        "README.md",
        "tests/test_conformance.py",
        f"{package}/__init__.py",
        f"{package}/py.typed",
    }
    assert wanted < written
    assert set(render(kind, NAMES[kind])) == written
    for path in written:
        text = (project / path).read_text(encoding="utf-8")
        assert "$" not in text
        assert text.endswith("\n") or not text


def test_generated_files_are_linted_and_formatted(projects):
    for words in (["check"], ["format", "--check"]):
        done = started("-m", "ruff", *words, "--no-cache", ".", cwd=projects)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_generated_files_are_typed(projects, tmp_path):
    sources = [path.parent for path in projects.glob("mtlkit-*/src/*/py.typed")]
    assert len(sources) == len(SKELETONS)
    checked = [*sources, projects / f"mtlkit-{NAMES['head']}" / "tests"]
    done = started("-m", "mypy", "--strict", "--cache-dir", str(tmp_path), *map(str, checked), cwd=projects)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", SKELETONS)
def test_longest_and_shortest_names_give_sound_code(kind, tmp_path):
    for name in ("a", "x" * module.LONGEST, "-".join("abcdefghij"), "none", "class", kind):
        texts = render(kind, name)
        for path, text in texts.items():
            if path.endswith(".py"):
                ast.parse(text)
        told = tomllib.loads(texts["pyproject.toml"])
        [package] = told["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        assert all(part.isidentifier() for part in package.split("/"))
        assert told["project"]["entry-points"]["mtlkit"] == {name: package.removeprefix("src/")}
        (tmp_path / name).mkdir()
        for path, text in texts.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    for words in (["check"], ["format", "--check"]):
        done = started("-m", "ruff", *words, "--no-cache", ".", cwd=tmp_path)
        assert done.returncode == 0, done.stdout


def statements(source: str) -> int:
    """Logical lines of code: statements that are neither import nor docstring."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    told = [node for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return len(
        [node for node in nodes if node not in told and not isinstance(node, ast.Import | ast.ImportFrom)]
    )


def test_a_head_is_under_forty_statements_hook_and_options_included():
    sizes = [
        statements(text)
        for path, text in render("head", "crf").items()
        if path.startswith("src/") and path.endswith(".py")
    ]
    assert len(sizes) == 3
    assert 20 < sum(sizes) < 40


def test_plugins_import_public_names_only(projects):
    seen = set()
    for path in projects.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            seen |= {name for name in names if name.split(".")[0] == "mtlkit"}
    assert seen == {"mtlkit", "mtlkit.testing"}


RECIPE = """
name = "fresh"
seed = 3

[backbone]
use = "fresh-backbone"

[data.films]
use = "fresh-data-source"
path = "films.tsv"
split = { test = 0.25 }

[data.things]
use = "fresh-data-source"
path = "things.tsv"
split = { test = 0.25 }

[tasks.film]
data = "films"
head = { use = "fresh-head" }

[tasks.thing]
data = "things"
head = { use = "fresh-head" }

[freeze]
use = "phases"
phases = [{ until = "1ep", freeze = ["backbone"] }, { until = "2ep", freeze = ["embeddings"] }, {}]

[lr]
use = "fresh-lr-schedule"
backbone = 1e-2
heads = 1e-2

[sampler]
use = "fresh-sampler"

[balancer]
use = "fresh-balancer"

[training]
length = "6ep"
batch_size = 8
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    for name, words, count in (("films", ("good", "bad"), 96), ("things", ("red", "blue"), 48)):
        rows = [f"a {words[at % 2]} thing number {at}\t{words[at % 2][0]}" for at in range(count)]
        (tmp_path / f"{name}.tsv").write_text("\n".join(["text\tlabel", *rows, ""]))
    return tmp_path


def test_a_run_of_generated_plugins_learns(site, recipe):
    done = started("-m", "mtlkit", "run", "recipe.toml", "--json", cwd=recipe, path=site)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["frozen"] == "unchanged"
    assert len(found["phases"]) == 3
    assert set(found["metrics"]) == {"film/accuracy", "thing/accuracy"}
    for metric in found["metrics"].values():
        assert metric["value"] >= 0.9


def test_the_generated_policy_freezes_every_second_block(site, recipe):
    words = ["--set", "backbone.use=tiny", "--set", "freeze.use=fresh-freeze-policy", "--json"]
    text = RECIPE.replace('"phases"', '"none"').replace("phases = [", "# phases = [")
    (recipe / "recipe.toml").write_text(text)
    done = started("-m", "mtlkit", "plan", "recipe.toml", *words, cwd=recipe, path=site)
    assert done.returncode == 0, done.stderr
    [phase] = json.loads(done.stdout)["phases"]
    assert {name.split(".")[2] for name in phase["frozen"]} == {"1"}
    assert {name.split(".")[2] for name in phase["trainable"] if "blocks" in name} == {"0"}


def test_a_wrong_row_of_the_generated_source_is_named(site, recipe):
    file = recipe / "things.tsv"
    file.write_text(file.read_text().replace("number 7\t", "number 7 "))
    done = started("-m", "mtlkit", "plan", "recipe.toml", cwd=recipe, path=site)
    assert (done.returncode, done.stdout) == (3, "")
    assert "things.tsv:9  has 1 cells where the header has 2" in done.stderr


def test_looking_at_generated_plugins_imports_no_torch(site, recipe):
    code = (
        "import sys\nfrom mtlkit.cli.main import _code\n"
        "found = _code(['plugins', 'fresh-head']), _code(['validate', 'recipe.toml'])\n"
        "print(found, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = started("-c", code, cwd=recipe, path=site)
    assert done.stderr == "(0, 0) False\n"
    assert "from mtlkit-fresh-head 0.1.0, plugin API level 1" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", SKELETONS)
def test_generated_plugins_pass_the_kit(kind, site, tmp_path):
    done = started("-m", "mtlkit", "check", NAMES[kind], cwd=tmp_path, path=site)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build a wheel")
def test_pip_installs_what_was_written(projects, tmp_path):
    words = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--target", str(tmp_path / "site")]
    done = started("-m", "pip", "install", *words, str(projects / "mtlkit-fresh-head"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    listed = started("-m", "mtlkit", "plugins", "fresh-head", cwd=tmp_path, path=tmp_path / "site")
    assert listed.stdout.startswith("head fresh-head: one label for each text\nfrom mtlkit-fresh-head 0.1.0")


def refused(capsys, *words: str) -> str:
    assert _code(["new", *words]) == 2
    return capsys.readouterr().err.strip()


def test_kinds_are_suggested(capsys):
    assert refused(capsys, "hed", "crf") == "there is no kind 'hed' to start from  did you mean 'head'?"
    for kind, meant in {"freeze": "freeze-policy", "lr": "lr-schedule", "data": "data-source"}.items():
        assert refused(capsys, kind, "crf").endswith(f"did you mean {meant!r}?")
    assert "choose from head, freeze-policy" in refused(capsys, "zzz", "crf")


@pytest.mark.parametrize(
    "name", ["CRF", "my_head", "3d", "-a", "a-", "a--b", "a.b", "a/b", "..", "", "ü", "a b", "x" * 33, "a\n"]
)
def test_names_that_recipes_or_modules_can_not_have(capsys, tmp_path, name):
    told = refused(capsys, "--out", str(tmp_path), "--", "head", name)
    assert "is no name for a plugin  write lower-case letters" in told
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_nearly_right_is_spelt_out(capsys):
    assert refused(capsys, "head", "My_Head").endswith("such as 'my-head'")
    assert refused(capsys, "head", "mtlkit-crf").endswith("write 'crf'")


def test_names_of_ours_are_taken_within_their_kind(capsys, tmp_path):
    ours = {skeleton.kind: kind for kind, skeleton in SKELETONS.items()}
    tried = [card for card in mtlkit_cards() if card.kind in ours]
    assert len(tried) >= 25
    for card in tried:
        told = refused(capsys, ours[card.kind], card.name, "--out", str(tmp_path))
        assert told.startswith("mtlkit ships a ")
        assert repr(card.name) in told
    assert list(tmp_path.iterdir()) == []
    assert _code(["new", "balancer", "uniform", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("obstacle", ["folder", "file", "link"])
def test_nothing_is_overwritten(capsys, tmp_path, obstacle):
    target = tmp_path / "mtlkit-crf"
    {
        "folder": target.mkdir, "file": lambda: target.write_text("mine"),
        "link": lambda: target.symlink_to(tmp_path / "nowhere"),
    }[obstacle]()  # fmt: skip
    told = refused(capsys, "head", "crf", "--out", str(tmp_path))
    assert told == f"{target} exists already  choose another name, or another folder with --out"
    assert [path.name for path in tmp_path.iterdir()] == ["mtlkit-crf"]
    assert obstacle != "file" or target.read_text() == "mine"


def test_nothing_is_left_half_written(capsys, tmp_path, monkeypatch):
    calls = []

    def full(self, *words, **more):
        calls.append(self.name)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return write(self, *words, **more)

    write = Path.write_text
    monkeypatch.setattr(Path, "write_text", full)
    assert _code(["new", "head", "crf", "--out", str(tmp_path)]) == 5
    told = capsys.readouterr().err
    assert (
        told == f"{tmp_path / 'mtlkit-crf'} can't be written: No space left on device  choose another --out\n"
    )
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []


def test_what_is_said(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _code(["new", "sampler", "by-root"]) == 0
    assert (
        capsys.readouterr().out
        == """\
mtlkit-by-root/
  README.md
  pyproject.toml
  src/mtlkit_by_root/__init__.py
  src/mtlkit_by_root/py.typed
  src/mtlkit_by_root/sampler.py
  tests/test_conformance.py

next:
  pip install -e 'mtlkit-by-root[test]'
  mtlkit check by-root
"""
    )
    assert _code(["new", "sampler", "other", "--out", "deep/er", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == "deep/er/mtlkit-other"
    assert [path for path in told["files"] if not (tmp_path / told["folder"] / path).is_file()] == []


def test_the_readme_shows_a_valid_snippet():
    for kind, name in NAMES.items():
        text = render(kind, name)["README.md"]
        toml = text.partition("```toml\n")[2].partition("```")[0]
        assert name in json.dumps(tomllib.loads(toml))

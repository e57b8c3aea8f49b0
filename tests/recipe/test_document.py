"""Reading, inheriting, overriding, and refusing what is no recipe."""

import json
import time
from pathlib import Path

import pytest

from mtlkit.errors import RecipeError
from mtlkit.recipe.document import read


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def failure(file: Path, overrides=()) -> str:
    with pytest.raises(RecipeError) as caught:
        read(file, overrides)
    return str(caught.value).replace(f"{file.parent}/", "")


def test_tables_merge_and_other_values_replace(tmp_path):
    write(tmp_path, "base/b.toml", "seed = 1\nlist = [1, 2]\n[backbone]\nuse = 'tiny'\npath = 'w'\n")
    file = write(tmp_path, "r.toml", "extends = 'base/b.toml'\nlist = [3]\n[backbone]\nmax = 'm'\n")
    document = read(file)
    assert document.data == {"seed": 1, "list": [3], "backbone": {"use": "tiny", "path": "w", "max": "m"}}
    assert document.position(("backbone", "path")) == (str(tmp_path / "base/b.toml"), 5, 1)
    assert document.position(("backbone", "max"), "value") == (str(file), 4, 7)
    assert document.position(("backbone", "missing")) == (str(file), 3, 2)
    assert document.folder(("backbone", "path")) == tmp_path / "base"
    assert document.folder(("backbone",)) == tmp_path
    assert document.folders(("backbone",)) == {
        "tiny": tmp_path / "base",
        "w": tmp_path / "base",
        "m": tmp_path,
    }


def test_a_table_of_another_plugin_takes_nothing_over(tmp_path):
    write(tmp_path, "b.toml", "[lr]\nuse = 'layer-wise'\nblocks = 1.0\n[sampler]\nuse='a'\nx=1\n")
    file = write(tmp_path, "r.toml", "extends = ['b.toml']\n[lr]\nuse = 'uniform'\n[sampler]\nuse='a'\n")
    assert read(file).data == {"lr": {"use": "uniform"}, "sampler": {"use": "a", "x": 1}}
    changed = read(file, ["sampler.y=2", "sampler.use=b"])
    assert changed.data["sampler"] == {"y": 2, "use": "b"}


def test_later_bases_win(tmp_path):
    write(tmp_path, "a.toml", "x = 1\ny = 1")
    write(tmp_path, "b.toml", "x = 2\nz = 2")
    assert read(write(tmp_path, "r.toml", "extends = ['a.toml', 'b.toml']")).data == {"x": 2, "y": 1, "z": 2}


def test_extends_failures(tmp_path):
    write(tmp_path, "b.toml", "extends = 'r.toml'\n")
    file = write(tmp_path, "r.toml", "seed = 1\nextends = 'b.toml'\n")
    assert (
        failure(file) == "b.toml:1:11  extends  extends itself: r.toml → b.toml → r.toml  remove one of them"
    )
    file = write(tmp_path, "s.toml", "extends = ['bb.toml']\n")
    assert failure(file) == "s.toml:1:12  extends.0  'bb.toml' does not exist  did you mean 'b.toml'?"
    file = write(tmp_path, "t.toml", "extends = 3\n")
    assert failure(file) == 't.toml:1:11  extends  extends names files as text  write extends = "other.toml"'
    for number in range(12):
        write(tmp_path, f"c{number}.toml", f"extends = 'c{number + 1}.toml'\n")
    assert "extends more than 10 recipes in a row" in failure(tmp_path / "c0.toml")


def test_a_missing_recipe_names_its_neighbour(tmp_path):
    write(tmp_path, "quickstart.toml", "")
    assert (
        failure(tmp_path / "quikstart.toml")
        == "'quikstart.toml' does not exist  did you mean 'quickstart.toml'?"
    )
    assert "can't be read: Is a directory" in failure(tmp_path)


def test_overrides(tmp_path):
    file = write(tmp_path, "r.toml", "[tasks.a]\nweight = 1.0\ndata = 'd'\n")
    document = read(
        file, ["tasks.a.weight=0.5", "training.length=3ep", "name=2024-01-01", 't."q x".x={a=[1]}']
    )
    assert document.data == {
        "tasks": {"a": {"weight": 0.5, "data": "d"}},
        "training": {"length": "3ep"},
        "name": "2024-01-01",
        "t": {"q x": {"x": {"a": [1]}}},
    }
    assert document.position(("tasks", "a", "weight")) == ("--set", 0, 0)
    assert document.position(("tasks", "a", "data")) == (str(file), 3, 1)
    assert document.folder(("training", "length")) == tmp_path
    assert read(file, ["x=1\ny=2"]).data["x"] == "1\ny=2"
    example = "write --set tasks.NAME.weight=0.5"
    assert failure(file, ["nothing"]) == f"--set  'nothing': is not KEY=VALUE  {example}"
    assert failure(file, ["a b=1"]) == f"--set  'a b=1': 'a b' is not a key  {example}"
    assert failure(file, ["a=[1"]) == "--set  'a=[1': '[1' is not a TOML value  check its brackets and quotes"
    assert failure(file, ["extends=x"]).endswith("extends can't be set  make a recipe that extends both")


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("a = yes\n", 'r.toml:1:5  not TOML: invalid value  put text in quotes: "yes"'),
        ("a = True\n", "r.toml:1:5  not TOML: invalid value  write true"),
        (
            "a = 1\na = 2\n",
            "r.toml:2:6  not TOML: cannot overwrite a value  a key is written twice: keep one",
        ),
        ("[a\n", "r.toml:1:3  not TOML: expected ']' at the end of a table declaration"),
        ('a = "b', "r.toml:1:7  not TOML: unterminated string"),
        ("a = 1e999\n", "r.toml:1:5  a  inf is not a finite number  write a finite number"),
        ("a = nan\n", "r.toml:1:5  a  nan is not a finite number  write a finite number"),
        (
            "[t]\na = 9223372036854775808",
            "r.toml:2:5  t.a  a whole number outside ±2^63  write a smaller number",
        ),
        ("a = 0x1" + "0" * 40, "r.toml:1:5  a  a whole number outside ±2^63  write a smaller number"),
        (
            "a = 2024-01-01\n",
            'r.toml:1:5  a  a date or time is not a value of a recipe  write it as text: "2024-01-01"',
        ),
        ("\ufeffa = 1", "r.toml:1:1  starts with a byte order mark  save the file as UTF-8 without BOM"),
        ("é = 1\nb\0 = 1", "r.toml:2:2  holds a NUL character  remove it"),
    ],
)
def test_bad_text(tmp_path, text, report):
    assert failure(write(tmp_path, "r.toml", text)) == report


def test_not_utf8(tmp_path):
    file = tmp_path / "r.toml"
    file.write_bytes("a = 1\né".encode() + b"\xff")
    assert failure(file) == "r.toml:2:2  not UTF-8 text  save the file as UTF-8"


M = 1024 * 1024
HOSTILE = {
    "arrays": "a = " + "[" * 500 + "]" * 500,
    "open arrays": "a = " + "[" * (M - 10),
    "tables": "a = " + "{a=" * 500 + "1" + "}" * 500,
    "dotted key": ".".join(["a"] * 10_000) + " = 1",
    "spaced dotted key": " . ".join(["a"] * 10_000) + " = 1",
    "quoted dotted key": ".".join(['"a"'] * 10_000) + " = 1",
    "nested headers": "\n".join("[" + ".".join(["a"] * (n + 1)) + "]" for n in range(1000)),
    "integer": "a = " + "1" * 5000,
    "hex": "a = 0x" + "f" * 900_000,
    "underscores": "a = " + "1_" * 60,
    "float": "a = 1." + "0" * 500_000,
    "too large": "#" * (M + 1),
    "many keys": "\n".join(f"k{n} = 1" for n in range(20_000)),
    "many headers": "\n".join(f"[k{n}]" for n in range(20_000)),
    "many values": "a = [" + "1," * 500_000 + "]",
    "escapes": 'a = "' + "\\n" * 500_000 + '"',
    "string": 'a = "' + "x" * 70_000 + '"',
    "open string": 'a = "' + "x" * 70_000,
    "open text": 'a = """' + "\n" * 70_000,
    "text quotes": 'a = """' + 'x"" ' * 20_000 + '"""',
    "quotes": "'" * (M - 10),
    "double quotes": '"' * (M - 10),
    "equals": "=" * (M - 10),
    "brackets": "]" * (M - 10),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_at_once(tmp_path, name):
    file = write(tmp_path, "r.toml", HOSTILE[name])
    start = time.process_time()
    report = failure(file)
    assert time.process_time() - start < 10
    assert len(report) < 300
    assert "\n" not in report


@pytest.mark.parametrize(
    "text",
    [
        "\n" * (M - 10),
        "# x\n" * 250_000,
        "#" * M,
        " " * M,
        "\n".join(f"k{n}.a.b.c = 1" for n in range(9_000)),
    ],
)
def test_large_but_harmless_text_is_quick(tmp_path, text):
    file = write(tmp_path, "r.toml", text)
    start = time.process_time()
    try:
        read(file)
    except RecipeError as error:
        assert "symbols" in str(error)  # noqa: PT017
    assert time.process_time() - start < 10


@pytest.mark.parametrize("name", ["\0base.toml", "base\0.toml"])
def test_a_path_that_can_be_no_path(tmp_path, name):
    file = write(tmp_path, "r.toml", f"extends = {json.dumps(name)}\n")
    assert "can't be read: embedded null byte" in failure(file)


def test_a_circle_of_links(tmp_path):
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.symlink_to(two)
    two.symlink_to(one)
    assert "can't be read: Too many levels of symbolic links" in failure(one)

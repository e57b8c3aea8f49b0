"""What is known of the plugins before anything heavy is imported, and the recipe of the README."""

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from random import Random

import mtlkit

from mtlkit_vision.cards import CARDS, mtlkit_cards
from mtlkit_vision.encoder import build
from mtlkit_vision.options import ImageEncoder

HEAVY = ("torch", "transformers", "PIL", "numpy")


def test_the_cards_are_found_by_the_entry_point():
    found = [entry.load() for entry in entry_points(group="mtlkit") if entry.name == "mtlkit-vision"]
    assert [module.mtlkit_cards() for module in found] == [mtlkit_cards()]
    assert [(card.kind, card.name) for card in CARDS] == [
        ("backbone", "image-encoder"),
        ("data", "image-folder"),
    ]
    assert "He et al. 2016" in CARDS[0].paper
    assert "Dosovitskiy et al. 2021" in CARDS[0].paper


def test_cards_and_options_import_nothing_heavy():
    code = "import sys, mtlkit_vision.cards, mtlkit_vision.options; "
    code += f"sys.exit(','.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_recipe_of_the_readme_is_one(tmp_path):
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "recipe.toml").write_text(recipe, encoding="utf-8")
    from mtlkit_vision.options import ImageFolder

    (tmp_path / "data").mkdir()
    Path(ImageFolder.sample(tmp_path)["path"]).rename(tmp_path / "data/pets")
    assert mtlkit.plan(mtlkit.load(tmp_path / "recipe.toml")).name == "pets"


def test_the_examples_of_the_options_are_read(tmp_path):
    encoder = build(ImageEncoder(model="tiny-convnext"))
    rows = ImageEncoder.examples(5, Random(2), tmp_path)
    assert len({item.pixels.tobytes() for item in encoder.prepare(rows)}) == 5


def test_only_public_names_of_mtlkit_are_used():
    package = Path(__file__).parent.parent / "src/mtlkit_vision"
    modules = sorted(package.glob("*.py"))
    used = {
        name
        for module in modules
        for name in re.findall(r"\bmtlkit\.(\w+)", module.read_text(encoding="utf-8"))
    }
    assert len(modules) > 8
    assert used <= set(mtlkit.__all__)
    assert not any(re.search(r"from mtlkit[. ]", module.read_text(encoding="utf-8")) for module in modules)

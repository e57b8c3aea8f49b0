"""Recipes and models of other tests are used here too."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "engine"), str(TESTS / "builtin" / "backbones")]

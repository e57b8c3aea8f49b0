"""Hypothesis strategies for what plugins are functions of; what they draw prints as code and shrinks."""

from mtlkit.testing.strategies.batches import batches, features_of
from mtlkit.testing.strategies.clocks import durations, interruptions, progresses, walks
from mtlkit.testing.strategies.metrics import metric_logs
from mtlkit.testing.strategies.mutations import nearly_valid_recipes
from mtlkit.testing.strategies.optimizers import build_optimizer_of, optimizers
from mtlkit.testing.strategies.options import options
from mtlkit.testing.strategies.recipes import recipes, write_rows
from mtlkit.testing.strategies.tables import BLOCK_PATHS, SHAPES, TASKS, param_tables

__all__ = [
    "BLOCK_PATHS",
    "SHAPES",
    "TASKS",
    "batches",
    "build_optimizer_of",
    "durations",
    "features_of",
    "interruptions",
    "metric_logs",
    "nearly_valid_recipes",
    "optimizers",
    "options",
    "param_tables",
    "progresses",
    "recipes",
    "walks",
    "write_rows",
]

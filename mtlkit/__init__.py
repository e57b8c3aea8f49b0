"""mtlkit: declarative multi-task transfer learning with plans, plugins and proved freezing.

    recipe = mtlkit.load("recipe.toml")
    plan = mtlkit.plan(recipe)
    result = mtlkit.run(plan)
    run = mtlkit.open_run(result.run_dir)

Everything a plugin author needs is in this module too: the contracts, `Card`, `option`, `hookimpl`.
Importing it imports neither torch nor transformers.
"""

import mtlkit.plan  # noqa: F401  before the function of the same name, which must stay the attribute
from mtlkit.api import LoadedRecipe, export_run, load, open_run, plan, resume, run
from mtlkit.contracts.backbone import Backbone, Features, Layered, Pooling, Splittable, Vocabulary
from mtlkit.contracts.balance import Balancer
from mtlkit.contracts.card import API_LEVEL, Card
from mtlkit.contracts.data import DataSource, Record, Value
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import Chosen, FreezePolicy
from mtlkit.contracts.head import Head, HeadContext, HeadOptions, LossTerm, Measure
from mtlkit.contracts.optimizer import OptimizerOptions
from mtlkit.contracts.options import option
from mtlkit.contracts.params import Kind, ParamTable, Role, Row
from mtlkit.contracts.place import Place
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.contracts.rates import Curve, LRSchedule
from mtlkit.contracts.sampling import Sampler, Source
from mtlkit.contracts.statistics import Statistic, history
from mtlkit.contracts.tracker import Tracker
from mtlkit.errors import (
    DataError,
    MtlkitError,
    PluginError,
    Problem,
    RecipeError,
    ResourceError,
    TrainingError,
    UsageError,
)
from mtlkit.hookspecs import hookimpl
from mtlkit.plan.changes import Leave

__version__ = "0.1.0"
__all__ = [
    "API_LEVEL",
    "Backbone",
    "Balancer",
    "Card",
    "Chosen",
    "Curve",
    "DataError",
    "DataSource",
    "Duration",
    "Features",
    "FreezePolicy",
    "Head",
    "HeadContext",
    "HeadOptions",
    "Kind",
    "LRSchedule",
    "Layered",
    "Leave",
    "LoadedRecipe",
    "LossTerm",
    "Measure",
    "Measurement",
    "MtlkitError",
    "OptimizerOptions",
    "ParamTable",
    "Place",
    "PluginError",
    "Pooling",
    "Problem",
    "Progress",
    "RecipeError",
    "Record",
    "ResourceError",
    "Role",
    "Row",
    "Sampler",
    "Source",
    "Splittable",
    "Statistic",
    "Tracker",
    "TrainingError",
    "UsageError",
    "Value",
    "Vocabulary",
    "export_run",
    "history",
    "hookimpl",
    "load",
    "open_run",
    "option",
    "plan",
    "resume",
    "run",
]

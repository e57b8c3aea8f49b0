"""`mtlkit schema`: the JSON Schema of recipes, with the options of every installed plugin."""

from mtlkit.cli.arguments import PluginFiles
from mtlkit.cli.show import say_json


def schema(*, plugin: PluginFiles = ()) -> int:
    """Print a JSON Schema that editors complete and check recipes with."""
    from mtlkit.catalog.discover import open_catalog
    from mtlkit.plan.schema import recipe_schema

    say_json(recipe_schema(open_catalog(plugin)))
    return 0

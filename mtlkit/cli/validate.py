"""`mtlkit validate`: every problem of a recipe that can be known without torch."""

import attrs

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.show import say, say_json, show_problems
from mtlkit.errors import Problem, RecipeError


def validate(
    recipe: RecipeFile, /, *, set_: Overrides = (), plugin: PluginFiles = (), json: Json = False
) -> int:
    """Check a recipe and report every problem at once, each with file, line and column.

    Loads neither torch nor any weights; what needs the model or whole files is checked by `plan`.
    """
    from mtlkit.api import load

    problems: tuple[Problem, ...] = ()
    try:
        load(recipe, set_, plugin)
    except RecipeError as error:
        problems = error.problems
    if json:
        say_json({"problems": [attrs.asdict(problem) for problem in problems]})
    elif problems:
        show_problems(problems)
    else:
        say(f"{recipe}: no problems")
    return RecipeError.exit_code if problems else 0

"""`mtlkit convert`: pickled weights to safetensors, in a process of its own."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mtlkit.cli.arguments import Json
from mtlkit.cli.show import say, say_json

Model = Annotated[Path, Parameter(help="a model folder with pytorch_model.bin, or such a file")]


def convert(model: Model, /, *, json: Json = False) -> int:
    """Write model.safetensors beside weights that are pickled, which mtlkit does not read otherwise."""
    from mtlkit.converting import convert as made_safe

    target = made_safe(model)
    if json:
        say_json({"file": str(target)})
    else:
        say(str(target))
    return 0

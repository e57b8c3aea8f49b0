"""Problems of a plugin's own options, found after the shape."""

from pathlib import Path
from typing import Literal

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from mtlkit.recipe.document import read
from mtlkit.recipe.problems import from_validation_error


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    until: str
    layers: list[str] = []


class Other(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int
    mode: Literal["up", "down"] = "up"


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    delimiter: str = ","
    stages: list[Inner | Other] = []
    rates: dict[str, float] = {}
    named: dict[str, Inner] = {}
    size: int | str = 1


def report(folder: Path, text: str, prefix=("data", "x")) -> list[str]:
    file = folder / "r.toml"
    file.write_text(text)
    document = read(file)
    table = {key: value for key, value in document.value(prefix).items() if key != "use"}
    with pytest.raises(pydantic.ValidationError) as caught:
        Options.model_validate_json(to_json(table), strict=True)
    problems = from_validation_error(caught.value, document, prefix, Options)
    return [str(each).replace(f"{folder}/", "") for each in problems]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("delimeter = ';'", "2:1  data.x.delimeter  unknown key 'delimeter'  did you mean 'delimiter'?"),
        ("lables = {}", "2:1  data.x.lables  unknown key 'lables'  did you mean 'labels'?"),
        ("weight = 1", "2:1  data.x.weight  unknown key 'weight'  'weight' belongs in [tasks.NAME]"),
        ("size = [1]", "2:8  data.x.size  a list is not a whole number or text  write a whole number or text"),
        ("rates = { a = 'x' }", "2:15  data.x.rates.a  'x' is not a number  write a number such as 0.5"),
        ("rates = { a = '1' }", "2:15  data.x.rates.a  '1' is not a number  write 1 without quotes"),
        ("named = { a = { until = '1', layer = [] } }",
         "2:30  data.x.named.a.layer  unknown key 'layer'  did you mean 'layers'?"),
        ("named = { a = { until = '1', layers = 'x' } }",
         "2:39  data.x.named.a.layers  'x' is not a list  write ['x']"),
        ("stages = [{ until = '1', layer = [] }]",
         "2:26  data.x.stages[0].layer  unknown key 'layer'  did you mean 'layers'?"),
        ("stages = [{ steps = 1, mode = 'dwn' }]",
         "2:31  data.x.stages[0].mode  'dwn' is not a choice here  choose 'down' or 'up'"),
        ("stages = [3]", "2:11  data.x.stages[0]  3 is not a table  write a table: { key = value }"),
    ],
)  # fmt: skip
def test_option_problems(tmp_path, line, expected):
    assert report(tmp_path, f"[data.x]\n{line}\n") == [f"r.toml:{expected}"]

"""The shape of a recipe, and every way to get it wrong, all at once."""

import json
import warnings
from pathlib import Path

import pytest

from mtlkit.contracts.duration import Duration
from mtlkit.recipe.check import shape
from mtlkit.recipe.document import read
from mtlkit.recipe.model import PluginTable, Recipe
from mtlkit.recipe.problems import closest, dotted

GOOD = """
name = "quickstart"
[backbone]
use = "tiny"
[data.reviews]
use = "csv"
path = "r.csv"
labels = { label = { "0" = "negative" } }
split = { validation = 0.1, test = 0.1, by = ["text"] }
where = { source = ["a", "b"] }
limit = { train = 10 }
[tasks.sentiment]
data = "reviews"
weight = 1
head = { use = "sequence-classification", text = "text" }
"""


def check(folder: Path, text: str, overrides=()):
    file = folder / "r.toml"
    file.write_text(text)
    recipe, problems = shape(read(file, overrides))
    assert (recipe is None) == bool(problems)
    return recipe, [str(each).replace(f"{folder}/", "") for each in problems]


def test_a_good_recipe(tmp_path):
    recipe, problems = check(tmp_path, GOOD)
    assert problems == []
    assert recipe.tasks["sentiment"].weight == 1.0
    assert type(recipe.tasks["sentiment"].weight) is float
    assert recipe.tasks["sentiment"].head.options == {"text": "text"}
    assert recipe.data["reviews"].options == {"path": "r.csv"}
    assert recipe.freeze == [PluginTable(use="none")]
    assert (recipe.lr.use, recipe.lr.curve.use, recipe.lr.options) == ("uniform", "constant", {})
    assert recipe.training.length == Duration(3, "ep")
    assert (recipe.training.evaluate_every, recipe.training.checkpoint_every) == (
        Duration(1, "ep"),
        Duration(1, "ep"),
    )
    assert recipe.logging.every == Duration(1, "st")


def test_short_forms(tmp_path):
    short = GOOD + (
        '[freeze]\nuse = "all"\n[lr]\nuse = "a"\ncurve = "linear"\nx = 1\n'
        "[logging.trackers.tensorboard]\nflush = 3\n[training]\ngrad_clip = false\nevaluate_every = false\n"
    )
    recipe, problems = check(tmp_path, short)
    assert problems == []
    assert recipe.freeze == [PluginTable(use="all")]
    assert recipe.lr.curve == PluginTable(use="linear")
    assert recipe.lr.options == {"x": 1}
    assert recipe.logging.trackers["tensorboard"].use == "tensorboard"
    assert recipe.logging.trackers["tensorboard"].options == {"flush": 3}
    assert (recipe.training.grad_clip, recipe.training.evaluate_every) == (None, None)


@pytest.mark.parametrize(
    ("addition", "report"),
    [
        (
            "[training]\nbatch_sise = 3",
            "2:1  training.batch_sise  unknown key 'batch_sise'  did you mean 'batch_size'?",
        ),
        ("[optimizers]", "1:2  optimizers  unknown key 'optimizers'  did you mean 'optimizer'?"),
        (
            "[selection]\nbatch_size = 1\nmetric = 'sentiment/f1'",
            "2:1  selection.batch_size  unknown key 'batch_size'  'batch_size' belongs in [training]",
        ),
        (
            "[training]\nbatch_size = '32'",
            "2:14  training.batch_size  '32' is not a whole number  write 32 without quotes",
        ),
        (
            "[training]\nbatch_size = true",
            "2:14  training.batch_size  true is not a whole number  write a whole number such as 3",
        ),
        ("[training]\nbatch_size = 0", "2:14  training.batch_size  0 is too small  write a number above 0"),
        ("[training]\nbatch_size = 1.5", "2:14  training.batch_size  1.5 is not a whole number  write 2"),
        (
            "[training]\nlength = '3 epochs'",
            "2:10  training.length  '3 epochs' is not a duration  "
            'write "3ep" (epochs), "500st" (steps) or "10%" (of the run)',
        ),
        (
            "[training]\nlength = 3",
            '2:10  training.length  3 is not a duration  write "3ep" (epochs), "500st" (steps) or "10%" (of the run)',
        ),
        ("[training]\ngrad_clip = 0", "2:13  training.grad_clip  0 is too small  write a number above 0"),
        (
            "[training]\ngrad_clip = true",
            "2:13  training.grad_clip  true is not a number or false  write a number or false",
        ),
        (
            "[training]\nprecision = 'bf61'",
            "2:13  training.precision  'bf61' is not a choice here  choose 'bf16', 'fp32' or 'auto'",
        ),
        ("[freeze]\nuze = 'all'", "1:2  freeze.use  missing key 'use'  rename 'uze' to 'use'"),
        (
            "[[freeze]]\nuse = 'all'\n[[freeze]]\nuse = 3",
            '4:7  freeze[1].use  3 is not text  write "3" in quotes',
        ),
        ("freeze = 3", "1:10  freeze  3 is not a list or a table  write a list or a table"),
        (
            "[lr]\nuse = 'a'\ncurve = { warmup = '3ep' }",
            "3:1  lr.curve.use  missing key 'use'  add use = …: the name of a plugin",
        ),
        ("[lr]\nuse = 'a'\ncurve = 3", "3:9  lr.curve  3 is not a table or text  write a table or text"),
        (
            "[selection]\nmetric = 'sentimnet/f1'",
            "2:10  selection.metric  there is no task 'sentimnet'  did you mean 'sentiment'?",
        ),
        ("[selection]\nmetric = 'f1'", "2:10  selection.metric  'f1' has the wrong form  write TASK/METRIC"),
        (
            "[tasks.other]\ndata = 'review'\nhead = { use = 'h' }",
            "2:8  tasks.other.data  there is no [data.review]  did you mean 'reviews'?",
        ),
        (
            "[tasks.backbone]\ndata = 'reviews'\nhead = { use = 'h' }",
            "1:8  tasks.backbone  a task can't be called 'backbone'  give it another name",
        ),
        (
            "[tasks.other]\ndata = 'reviews'\nweight = -1\nhead = { use = 'h' }",
            "3:10  tasks.other.weight  -1 is too small  write a number of at least 0",
        ),
        (
            "[tasks.'My Task']\ndata = 'reviews'\nhead = { use = 'h' }",
            "1:8  tasks.\"My Task\"  'My Task' is not a name  write 'my-task': lower-case letters, digits, '_', '-' and '.'",
        ),
        (
            "[tasks.other]\ndata = 'reviews'\n",
            "1:8  tasks.other.head  missing key 'head'  add [tasks.other.head]: what is predicted, and from which columns",
        ),
        (
            "[data.x]\nuse = 'csv'\nsplit = { validation = 0.5, test = 0.5 }",
            "3:9  data.x.split  validation and test leave no row to train on  together they must be below 1",
        ),
        (
            "[data.x]\nuse = 'csv'\nsplit = { test = 'dev' }",
            "3:18  data.x.split.test  'dev' is a value of which column?  add column = \"…\"",
        ),
        (
            "[data.x]\nuse = 'csv'\nsplit = { test = 1.5 }",
            "3:18  data.x.split.test  1.5 is not a share  write a number of at least 0 and below 1",
        ),
        (
            "[data.x]\nuse = 'csv'\nlimit = { trian = 5 }",
            "3:11  data.x.limit.trian  'trian' is not a choice here  choose 'train', 'validation' or 'test'",
        ),
        (
            "[data.x]\nuse = 'csv'\nsplit = { by = 'text' }",
            "3:16  data.x.split.by  'text' is not a list  write ['text']",
        ),
        (
            "[data.x]\nuse = 'csv'\nlabels = { a = 3 }",
            "3:16  data.x.labels.a  3 is not a table  write a table: { key = value }",
        ),
        (
            "[data.x]\nuse = 'csv'\nsplit = { tset = 0.1 }",
            "3:11  data.x.split.tset  unknown key 'tset'  did you mean 'test'?",
        ),
    ],
)
def test_one_mistake_gives_one_problem_in_its_place(tmp_path, addition, report):
    # keys of the top level must stand before the first table, so additions of tables go to the end
    top = not addition.startswith("[")
    text = f"{addition}\n{GOOD}" if top else f"{GOOD}{addition}\n"
    _, problems = check(tmp_path, text)
    line, _, rest = report.partition(":")
    first = int(line) + (0 if top else GOOD.count("\n"))
    assert problems == [f"r.toml:{first}:{rest}"]


def test_everything_at_once_in_the_order_of_the_file(tmp_path):
    text = 'nmae = "x"\n[backbone]\nus = "tiny"\n[tasks.a]\ndata = "nothing"\nhead = { use = 3 }\nweight = "high"\n'
    _, problems = check(tmp_path, text, ["training.batch_size=yes", "seed=-1"])
    assert problems == [
        "r.toml:1:1  data  missing key 'data'  add [data.NAME]: sources of rows, which several tasks may share",
        "r.toml:1:1  name  missing key 'name'  rename 'nmae' to 'name'",
        "r.toml:1:1  nmae  unknown key 'nmae'  did you mean 'name'?",
        "r.toml:2:2  backbone.use  missing key 'use'  rename 'us' to 'use'",
        "r.toml:5:8  tasks.a.data  there is no [data.nothing]",
        'r.toml:6:16  tasks.a.head.use  3 is not text  write "3" in quotes',
        "r.toml:7:10  tasks.a.weight  'high' is not a number  write a number such as 0.5",
        "--set  seed  -1 is too small  write a number of at least 0",
        "--set  training.batch_size  'yes' is not a whole number  write a whole number such as 3",
    ]


def test_no_task(tmp_path):
    _, problems = check(tmp_path, "name = 'a'\n[backbone]\nuse = 'a'\n[data]\n[tasks]\n")
    assert problems == ["r.toml:5:2  tasks  there is no task  add [tasks.NAME]"]


def test_thousands_of_mistakes_are_cut_off(tmp_path):
    _, problems = check(tmp_path, "\n".join(f"k{n} = 1" for n in range(2_900)) + GOOD)
    assert 90 <= len(problems) <= 101


@pytest.mark.parametrize(
    "text", ["", "name = []", "tasks = 3\ndata = [1]", "tasks = [[]]\nselection = 1", "lr = []"]
)
def test_nonsense_never_raises(tmp_path, text):
    _, problems = check(tmp_path, text)
    assert problems


def test_the_json_schema_describes_every_field():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = Recipe.model_json_schema()
    for table in (schema, *schema["$defs"].values()):
        assert all("description" in field for field in table["properties"].values())
    training = schema["$defs"]["TrainingTable"]["properties"]
    assert training["length"]["default"] == "3ep"
    assert "pattern" in training["length"]
    json.dumps(schema)


def test_closest():
    assert closest("lables", ["labels", "limit"]) == "did you mean 'labels'?"
    assert closest("zzz", ["a", "b"]) == "choose from a, b"
    assert (
        closest("zzz", [f"n{n}" for n in range(10)])
        == "choose from n0, n1, n2, n3, n4, n5, n6, n7, … (10 in all)"
    )
    assert closest("zzz", []) == ""


def test_dotted():
    assert dotted(("freeze", 1, "layers")) == "freeze[1].layers"
    assert dotted(("tasks", "a.b")) == 'tasks."a.b"'

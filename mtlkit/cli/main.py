"""The command line: one lazy command per file, one place that turns errors into exit codes."""

import gc
import os
import signal
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from rich.console import Console

from mtlkit.cli.offline import OPTION, go_offline
from mtlkit.cli.show import note, show_problems
from mtlkit.cli.signals import leaving
from mtlkit.cli.streams import hush_threads, leave_streams, open_streams
from mtlkit.errors import MtlkitError, UsageError
from mtlkit.refusals import refusals

HELP = """Multi-task transfer learning from one recipe: validated, planned, run, and proved frozen.

With --offline, no command opens a connection, whatever a recipe names.

Exit codes: 0 done, 1 a bug in mtlkit, 2 wrong usage or recipe, 3 unreadable data, 4 a broken plugin,
5 something missing, 6 training failed, 7 the run is busy, 130 or 143 stopped by a signal.
"""
COMMANDS = {
    "run": (
        "Train, evaluate and save what a recipe says.",
        (
            "mtlkit run recipes/quickstart.toml",
            "mtlkit run recipe.toml --set training.length=100st --out elsewhere",
            "mtlkit run recipe.toml --json | jq .metrics",
        ),
    ),
    "resume": (
        "Go on with a run that did not reach its end; it ends as if it had never stopped.",
        (
            "mtlkit resume runs/quickstart/20260101-120000",
            "mtlkit resume RUN --set training.length=9ep --allow training.length",
        ),
    ),
    "prove": (
        "Kill and resume a recipe at several steps, and compare every byte.",
        ("mtlkit prove recipe.toml", "mtlkit prove recipe.toml --steps 100 --json"),
    ),
    "validate": (
        "Check a recipe; report every problem at once, each with file, line and column.",
        ("mtlkit validate recipe.toml", "mtlkit validate recipe.toml --json"),
    ),
    "plan": (
        "Show groups, phases, rates over time and an estimate of cost, before anything trains.",
        (
            "mtlkit plan recipe.toml",
            "mtlkit plan recipe.toml --params",
            "mtlkit plan recipe.toml --plot plan.svg",
            "mtlkit plan recipe.toml --json",
        ),
    ),
    "predict": (
        "Write rows again with what the tasks of a finished run predict for each.",
        (
            "mtlkit predict runs/quickstart/20260101-120000 --task sentiment < rows.jsonl > out.jsonl",
            "mtlkit predict RUN --task sentiment --task entities --in rows.csv --out out.csv",
        ),
    ),
    "evaluate": (
        "Measure the tasks of a finished run, on its own rows or on those of a file.",
        (
            "mtlkit evaluate runs/quickstart/20260101-120000",
            "mtlkit evaluate RUN --task sentiment --data new.csv --json",
        ),
    ),
    "export": (
        "Write the model of a finished run as folders that other libraries load.",
        (
            "mtlkit export runs/quickstart/20260101-120000",
            "mtlkit export RUN --out my-model --task sentiment",
        ),
    ),
    "data": (
        "Look through the rows: labels, lengths, duplicates, contradictions, leaks.",
        ("mtlkit data recipe.toml", "mtlkit data recipe.toml --json | jq .leaks"),
    ),
    "plugins": (
        "List the installed plugins, or show the options of one.",
        ("mtlkit plugins", "mtlkit plugins layer-wise", "mtlkit plugins --json"),
    ),
    "check": (
        "Hold a plugin against the conformance kit of its kind.",
        (
            "mtlkit check layer-wise",
            "mtlkit check mtlkit_crf:CARD --profile standard",
            "mtlkit check my_head.py:HEAD --json",
        ),
    ),
    "cache": (
        "List or remove what frozen weights yielded in earlier runs.",
        ("mtlkit cache ls", "mtlkit cache rm", "mtlkit cache rm 3f2a"),
    ),
    "new": (
        "Write a small distribution with a plugin that works, to start from.",
        ("mtlkit new head crf", "mtlkit new freeze-policy every-other --out plugins"),
    ),
    "convert": (
        "Make safetensors of pickled weights, in a process of its own.",
        ("mtlkit convert models/old-bert",),
    ),
    "schema": (
        "Print the JSON Schema of recipes, options of the installed plugins included.",
        ("mtlkit schema > mtlkit.schema.json",),
    ),
}
INTERRUPTED = 130
FEW_CYCLES = 50_000
"""Objects made before Python looks for unused cycles: importing and reading rows make many and no cycles."""


def app() -> App:
    """The commands; their modules are imported when called."""
    commands = App(
        name="mtlkit",
        help=HELP,
        version=_version,
        help_format="plaintext",
        console=Console(),
        error_console=Console(stderr=True),
    )
    for name, (summary, examples) in COMMANDS.items():
        shown = "Examples:\n" + "\n".join(f"  {example}" for example in examples)
        commands.command(f"mtlkit.cli.{name}:{name}", help=summary, help_epilogue=shown)
    return commands


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    gc.set_threshold(FEW_CYCLES)
    open_streams()
    hush_threads()
    code = _code(arguments)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is done: no traceback of what Python does at its end
    leave_streams()
    gc.freeze()  # else Python looks for unused cycles among all of torch's objects: a fifth of a second
    sys.exit(code)


def _code(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if OPTION in words:
        words.remove(OPTION)
        go_offline()
    try:
        with refusals(), leaving():
            code = app()(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        show_problems(UsageError(str(error), f"see `{_helped(words)}`").problems)
        return UsageError.exit_code
    except MtlkitError as error:
        show_problems(error.problems)
        return error.exit_code
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has gone; without this, Python complains again when it closes standard output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _helped(words: Sequence[str]) -> str:
    """Where help is found for what these words meant."""
    return f"mtlkit {words[0]} --help" if words and words[0] in COMMANDS else "mtlkit --help"


def _version() -> str:
    from mtlkit import __version__

    return __version__

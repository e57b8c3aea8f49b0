"""`mtlkit prove`: kill and resume a recipe at several steps, and compare every byte."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveInt

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.show import note, say, say_json, say_text, table
from mtlkit.errors import MtlkitError, TrainingError, UsageError

Steps = Annotated[PositiveInt, Parameter(help="the length of the trial in steps")]
Out = Annotated[Path, Parameter(help="where the trial's runs go; they are removed when all bytes are equal")]
FEWEST = 2


def prove(
    recipe: RecipeFile,
    /,
    *,
    steps: Steps = 40,
    set_: Overrides = (),
    out: Out = Path("runs"),
    plugin: PluginFiles = (),
    json: Json = False,
) -> int:
    """Prove on your own recipe that a run which is killed and resumed ends as if it had never stopped."""
    from mtlkit.api import load, plan, preview
    from mtlkit.proving import Subject, points
    from mtlkit.proving import prove as trials

    if steps < FEWEST:
        raise UsageError("a run of one step is never interrupted", f"take --steps {FEWEST} or more")
    folder = _fresh(out)
    subject = Subject(recipe, tuple(set_), tuple(plugin), steps, folder)
    prepared = preview(plan(load(recipe, subject.settings(), plugin)))
    borders = [phase.start for phase in prepared.phases if phase.start]
    count = len(points(steps, borders))
    note(f"{prepared.plan.name}: one run of {steps} steps, then {count} that are interrupted and resumed")
    found = []
    with _cleared_when_stopped(folder):
        for trial in trials(subject, borders):
            found.append(trial)
            note(f"{len(found)}/{count}  step {trial.step}, {trial.how}: {_verdict(trial.differs)}")
    equal = all(not trial.differs for trial in found)
    if equal:
        shutil.rmtree(folder)
    if json:
        say_json({"steps": steps, "equal": equal, "trials": [attrs.asdict(trial) for trial in found]})
    else:
        rows = [
            (str(trial.step), trial.how, str(trial.resumed_from), _verdict(trial.differs)) for trial in found
        ]
        say_text(table(("after step", "by", "resumed from", "weights, optimizer, state, event log"), rows))
        say()
        say("every byte is equal" if equal else f"the runs are in {folder}")
    return 0 if equal else TrainingError.exit_code


@contextmanager
def _cleared_when_stopped(folder: Path) -> Iterator[None]:
    """Half a proof proves nothing: a signal leaves no runs behind. A run that fails may be looked at."""
    try:
        yield
    except MtlkitError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _verdict(differs: tuple[str, ...]) -> str:
    return f"differs in {', '.join(differs)}" if differs else "equal"


def _fresh(out: Path) -> Path:
    number = 1
    while (folder := out / f"proof-{number}").exists():
        number += 1
    return folder

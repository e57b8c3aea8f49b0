"""The run directory: `runs/<name>/<id>/`, made once and never reused."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from mtlkit.errors import ResourceError
from mtlkit.outputs.event_log import has_ended
from mtlkit.plan.model import Plan
from mtlkit.whole_file import sync, write_whole

CHECKPOINTS, RECIPE, RESUMES, PLAN = "checkpoints", "recipe.toml", "resumes.jsonl", "plan.json"


def create(plan: Plan, out: Path, plan_json: str) -> Path:
    """Make the directory and write `recipe.toml` and `plan.json` into it.

    Raises:
        ResourceError: when it can't be made or written.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    parent = out / plan.name
    run_dir = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        run_dir = _fresh(parent, stamp)
        (run_dir / CHECKPOINTS).mkdir()
        write_whole(run_dir / PLAN, plan_json)
        write_whole(run_dir / RECIPE, _header(plan) + tomli_w.dumps(plan.recipe))  # makes it a run
        sync(parent)
    except OSError as error:
        if run_dir is not None:
            shutil.rmtree(run_dir, ignore_errors=True)
        raise ResourceError(
            f"the run directory below {parent} can't be made: {error}", "choose another --out"
        ) from error
    return run_dir


def resumed(run_dir: Path, plan: Plan, plan_json: str, entry: Mapping[str, Any]) -> None:
    """Add how a run goes on to `resumes.jsonl`; a recipe that was changed for it is written anew.

    Raises:
        ResourceError: when the directory can't be written.
    """
    try:
        with (run_dir / RESUMES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        text = _header(plan) + tomli_w.dumps(plan.recipe)
        if text != (run_dir / RECIPE).read_text(encoding="utf-8"):
            shutil.copyfile(run_dir / RECIPE, run_dir / f"recipe-until-{entry['step']}.toml")
            write_whole(run_dir / PLAN, plan_json)
            write_whole(run_dir / RECIPE, text)
    except OSError as error:
        raise ResourceError(f"{run_dir} can't be written: {error.strerror}") from error


def unfinished(parent: Path) -> Path | None:
    """The newest run directory below `parent` whose log has no end, None where there is none."""
    runs = sorted(path.parent for path in parent.glob(f"*/{RECIPE}"))
    return next((run_dir for run_dir in reversed(runs) if not has_ended(run_dir)), None)


def phases_of(run_dir: Path) -> list[Any]:
    """The phases as `plan.json` has them.

    Raises:
        ResourceError: when it can't be read.
    """
    path = run_dir / PLAN
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["phases"]
    except OSError as error:
        raise ResourceError(f"{path} can't be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ResourceError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    return list(found) if isinstance(found, list) else []


def _fresh(parent: Path, stamp: str) -> Path:
    number = 1
    while True:
        run_dir = parent / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            run_dir.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return run_dir


def _header(plan: Plan) -> str:
    """Versions of every distribution that the run uses, as comments."""
    versions = sorted({f"# {part.distribution} {part.version}\n" for part in plan.parts})
    return "# resolved: every default written out\n" + "".join(versions)

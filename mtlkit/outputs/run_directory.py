"""The run directory: `runs/<name>/<id>/`, made once and never reused."""

from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from mtlkit.errors import ResourceError
from mtlkit.plan.model import Plan

CHECKPOINTS = "checkpoints"
RECIPE = "recipe.toml"


def create(plan: Plan, out: Path, plan_json: str) -> Path:
    """Make the directory and write `recipe.toml` and `plan.json` into it.

    Raises:
        ResourceError: when it can't be made or written.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    parent = out / plan.name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        run_dir = _fresh(parent, stamp)
        (run_dir / CHECKPOINTS).mkdir()
        (run_dir / RECIPE).write_text(_header(plan) + tomli_w.dumps(plan.recipe), encoding="utf-8")
        (run_dir / "plan.json").write_text(plan_json, encoding="utf-8")
    except OSError as error:
        raise ResourceError(
            f"the run directory below {parent} can't be made: {error}", "choose another --out"
        ) from error
    return run_dir


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
    parts = (
        plan.backbone,
        *(data.source for data in plan.data),
        *(task.head for task in plan.tasks),
        *plan.freeze,
        *plan.regularizers,
        plan.lr,
        plan.curve,
        *plan.curves.values(),
        plan.optimizer,
        plan.sampler,
        plan.balancer,
        *plan.trackers,
    )
    versions = sorted({f"# {part.distribution} {part.version}\n" for part in parts})
    return "# resolved: every default written out\n" + "".join(versions)

"""Proof by trial: a recipe is run, killed and resumed at several steps, and every byte compared.

Each part is a process of its own, as in life: the kill is a SIGKILL, and nothing survives it but files.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from mtlkit.errors import MtlkitError, TrainingError

SAVES = 8
MOST_POINTS = 8
COMPARED = ("weights.safetensors", "optimizer.safetensors", "state.json")
LOG = "events.jsonl"


@frozen
class Subject:
    """A recipe with its overrides and plugin files, cut to `steps` steps, run below `folder`."""

    recipe: Path
    overrides: tuple[str, ...]
    plugin_files: tuple[Path, ...]
    steps: int
    folder: Path

    def settings(self) -> tuple[str, ...]:
        """The overrides, with length and checkpoints of the trial."""
        every = max(1, self.steps // SAVES)
        return (
            *self.overrides,
            f"training.length={self.steps}st",
            f"training.checkpoint_every={every}st",
        )


@frozen
class Trial:
    """What came of an interruption after `step` steps, made by `how`; what differs should be nothing."""

    step: int
    how: str
    resumed_from: int = 0
    differs: tuple[str, ...] = ()


def points(steps: int, borders: Sequence[int]) -> list[int]:
    """The steps after which to interrupt: the first, the last but one, a middle, and around phase changes."""
    wanted = {1, steps // 2, steps - 1}
    for border in borders:
        wanted |= {border - 1, border, border + 1}
    found = sorted(step for step in wanted if 1 <= step < steps)
    if len(found) > MOST_POINTS:
        found = [found[at * (len(found) - 1) // (MOST_POINTS - 1)] for at in range(MOST_POINTS)]
    return found


def prove(subject: Subject, borders: Sequence[int]) -> Iterator[Trial]:
    """Run without interruption, then once for each point; the middle one is stopped by SIGTERM, not killed.

    Raises:
        TrainingError: when a run fails by itself; says how.
    """
    straight = subject.folder / "straight"
    _run(subject, straight, 0, "SIGKILL")
    chosen = points(subject.steps, borders)
    for number, step in enumerate(chosen):
        how = "SIGTERM" if number == len(chosen) // 2 else "SIGKILL"
        place = subject.folder / f"{how}-{step}"
        _run(subject, place, step, how)
        run_dir = _run_dir(place)
        asked = [sys.executable, "-m", "mtlkit", "resume", str(run_dir)]
        _wait([*asked, *_plugins(subject)], f"the resume after step {step}", {0})
        trial = Trial(step, how, _resumed_from(run_dir))
        yield evolve(trial, differs=tuple(differences(_run_dir(straight), run_dir, subject.steps)))
        shutil.rmtree(place)


def run_and_die(arguments: Sequence[str]) -> None:
    """The child's side: run a recipe, and send this process the signal after `step` steps."""
    from mtlkit.api import load, plan, preview, run_prepared
    from mtlkit.cli.signals import stopping
    from mtlkit.contracts.events import Event, StepDone

    told = json.loads(arguments[0])

    def on_event(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == told["step"]:
            os.kill(os.getpid(), getattr(signal, told["signal"]))

    recipe = load(told["recipe"], told["overrides"], told["plugin_files"])
    try:
        with stopping() as stop:
            run_prepared(preview(plan(recipe)), told["out"], on_event=on_event, stop=stop)
    except MtlkitError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


def _run(subject: Subject, out: Path, step: int, how: str) -> None:
    """A run that gets that signal after `step` steps, or none where that is 0."""
    told = {
        "recipe": str(subject.recipe),
        "overrides": subject.settings(),
        "plugin_files": [str(file) for file in subject.plugin_files],
        "out": str(out),
        "step": step,
        "signal": how,
    }
    code = {"SIGKILL": -signal.SIGKILL, "SIGTERM": 128 + signal.SIGTERM}[how] if step else 0
    program = "import sys; from mtlkit.proving import run_and_die; run_and_die(sys.argv[1:])"
    what = f"the run that is interrupted after step {step}" if step else "the run without interruption"
    _wait([sys.executable, "-c", program, json.dumps(told)], what, {code})


def _wait(asked: Sequence[str], what: str, codes: set[int]) -> None:
    done = subprocess.run(  # noqa: S603  this program, with arguments of ours
        asked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode not in codes:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise TrainingError(f"{what} ended with {done.returncode}: {last}", "run the recipe by itself first")


def _plugins(subject: Subject) -> list[str]:
    return [word for file in subject.plugin_files for word in ("--plugin", str(file))]


def _run_dir(out: Path) -> Path:
    """The one run directory below a folder."""
    (found,) = (path.parent for path in out.glob("*/*/recipe.toml"))
    return found


def _resumed_from(run_dir: Path) -> int:
    lines = (run_dir / "resumes.jsonl").read_text(encoding="utf-8").splitlines()
    return int(json.loads(lines[-1])["step"])


def differences(straight: Path, resumed: Path, steps: int) -> Iterator[str]:
    """The files in which a resumed run differs from one without interruption, after so many steps."""
    last = Path("checkpoints", f"step-{steps:08d}")
    for name in (*(last / each for each in COMPARED), Path(LOG)):
        if (straight / name).read_bytes() != (resumed / name).read_bytes():
            yield name.name

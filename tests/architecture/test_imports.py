"""What is imported when: the light commands never load torch, and importing mtlkit does nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy", "tensorboard")
RECIPE = ROOT / "recipes" / "tiny.toml"

AFTER = """
import sys
{before}
found = [name for name in {heavy!r} if name in sys.modules]
sys.stderr.write("HEAVY:" + ",".join(found))
"""
COMMAND = """
from mtlkit.cli.main import main
try:
    main({arguments!r})
except SystemExit as end:
    sys.stderr.write("CODE:%s " % end.code)
"""


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        check=False,
    )


def test_importing_mtlkit_loads_nothing_heavy(tmp_path: Path) -> None:
    done = python(AFTER.format(before="import mtlkit", heavy=HEAVY), tmp_path)
    assert (done.returncode, done.stderr) == (0, "HEAVY:")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["plan", "--help"],
        ["validate", str(RECIPE)],
        ["validate", str(RECIPE), "--json"],
        ["plugins"],
        ["plugins", "--json"],
        ["plugins", "layer-wise"],
        ["schema"],
    ],
    ids=lambda arguments: " ".join(each for each in arguments if each != str(RECIPE)),
)
def test_light_commands_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    done = python(AFTER.format(before=COMMAND.format(arguments=arguments), heavy=HEAVY), tmp_path)
    assert (done.returncode, done.stderr) == (0, "CODE:0 HEAVY:")
    assert done.stdout
    assert list(tmp_path.iterdir()) == []


def test_python_dash_m_is_the_same_door(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mtlkit", "validate", str(RECIPE)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{RECIPE}: no problems\n", "")


SIDE_EFFECTS = """
import logging, os, random, signal, threading
def state():
    root = logging.root
    place = (dict(os.environ), os.getcwd(), random.getstate())
    process = (signal.getsignal(signal.SIGINT), threading.active_count(), sys.excepthook)
    return place, process, root.handlers[:], root.level
before = state()
import mtlkit
sys.exit(0 if before == state() else 1)
"""


def test_importing_mtlkit_changes_nothing(tmp_path: Path) -> None:
    done = python(SIDE_EFFECTS, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []

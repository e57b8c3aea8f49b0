"""Run by `make plugins` with the wheel: what `mtlkit new` writes installs and passes the kit unedited."""

import subprocess
import sys
from pathlib import Path

import pytest

import mtlkit

KINDS = ("head", "freeze-policy", "lr-schedule", "sampler", "balancer", "backbone", "data-source")
MANY = 20
MTLKIT = [sys.executable, "-m", "mtlkit"]


def ran(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_this_is_the_wheel():
    where = Path(mtlkit.__file__)
    assert "site-packages" in where.parts
    assert (where.parent / "py.typed").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_the_kit_unedited(kind, tmp_path):
    name = f"sample-{kind}"
    ran([*MTLKIT, "new", kind, name], tmp_path)
    folder = tmp_path / f"mtlkit-{name}"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", str(folder)]
    ran([sys.executable, *install], tmp_path)
    try:
        assert name in ran([*MTLKIT, "plugins"], tmp_path)
        assert "failed" not in ran([*MTLKIT, "check", name], tmp_path)
        listed = ran([sys.executable, "-m", "pytest", "--quiet", "--collect-only"], folder)
        assert listed.count("test_conformance.py::") >= MANY
    finally:
        ran([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", f"mtlkit-{name}"], tmp_path)

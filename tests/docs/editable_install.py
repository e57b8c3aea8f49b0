"""Stands in for `pip install -e FOLDER`: no network, no dependencies, nothing outside of $SITE."""

import os
import sys
import tomllib
from pathlib import Path

command, editable, wanted = sys.argv[1:]
assert (command, editable) == ("install", "-e"), sys.argv
folder = Path(wanted.partition("[")[0]).resolve()
project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
told, [package] = project["project"], project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
site = Path(os.environ["SITE"])
info = site / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
info.mkdir(parents=True)
points = "".join(f"{name} = {value}\n" for name, value in told["entry-points"]["mtlkit"].items())
metadata = f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n"
(info / "METADATA").write_text(metadata, encoding="utf-8")
(info / "entry_points.txt").write_text(f"[mtlkit]\n{points}", encoding="utf-8")
(site / Path(package).name).symlink_to(folder / package)

"""Which machine, and which versions: what a figure means nothing without."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TOLD = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
PACKAGES = (
    "mtlkit",
    "torch",
    "transformers",
    "accelerate",
    "sentence-transformers",
    "datasets",
    "tokenizers",
    "numpy",
    "safetensors",
)


def machine() -> dict[str, str]:
    """The processor, what of its instructions matters here, cores, memory and system."""
    told = _processor()
    flags = set(told.get("flags", "").split())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": told.get("model name", platform.processor() or platform.machine()),
        "cores": str(os.cpu_count()),
        "instructions": ", ".join(each for each in TOLD if each in flags),
        "memory": f"{pages / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """The versions of what is measured, as far as this environment has it."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found

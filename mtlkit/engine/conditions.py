"""What the bytes of a run depend on beside its recipe: versions, machine, data. Plain, to be compared."""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

import torch

from mtlkit.engine.digest import combined, tensor_digest
from mtlkit.engine.precision import unit_of
from mtlkit.engine.session import Session
from mtlkit.engine.statistics import asked_for
from mtlkit.engine.versions import version_of

FIRST = "first weights"
LIBRARIES = ("numpy", "scipy", "tokenizers", "transformers")


def conditions(session: Session) -> dict[str, str]:
    """The conditions of a session, made before its weights have changed, by what they are called."""
    found = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu capability": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "device": _device(session.device),
    }
    found |= unit_of(session.plan.training.precision, session.device)
    found |= {name: told for name in LIBRARIES if (told := _version(name))}
    found |= {f"distribution {part.distribution}": version_of(part) for part in session.plan.parts}
    found |= {f"data {name}": rows.fingerprint for name, rows in session.data.items()}
    if session.soft or any(each.name == "similarity" for each in asked_for(session)):
        # something compares with the first weights, which are loaded again and not stored
        first = {
            name: tensor_digest(weight.parameters[0]) for name, weight in session.handles.weights.items()
        }
        found[FIRST] = combined(first)
    return found


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Each condition that changed, as a sentence."""
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None and name == FIRST:
            continue  # nothing compared with them before: a change of the recipe, which has leave of its own
        if old is None:
            yield f"{name} is {new} and was not there"
        elif new is None:
            yield f"{name} was {old} and is not there"
        elif old != new:
            yield f"{name} was {old} and is {new}"


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda {torch.version.cuda}, {torch.cuda.get_device_name(device)}"
    return device.type


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""

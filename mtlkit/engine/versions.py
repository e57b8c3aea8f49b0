"""Which code a plugin is: the version of its distribution and, of strangers, what its module holds."""

import sys
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import attrs

from mtlkit.contracts.place import Place
from mtlkit.plan.model import Part

OURS = "mtlkit"
LIBRARIES = ("transformers", "tokenizers", "numpy")


def version_of(part: Part) -> str:
    """The version of the distribution; of a stranger also a digest of the module.

    A plugin file under development has no version, and what is installed in place changes under the same one.
    """
    module = part.build.partition(":")[0] if isinstance(part.build, str) else type(part.options).__module__
    code = "" if part.distribution == OURS else code_of(module)
    return f"{part.version} {code}".strip()


def code_of(module: str) -> str:
    """A digest of a stranger's module as it is on the disk; empty for ours, and for one that has no file."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == OURS or file is None:
        return ""
    return f"sha256 {sha256(Path(file).read_bytes()).hexdigest()[:16]}"


def options_of(part: Part) -> str:
    """The options as a text that does not depend on which recipe they are in, nor on its folder."""
    if not attrs.has(type(part.options)):
        return repr(part.options)
    return repr(attrs.asdict(part.options, value_serializer=_meant))


def _meant(_options: object, _field: object, value: object) -> object:
    return value.meant() if isinstance(value, Place) else value


def libraries() -> dict[str, str]:
    """The versions of the libraries that features depend on beside torch."""
    return {name: metadata.version(name) for name in LIBRARIES}

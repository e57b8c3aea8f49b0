"""`mtlkit new`: a complete small distribution with one plugin, ready to be changed."""

import json as json_format
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from importlib.abc import Traversable
from importlib.resources import files
from pathlib import Path
from shlex import quote
from string import Template
from typing import Annotated, Any

from attrs import field, frozen
from cyclopts import Parameter

from mtlkit.cli.arguments import Json
from mtlkit.cli.show import say_json, say_text
from mtlkit.contracts.card import API_LEVEL, PluginKind
from mtlkit.contracts.shown import in_lines
from mtlkit.errors import ResourceError, UsageError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 32
PREFIX = "mtlkit-"
SUFFIX = ".tmpl"
MODULE = "MODULE"


@frozen
class Skeleton:
    """What the templates of one kind need to know beside the name; `$Base` is the name in CamelCase."""

    kind: PluginKind
    title: str
    summary: str
    noun: str
    options: str
    build: str = ""
    example: Mapping[str, Any] = field(factory=dict)
    requires: tuple[str, ...] = ("annotated-types",)


SKELETONS = {
    "head": Skeleton(
        "head",
        "head",
        "one label for each text",
        "Head",
        "options:${Base}Options",
        "head:${Base}Head",
        {"text": "text", "label": "label"},
        ("annotated-types", "numpy", "torch"),
    ),
    "freeze-policy": Skeleton(
        "freeze",
        "freeze policy",
        "every n-th block does not train",
        "Policy",
        "policy:${Base}Policy",
        example={"every": 2},
    ),
    "lr-schedule": Skeleton(
        "lr",
        "learning-rate schedule",
        "one rate for the backbone and one for the heads",
        "Schedule",
        "schedule:${Base}Schedule",
        example={"backbone": 2e-5, "heads": 1e-3},
    ),
    "sampler": Skeleton(
        "sampler",
        "sampler",
        "sources are drawn by a power of their size",
        "Sampler",
        "sampler:${Base}Sampler",
        example={"power": 0.5},
    ),
    "balancer": Skeleton(
        "balancer",
        "balancer",
        "losses are weighted by their inverse",
        "Balancer",
        "balancer:${Base}Balancer",
        example={"floor": 0.01},
    ),
    "backbone": Skeleton(
        "backbone",
        "backbone",
        "words as bags of character n-grams",
        "Backbone",
        "options:${Base}Options",
        "backbone:${Base}Backbone",
        {"hidden_size": 64},
        ("annotated-types", "torch"),
    ),
    "data-source": Skeleton(
        "data",
        "data source",
        "a text file with tab-separated columns",
        "Source",
        "options:${Base}Options",
        "source:${Base}Source",
        {"path": "data/rows.tsv"},
        (),
    ),
}

KindName = Annotated[str, Parameter(help=f"one of {', '.join(SKELETONS)}")]
PluginName = Annotated[
    str, Parameter(help="what recipes will call it: lower-case letters, digits and hyphens")
]
Out = Annotated[Path, Parameter(help="the folder that mtlkit-NAME is written into")]


def new(kind: KindName, name: PluginName, /, *, out: Out = Path(), json: Json = False) -> int:
    """Write a small distribution mtlkit-NAME with a plugin that works, its tests and its README."""
    skeleton = _skeleton(kind)
    _check_name(skeleton, name)
    target = out / f"{PREFIX}{name}"
    if os.path.lexists(target):
        raise UsageError(f"{target} exists already", "choose another name, or another folder with --out")
    rendered = render(kind, name)
    _write(rendered, target)
    if json:
        say_json({"folder": str(target), "files": list(rendered)})
    else:
        told = [f"{target}/", *(f"  {path}" for path in rendered), "", "next:"]
        say_text(in_lines([*told, f"  pip install -e {quote(f'{target}[test]')}", f"  mtlkit check {name}"]))
    return 0


def render(kind: str, name: str) -> dict[str, str]:
    """The text of every file of the distribution, by its path in it."""
    skeleton = SKELETONS[kind]
    values = _values(skeleton, name)
    templates = files("mtlkit") / "templates"
    found = dict(_texts(templates / "shared"))
    found |= {f"src/{MODULE}/{path}": text for path, text in _texts(templates / kind)}
    return {
        path.replace(MODULE, values["module"]): Template(found[path]).substitute(values)
        for path in sorted(found)
    }


def _texts(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every template below a folder, without the suffix."""
    for each in folder.iterdir():
        if each.is_dir():
            yield from _texts(each, f"{prefix}{each.name}/")
        elif each.name.endswith(SUFFIX):
            yield prefix + each.name.removesuffix(SUFFIX), each.read_text(encoding="utf-8")


def _values(skeleton: Skeleton, name: str) -> dict[str, str]:
    from mtlkit import __version__
    from mtlkit.cli.snippet import snippet

    base = "".join(part.capitalize() for part in name.split("-")).removesuffix(skeleton.noun)
    module = f"{PREFIX}{name}".replace("-", "_")
    addresses = {"options": skeleton.options, "build": skeleton.build}
    requires = sorted([*skeleton.requires, "attrs", f"mtlkit>={__version__}"])
    return {
        "name": name,
        "distribution": f"{PREFIX}{name}",
        "module": module,
        "Base": base,
        "kind": skeleton.kind,
        "title": skeleton.title,
        "summary": skeleton.summary,
        "addresses": "\n".join(
            f'    {key}="{module}.{Template(address).substitute(Base=base)}",'
            for key, address in addresses.items()
            if address
        ),
        "example": json_format.dumps(dict(skeleton.example)),
        "dependencies": "\n".join(f'  "{each}",' for each in requires),
        "snippet": snippet(skeleton.kind, name, skeleton.example),
        "api": str(API_LEVEL),
    }


def _skeleton(kind: str) -> Skeleton:
    from mtlkit.recipe.problems import closest

    if kind in SKELETONS:
        return SKELETONS[kind]
    by_card = [known for known, skeleton in SKELETONS.items() if skeleton.kind == kind]
    hint = f"did you mean {by_card[0]!r}?" if by_card else closest(kind, SKELETONS)
    raise UsageError(f"there is no kind {kind!r} to start from", hint)


def _check_name(skeleton: Skeleton, name: str) -> None:
    from mtlkit.builtin.cards import mtlkit_cards

    if name.startswith(PREFIX) and NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} would give the distribution {PREFIX}{name}", f"write {name.removeprefix(PREFIX)!r}"
        )
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"{name!r} is no name for a plugin",
            f"write lower-case letters, digits and single hyphens, a letter first, at most {LONGEST} in all"
            + _spelt(name),
        )
    if any(card.kind == skeleton.kind and card.name == name for card in mtlkit_cards()):
        raise UsageError(
            f"mtlkit ships a {skeleton.title} {name!r}",
            "recipes could not tell them apart; choose another name",
        )


def _spelt(name: str) -> str:
    """A suggestion that keeps what it can of the name."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST].strip("-")
    return f", such as {plain!r}" if NAME.fullmatch(plain) else ""


def _write(rendered: Mapping[str, str], target: Path) -> None:
    """All files or none: they are written aside, then renamed as a whole."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
        for path, text in rendered.items():
            file = aside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        aside.rename(target)
    except OSError as error:
        raise ResourceError(f"{target} can't be written: {error.strerror}", "choose another --out") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)

"""The tables of the reference page about the kit: kinds, profiles, and every law with its reason.

`python -m mtlkit.testing.law_table docs/reference/conformance.md` writes them into the page again, each
between a line `<!-- NAME: generated -->` and the next line `<!-- end -->`.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mtlkit.contracts.card import KINDS
from mtlkit.errors import UsageError
from mtlkit.testing.kinds import CONTRACTS, contract
from mtlkit.testing.law import Law, always
from mtlkit.testing.profiles import PROFILES

MARKED = re.compile(r"(<!-- (\w+): generated -->\n)(.*?)(<!-- end -->)", re.DOTALL)
HEADER = ("id", "law", "why", "usual mistake")


def page_with_tables(text: str) -> str:
    """The page with its generated parts made again.

    Raises:
        UsageError: when a part has an unknown name, or there is none.
    """
    made = parts()

    def again(found: re.Match[str]) -> str:
        if found[2] not in made:
            raise UsageError(f"there is no generated part {found[2]!r}", f"one of {', '.join(made)}")
        return f"{found[1]}{made[found[2]]}\n{found[4]}"

    page, count = MARKED.subn(again, text)
    if not count:
        raise UsageError(
            "the page has no generated part", "mark one: <!-- laws: generated --> … <!-- end -->"
        )
    return page


def parts() -> Mapping[str, str]:
    """The generated parts of the page by name: `kinds`, `profiles` and `laws`."""
    profiles = [(f"`{each.name}`", str(each.examples), _time(each.seconds)) for each in PROFILES.values()]
    return {
        "kinds": table(("kind", "laws", "floor"), _counts()),
        "profiles": table(("profile", "examples of each law", "at most, on two cores"), profiles),
        "laws": "\n\n".join(_sections()),
    }


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shared_laws() -> tuple[Law, ...]:
    """The laws that every kind has."""
    first, *others = (contract(kind) for kind in KINDS)
    return tuple(law for law in first if all(law in each for each in others))


def _counts() -> list[tuple[str, str, str]]:
    return [(f"`{kind}`", str(len(contract(kind))), str(CONTRACTS[kind].floor)) for kind in KINDS]


def _sections() -> Iterator[str]:
    shared = shared_laws()
    yield f"### Every kind\n\n{_laws(shared)}"
    for kind in KINDS:
        yield f"### {kind.capitalize()}\n\n{_laws([law for law in contract(kind) if law not in shared])}"


def _laws(laws: Sequence[Law]) -> str:
    ordered = sorted(laws, key=lambda law: (law.id[0], int(law.id[1:])))
    return table(HEADER, [_row(law) for law in ordered])


def _row(law: Law) -> tuple[str, str, str, str]:
    some = "" if law.applies is always else "\\*"
    return f"{law.id}{some}", f"**{law.name}**: {law.statement}", f"{law.why}.", f"{law.mistake}."


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def main(arguments: Sequence[str]) -> None:
    """Write the tables into the pages that are named."""
    for name in arguments:
        page = Path(name)
        page.write_text(page_with_tables(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])

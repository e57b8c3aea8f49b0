"""`mtlkit cache`: what is stored for later runs, and removing it."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from mtlkit.cli.arguments import Json
from mtlkit.cli.show import say, say_json, say_text, table
from mtlkit.errors import UsageError

Action = Annotated[Literal["ls", "rm"], Parameter(help="list, or remove")]
Beginning = Annotated[str, Parameter(help="beginnings of addresses; all where none is named")]
ADDRESS = 12


def cache(action: Action, /, *shelves: Beginning, json: Json = False) -> int:
    """List or remove what frozen weights yielded in earlier runs."""
    from mtlkit.engine.shelves import folder, kept, remove

    at = folder()
    stored = list(kept(at))
    for beginning in shelves:
        if not beginning:
            raise UsageError("an empty text is the beginning of every address", "leave it out to mean all")
        if not any(each.folder.name.startswith(beginning) for each in stored):
            raise UsageError(
                f"nothing in {at} begins with {beginning!r}", "`mtlkit cache ls` lists addresses"
            )
    found = [each for each in stored if not shelves or each.folder.name.startswith(shelves)]
    if action == "rm":
        found = [each for each in found if remove(each.folder)]
    if json:
        say_json(
            {
                "folder": str(at),
                "shelves": [
                    {"address": each.folder.name, "holds": each.words, "bytes": each.size, "used": each.used}
                    for each in found
                ],
            }
        )
        return 0
    rows = [
        (
            each.folder.name[:ADDRESS],
            f"{each.size / 2**20:,.1f} MiB",
            datetime.fromtimestamp(each.used, UTC).strftime("%Y-%m-%d %H:%M"),
            each.words,
        )
        for each in found
    ]
    if rows:
        say_text(table(("address", "size", "last used (UTC)", "holds"), rows))
    total = sum(each.size for each in found) / 2**20
    say(f"{'removed' if action == 'rm' else 'stored'}: {len(found)} in {at}, {total:,.1f} MiB")
    return 0

"""Laws about importing a plugin, and about asking it in another process."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from mtlkit.testing.asking import difference
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.nursery import ask
from mtlkit.testing.probe import describe, importable, modules
from mtlkit.testing.subject import Subject

TABLES = 3


def addressed(subject: Subject) -> str:
    """Applies to cards that name their options by address."""
    if isinstance(subject.card.options, str):
        return importable(subject)
    return "its card holds the options class itself, so there is no address to import"


@law(
    "G1",
    why="listing plugins and checking a recipe must be safe, and two plugins must not disturb each other",
    mistake="a download, a log file, a seed, a thread or torch.set_num_threads at module level",
    applies=importable,
    apart=True,
)
def importing_has_no_side_effects(subject: Subject) -> None:
    """Importing its modules opens no socket, writes no file, starts nothing and changes no global state."""
    effects = _probed(subject)[0]["effects"]
    require(not effects, f"importing it did more than that: {'; '.join(effects[:5])}")


@law(
    "G2",
    why="`mtlkit validate` reads the options of the plugins that are named; torch takes seconds to import",
    mistake="options and model in one module; keep the options class in a module of its own",
    applies=addressed,
)
def options_import_no_torch(subject: Subject) -> None:
    """Importing the module of the options imports neither torch nor transformers."""
    module = str(subject.card.options).partition(":")[0]
    found = _light(subject, module)
    require(not found, f"importing {module} imports {' and '.join(found)}")


@law(
    "G5",
    why="a run resumes in another process, and ranks of one run are different processes",
    mistake="the order of a set, hash() of a string, id() of an object",
    applies=importable,
    apart=True,
)
def processes_agree(subject: Subject) -> None:
    """Two fresh processes with different hash seeds, zones and locales give the same answers."""
    one, other = _probed(subject)
    for each in (one, other):
        require(not each["error"], f"asked in a fresh process it failed: {each['error']}")
    require(bool(one["answers"]), "no options could be drawn to ask it with; give its Card an example")
    for first, second in zip(one["answers"], other["answers"], strict=True):
        told = difference(first, second)
        require(not told, f"two processes get different answers: {told}")


def some_tables(subject: Subject) -> list[dict[str, Any]]:
    """A few options tables: the one given or the card's example first, then drawn ones."""
    found = [subject.first_table] if subject.has_first_table else []

    @seed(0)
    @settings(
        max_examples=2 * TABLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(subject.tables(subject_tasks()))
    def draw(table: dict[str, Any]) -> None:
        if table not in found and len(found) < TABLES:
            found.append(table)

    draw()
    return found


def _probed(subject: Subject) -> list[dict[str, Any]]:
    if "probe" not in subject.memory:
        subject.memory["probe"] = _probe(subject, some_tables(subject))
    found: list[dict[str, Any]] = subject.memory["probe"]
    return found


def _probe(subject: Subject, tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What two fresh processes with different hash seeds say: `effects`, `answers`, `error`."""
    request = {
        "modules": modules(subject),
        "thing": describe(subject),
        "tables": list(tables),
        "path": [*subject.folders, *sys.path],
    }
    return ask(subject.kind, request)


def _light(subject: Subject, module: str) -> list[str]:
    """Which heavy packages importing one module brings in, in a process of its own."""
    import subprocess

    code = (
        f"import sys; sys.path[:] = {[*subject.folders, *sys.path]!r}; import mtlkit, {module}; "
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    require(
        done.returncode == 0, f"importing {module} failed: {(done.stderr.strip().splitlines() or [''])[-1]}"
    )
    found: list[str] = [name for name in ("torch", "transformers") if repr(name) in done.stdout]
    return found

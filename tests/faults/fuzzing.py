"""Recipes nobody would write: bytes, pieces of TOML, and real recipes with something in them replaced."""

import time
import tomllib
from copy import deepcopy
from pathlib import Path
from random import Random

import tomli_w

import mtlkit
from mtlkit.errors import MtlkitError

ROOT = Path(__file__).parents[2]
SEEDS = sorted([*(ROOT / "recipes").glob("*.toml"), *(ROOT / "recipes" / "scenarios").glob("*.toml")])
SECONDS = 1.0
PIECES = [
    "[", "]", "[[", "]]", "{", "}", "=", ".", ",", '"', "'", '"""', "'''", "#", "\n", "\r\n", "\t", "\\", "\\u0000", "\\ud800",
    "name", "seed", "backbone", "data", "tasks", "freeze", "lr", "use", "head", "training", "extends", "curve", "true", "false",
    "nan", "-inf", "1e999", "0x" + "f" * 40, "9" * 400, "1_0", "1979-05-27", "07:32:00", "é", "\ufeff", "\x00", "\x1b[2J", "a" * 300,
    '"3ep"', '"-1st"', '"1e9%"', "[tasks.x]", "[data.x]", "[[freeze]]", "[a.b.c.d]", "__proto__", "{0.__class__}", "${x}",
]  # fmt: skip
VALUES = [
    None, True, False, 0, -1, 1, 2**62, -(2**63), 0.0, -0.5, 1e308, "", "x", "3ep", "-1st", "∞", "a" * 1000, "..", "/etc/passwd", [], [[]],
    [1, "a"], {}, {"use": "none"}, {"use": "x", "a": 1}, [{}], [{"use": "none"}] * 3, {"a": {"b": {"c": {}}}}, "os.system", "\x1b]0;x\x07",
]  # fmt: skip


def of_bytes(rng, texts):
    """Noise, or a real recipe with some bytes of it changed."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(400))
    raw = bytearray(rng.choice(texts).encode())
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(raw))
        how = rng.randrange(4)
        if how == 0:
            raw[at] = rng.randrange(256)
        elif how == 1:
            del raw[at : at + rng.randrange(1, 20)]
        elif how == 2:
            raw[at:at] = rng.choice(PIECES).encode("utf-8", "surrogatepass")
        else:
            raw[at:at] = raw[at : at + rng.randrange(1, 60)]
        if not raw:
            break
    return bytes(raw)


def of_pieces(rng, _texts):
    """Pieces of TOML in any order."""
    text = "".join(
        rng.choice(PIECES) + rng.choice(["", " ", "\n", " = "]) for _ in range(rng.randrange(1, 60))
    )
    return text.encode("utf-8", "surrogatepass")


def of_schema(rng, texts):
    """A real recipe with values replaced, keys added and keys moved, which the TOML reader accepts."""
    table = tomllib.loads(rng.choice(texts))
    for _ in range(rng.randrange(1, 4)):
        places = list(containers(table))
        place = rng.choice(places)
        key = rng.choice([*place, "use", "x", "extra", ""]) if isinstance(place, dict) else None
        value = deepcopy(rng.choice(VALUES))
        if value is None:
            place.clear()
        elif key is not None:
            place[key] = value
        elif place:
            place[rng.randrange(len(place))] = value
    return tomli_w.dumps(table).encode("utf-8", "surrogatepass")


def containers(value):
    """All tables and lists in a value, itself first."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from containers(inner)


KINDS = (of_bytes, of_pieces, of_schema)


def fuzz(folder, count, seed=0):
    """Load so many recipes; each is accepted, or refused with problems that say something, and quickly."""
    rng = Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in SEEDS]
    file = folder / "fuzzed.toml"
    told = {"accepted": 0, "refused": 0}
    for number in range(count):
        raw = KINDS[number % len(KINDS)](rng, texts)
        file.write_bytes(raw)
        begun, problems = time.process_time(), None
        try:
            mtlkit.load(file)
        except MtlkitError as error:
            problems = error.problems
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} for {raw!r}") from error
        told["accepted" if problems is None else "refused"] += 1
        assert problems is None or (problems and all(problem.message for problem in problems)), raw
        assert time.process_time() - begun < SECONDS, raw
        assert [path.name for path in folder.iterdir()] == [file.name], raw
    return told

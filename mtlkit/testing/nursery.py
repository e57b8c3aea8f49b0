"""Fresh processes that have all they need but the plugin: started once, and copied for each request.

A process that has just imported torch is as fresh for a plugin as one that has yet to do so, and copying it
takes milliseconds instead of seconds. There are two of a sort, with different hash seeds and surroundings.

Run as `python -m mtlkit.testing.nursery KIND`; each line of standard input is a request for `probe.answer`,
each line of standard output what a copy of the process answered. Where processes can't be copied, it answers
one request itself and ends.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Mapping
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile, gettempdir
from threading import Timer
from typing import Any

from mtlkit.contracts.card import PluginKind
from mtlkit.testing.kinds import CONTRACTS, contract
from mtlkit.testing.probe import answer

SECONDS = 120
SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"},
)
_WAITING: dict[tuple[int, str, int], Popen[str]] = {}


def prepare(kind: PluginKind) -> None:
    """Start what answers for plugins of this kind, without waiting for it."""
    for number in range(len(SURROUNDINGS)):
        _process(kind, number)


def ask(kind: PluginKind, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What two fresh processes answer; the second is asked everything in reverse order.

    What a module keeps between calls shows in that.
    """
    surroundings = {"folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109  as it is
    started = []
    for number, own in enumerate(SURROUNDINGS):
        told = {**request, **surroundings, "backwards": bool(number)}
        told["environment"] = {**told["environment"], "OMP_NUM_THREADS": "1", **own}
        process = _process(kind, number)
        started.append((process, json.dumps(told)))
        _send(process, started[-1][1])
    return [_received(process) for process, _ in started]


def _sort(kind: PluginKind) -> PluginKind:
    """One kind for all that need the same libraries."""
    return "head" if CONTRACTS[kind].tensors else "curve"


def _process(kind: PluginKind, number: int) -> Popen[str]:
    key = (os.getpid(), _sort(kind), number)
    known = _WAITING.get(key)
    if known is None or known.poll() is not None:
        path = os.pathsep.join(each for each in sys.path if each)
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **SURROUNDINGS[number]}
        command = [sys.executable, "-B", "-m", "mtlkit.testing.nursery", key[1]]
        known = _WAITING[key] = Popen(  # noqa: S603  our own module
            command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True, env=environment
        )
    return known


def _send(process: Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _received(process: Popen[str]) -> dict[str, Any]:
    timer = Timer(SECONDS, process.kill)
    timer.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        timer.cancel()
    if not line:
        process.kill()
        return {"effects": [], "answers": [], "error": f"the process gave no answer within {SECONDS} s"}
    found: dict[str, Any] = json.loads(line)
    return found


@atexit.register
def _end() -> None:
    for (parent, *_), process in _WAITING.items():
        if parent == os.getpid():
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()


def main() -> None:
    """Import what the kit needs for a kind of plugin, then answer requests until there are no more."""
    kind: Any = sys.argv[1]
    contract(kind)
    gettempdir()  # looks for a folder by writing a file; torch does that, not the plugin
    answers = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_copied(request) if hasattr(os, "fork") else answer(request)) + "\n")
        answers.flush()
        if not hasattr(os, "fork"):
            return


def _copied(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a copy of this process answers, which ends with that."""
    read, write = os.pipe()
    with TemporaryFile() as said:
        child = os.fork()
        if not child:
            _answer_and_end(request, write, said.fileno())
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        if text:
            found: dict[str, Any] = json.loads(text)
            return found
        said.seek(0)
        last = (said.read().decode(errors="replace").strip().splitlines() or ["no output"])[-1]
    return {"effects": [], "answers": [], "error": f"the process ended with {last}"}


def _answer_and_end(request: Mapping[str, Any], write: int, said: int) -> None:
    os.dup2(said, 1)
    os.dup2(said, 2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        time.tzset()
        told = json.dumps(answer(request)).encode()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(told)
    finally:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()

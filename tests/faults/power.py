"""A disk whose power may fail: what was done to it is recorded, and what of that survives is chosen.

A file keeps what it held when it was last synced; of the changes of names in a folder, those until it was last
synced survive, and of those after it as many as the disk had got to, in order, each folder by itself.
"""

import os
from pathlib import Path
from random import Random

from attrs import define, field, frozen


@frozen
class Operation:
    """One call: `kind` with the places it is about, relative to the recorded folder, and a synced content."""

    kind: str
    place: str
    other: str = ""
    content: bytes = b""


@define(eq=False)
class Node:
    """A file or folder as it would be without a power cut, and what of it is on the disk."""

    folder: bool
    names: dict = field(factory=dict)
    synced_names: dict = field(factory=dict)
    changes: list = field(factory=list)
    content: bytes = b""

    def change(self, *changed):
        """Names that come or go together, as in a rename: pairs of a name and a node, None for a name that goes."""
        self.changes.append(changed)
        _apply(self.names, changed)

    def sync(self):
        self.synced_names, self.changes = dict(self.names), []

    def surviving(self, count):
        """The names after the first `count` of the changes since the last sync."""
        found = dict(self.synced_names)
        for changed in self.changes[:count]:
            _apply(found, changed)
        return found


def _apply(names, changed):
    for name, node in changed:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def recorded(monkeypatch, root, work):
    """What `work` does below `root`, call by call; marks are what it hands to its argument."""
    operations = []
    real = {name: getattr(os, name) for name in ("fsync", "mkdir", "rename", "replace", "unlink", "rmdir")}

    def place(path, dir_fd=None):
        whole = Path(path) if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink() / path
        return str(whole.relative_to(root)) if whole.is_relative_to(root) else None

    def note(kind, path, other="", content=b""):
        if path is not None:
            operations.append(Operation(kind, path, other, content))

    def fsync(handle):
        real["fsync"](handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        note("sync", place(path), "", b"" if path.is_dir() else path.read_bytes())

    def mkdir(path, *words, **named):
        real["mkdir"](path, *words, **named)
        note("mkdir", place(path))

    def renaming(name):
        def rename(source, target, **named):
            real[name](source, target, **named)
            note("rename", place(source), place(target))

        return rename

    def removing(name):
        def remove(path, *, dir_fd=None):
            told = place(path, dir_fd)
            real[name](path, dir_fd=dir_fd)
            note("remove", told)

        return remove

    def opened(self, mode="r", *words, **named):
        new = not self.exists()
        file = real_open(self, mode, *words, **named)
        if new:
            note("create", place(self))
        return file

    real_open = Path.open
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        patched.setattr(os, "mkdir", mkdir)
        patched.setattr(Path, "open", opened)
        for name in ("rename", "replace"):
            patched.setattr(os, name, renaming(name))
        for name in ("unlink", "rmdir"):
            patched.setattr(os, name, removing(name))
        work(lambda mark: operations.append(Operation("mark", str(mark))))
    return operations


def replayed(operations):
    """The root folder after these operations."""
    root = Node(folder=True)
    for each in operations:
        parent, name = _found(root, each.place)
        if each.kind == "sync":
            node = root if each.place == "." else parent.names[name]
            if node.folder:
                node.sync()
            else:
                node.content = each.content
        elif each.kind in ("mkdir", "create"):
            parent.change((name, Node(folder=each.kind == "mkdir")))
        elif each.kind == "remove":
            parent.change((name, None))
        elif each.kind == "rename":
            node = parent.names[name]
            there, new = _found(root, each.other)
            assert there is parent, "a rename from one folder to another"
            parent.change((name, None), (new, node))
    return root


def after_power_cut(root, target, draw):
    """Write below `target` what is left of a disk; `draw` says how many of so many changes survive."""
    target.mkdir()
    for name, node in root.surviving(draw(len(root.changes))).items():
        if node.folder:
            after_power_cut(node, target / name, draw)
        else:
            (target / name).write_bytes(node.content)


DRAWS = ("only what was synced", "every name", *(f"some names, {seed}" for seed in range(3)))


def drawing(how):
    """Of so many changes of names that were not synced, how many survive."""
    random = Random(how)
    return {DRAWS[0]: lambda _: 0, DRAWS[1]: lambda count: count}.get(
        how, lambda count: random.randint(0, count)
    )


def _found(root, place):
    if place == ".":
        return root, ""
    *folders, name = Path(place).parts
    node = root
    for each in folders:
        node = node.names[each]
    return node, name

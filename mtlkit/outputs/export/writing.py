"""Writing the exported model: aside first, renamed once everything in it was loaded back and compared.

model/
  config.json model.safetensors tokenizer.json …   the backbone, for transformers.AutoModel
  heads/TASK/head.safetensors head.json            every head: its weights, and what it is
  tasks/TASK/                                      a task as a whole for another library, where there is one
  export.json                                       what was written, and how far it was off
  README.md                                         the model card
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import attrs

from mtlkit.errors import ResourceError, UsageError
from mtlkit.outputs.export.card import card
from mtlkit.outputs.export.hub import save_backbone, save_head, save_task, without_pooler
from mtlkit.outputs.export.sentences import HEAD, save_sentences
from mtlkit.outputs.export.values import Exported, Form, Left, TrainedModel

HEADS, TASKS, FACTS, README = "heads", "tasks", "export.json", "README.md"
FORMAT = 1


def export(model: TrainedModel, folder: Path, *, replace: bool = False) -> Exported:
    """Write the model below `folder`, which must not exist unless it is to be replaced.

    Raises:
        UsageError: when the folder exists, or is to be replaced and holds something else than an export.
        ResourceError: when the backbone can't be exported, or nothing can be written there.
        TrainingError: when something that was written, loaded back, is not what was trained.
    """
    if os.path.lexists(folder) and not replace:
        raise UsageError(f"{folder} exists", "name another folder with --out, or replace it with --force")
    if os.path.lexists(folder) and not _is_replaceable(folder):
        raise UsageError(
            f"{folder} is no exported model, and is not replaced", "name another folder with --out"
        )
    with _quiet(), _aside(folder) as aside:
        apart = save_backbone(model, aside)
        forms: list[Form] = []
        left: list[Left] = []
        for task in model.tasks:
            save_head(task, aside / HEADS / task.name)
            save = save_sentences if task.plugin == HEAD else save_task
            found = save(task, aside, aside / TASKS / task.name)
            if isinstance(found, Form):
                forms.append(found)
            else:
                left.append(Left(task.name, found))
        exported = Exported(folder, apart, tuple(forms), tuple(left))
        (aside / FACTS).write_text(_facts(model, exported), encoding="utf-8")
        (aside / README).write_text(card(model, forms, left, without_pooler(aside)), encoding="utf-8")
    return exported


def _is_replaceable(folder: Path) -> bool:
    """Whether nothing is lost with it: an export, or an empty folder; no link, no run, nobody's home."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {each.name for each in folder.iterdir()}
    return not names or FACTS in names


def _facts(model: TrainedModel, exported: Exported) -> str:
    told = {
        "format": FORMAT,
        "checkpoint": model.checkpoint,
        "difference": exported.difference,
        "forms": [attrs.asdict(form) for form in exported.forms],
        "left": [attrs.asdict(each) for each in exported.left],
        "recipe": model.recipe,
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is meant, which takes its place at the end."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ResourceError(f"{folder} can't be written: {error}") from error
    try:
        yield aside
        aside.chmod(0o755)
        replaced = Path(f"{aside}.replaced")
        if folder.exists():
            folder.rename(replaced)
        aside.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no advice of transformers on standard error."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

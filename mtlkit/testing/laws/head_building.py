"""Laws of heads about how they are built: their weights, on any device, from any seed."""

import random
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import torch
from torch import nn

from mtlkit.contracts.card import load_address
from mtlkit.testing.head_features import exam, fitted
from mtlkit.testing.head_rows import lesson_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.laws.head import cases, odd_cases
from mtlkit.testing.laws.head_training import first_lesson, learnable
from mtlkit.testing.modules import hidden_weights, same, shared
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
TASKS = ("news", "another-task", "b")


@law(
    "H14",
    why="a weight that is not registered is never trained, saved, moved to a device or frozen",
    mistake="weights in a plain list or dictionary, or modules made once for all heads",
    given=tables,
    corners=first,
    share=0.5,
)
def weights_are_registered_and_its_own(subject: Subject, options: Table) -> None:
    """Every weight is among its parameters; two heads of one options object share no memory."""
    lesson = lesson_of(subject, options)
    made, context = subject.options(lesson.table), lesson.context()
    build = load_address(subject.card.build or "")
    one, other = build(made, context), build(made, context)
    require(isinstance(one, nn.Module), f"the builder gives {type(one).__name__}, which is no torch module")
    borrowed = [] if context.vocabulary is None else [context.vocabulary.table]
    hidden = hidden_weights(one, borrowed)
    require(not hidden, f"{', '.join(hidden)} holds weights that are not among its parameters")
    require(one is not other, "the builder gives the same head twice")
    same_memory = shared(one, other, borrowed)
    require(not same_memory, f"two heads of one options object share {', '.join(same_memory)}")


@law(
    "H20",
    why="another task in the recipe must not change this task's head, nor may another run's seed be reused",
    mistake="torch.manual_seed in the builder, numpy for the weights, a seed made of the task's name",
    given=learnable,
    corners=first_lesson,
    share=0.2,
)
def weights_depend_on_torchs_seed_alone(subject: Subject, options: Table, seed: int) -> None:
    """Built again under one seed it has the same weights, for any task; the seed is not reset."""
    lesson = lesson_of(subject, options)
    states, kept = [], (random.getstate(), np.random.get_state())
    try:
        for number, task in enumerate(TASKS):
            random.seed(number)
            np.random.seed(number)
            before = (random.getstate(), _moving(np.random.get_state()))
            states.append(dict(lesson.build(seed, task=task).state_dict()))
            after = (random.getstate(), _moving(np.random.get_state()))
            require(before == after, "building it draws from Python's or numpy's global generator")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
    for name, one in states[0].items():
        same_again = all(torch.equal(one, other[name]) for other in states[1:])
        require(same_again, f"built again under one seed, {name} is different")
    ends = []
    for number in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(number)
            lesson.make(lesson.context())
            ends.append(torch.random.get_rng_state())
    require(not torch.equal(*ends), "building it sets torch's global seed")


@law(
    "H24",
    why="a checkpoint and an export hold parameters and buffers, and the rest is built again",
    mistake="a random projection in a plain attribute, or a buffer with persistent=False drawn at random",
    given=cases,
    corners=odd_cases,
    share=0.5,
)
def weights_are_all_there_is(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """A head built anew that is given the weights of another gives the same scores, loss and predictions."""
    sat = exam(subject, case, torch.float32)
    other = attrs.evolve(sat, head=sat.lesson.build(seed=1))
    fitted(sat.lesson, other.head, case)
    other.head.load_state_dict(sat.head.state_dict())
    mine, theirs = sat.answer(), other.answer()
    require(same(mine.output, theirs.output), "with the same weights, another head gives other scores")
    require(mine.sum == theirs.sum, f"with the same weights the loss is {mine.sum:.6g} and {theirs.sum:.6g}")


@law(
    "H26",
    why="`mtlkit plan` builds heads on torch's meta device to know their weights without memory for any",
    mistake=".item() or an if on a tensor in the constructor, a device named in the code",
    given=tables,
    corners=first,
    share=0.5,
)
def the_plan_sees_the_same_weights(subject: Subject, options: Table) -> None:
    """On the meta device it builds too, with the same weights of the same shapes."""
    lesson = lesson_of(subject, options)
    with torch.device("meta"):
        outline = lesson.make(lesson.context())
    mine = _shapes(outline)
    theirs = _shapes(lesson.build())
    require(mine == theirs, f"on the meta device its weights are {mine}, and {theirs} in a run")
    away = [name for name, each in outline.named_parameters() if each.device.type != "meta"]
    require(not away, f"built on the meta device, {', '.join(away)} is on another one")


def _moving(state: Any) -> tuple[bytes, int]:  # noqa: ANN401  numpy's own tuple
    """The part of a numpy state that moves, comparable."""
    return state[1].tobytes(), int(state[2])


def _shapes(head: nn.Module) -> dict[str, Any]:
    named = head.named_parameters(remove_duplicate=False)
    return {name: (tuple(each.shape), each.requires_grad) for name, each in named}

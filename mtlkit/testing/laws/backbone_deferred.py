"""The law of backbones that can be laid out without being loaded."""

import json
from collections.abc import Mapping
from typing import Any

import torch

from mtlkit.contracts.backbone import Deferrable
from mtlkit.testing.backbone_rows import encoded, lab_of, offering
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.modules import same
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
OTHER = "laid out, "


deferrable = offering(Deferrable, "it has no `deferred`, `description`, `content` and `materialize`")


@law(
    "B31",
    why="a run whose features are stored begins with it laid out; its plan and checkpoints must be the same",
    mistake="a name or place that differs, bytes of another weight, new parameter objects, modes forgotten",
    given=cases,
    corners=odd_cases,
    applies=deferrable,
    share=0.25,
)
def laid_out_it_is_the_same(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Laid out from its description it has the same weights, read where they lie; loaded, it is the same."""
    lab = lab_of(subject, options)
    loaded = lab.build()
    require(not loaded.deferred, "the builder gives it deferred")
    told = loaded.description()
    if told is None:
        return
    try:
        read = json.loads(json.dumps(told))
    except (TypeError, ValueError) as error:
        require(False, f"its description is not JSON: {error}")
    laid = subject.options(lab.table).described(read, True)
    require(laid is not None, "`described` lays nothing out from what `description` told")
    laid.eval()
    _check_layout(laid, loaded)
    _check_content(laid, loaded)
    still = [weight for number, weight in enumerate(laid.parameters()) if number % 2]
    for weight in still:
        weight.requires_grad_(False)
    objects = dict(laid.named_parameters())
    _, ours = encoded(laid, lab.rows(form, rows))
    _, theirs = encoded(loaded, lab.rows(form, rows))
    _check_loaded(laid, loaded, objects)
    frozen = {id(weight) for weight in still}
    changed = [name for name, weight in objects.items() if weight.requires_grad == (id(weight) in frozen)]
    require(not changed, f"loading changes which weights train: {', '.join(changed[:3])}")
    require(same(ours.tokens, theirs.tokens), "loaded when it is to compute, it gives other features")


def _check_layout(laid: Any, loaded: Any) -> None:  # noqa: ANN401  backbones
    require(laid.deferred, "what `described` lays out is not deferred")
    sizes = (laid.hidden_size, laid.depth), (loaded.hidden_size, loaded.depth)
    require(sizes[0] == sizes[1], f"{OTHER}hidden_size and depth are {sizes[0]}, and {sizes[1]} loaded")
    ours = [(name, tuple(weight.shape)) for name, weight in laid.named_parameters()]
    theirs = [(name, tuple(weight.shape)) for name, weight in loaded.named_parameters()]
    require(ours == theirs, f"{OTHER}its weights are others, or in another order")
    there = [name for name, weight in laid.named_parameters() if not weight.is_meta]
    require(not there, f"{OTHER}weights are in memory: {', '.join(there[:3])}")
    for name, _ in ours:
        places = laid.place(name), loaded.place(name)
        require(places[0] == places[1], f"{OTHER}the place of {name} is {places[0]}, and {places[1]} loaded")
    buffers, known = dict(laid.named_buffers()), dict(loaded.named_buffers())
    equal = buffers.keys() == known.keys() and all(same(each, known[name]) for name, each in buffers.items())
    require(equal, f"{OTHER}its buffers are others")


def _check_content(laid: Any, loaded: Any) -> None:  # noqa: ANN401  backbones
    for name, weight in loaded.named_parameters():
        plain = weight.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        require(b"".join(laid.content(name)) == plain, f"the content of {name} is not that of the weight")


def _check_loaded(laid: Any, loaded: Any, objects: Mapping[str, Any]) -> None:  # noqa: ANN401  backbones
    require(not laid.deferred, "it has computed, and says that it is deferred")
    now, known = dict(laid.named_parameters()), dict(loaded.named_parameters())
    require(list(now) == list(known), "loading changes the names of weights, or their order")
    for name, weight in now.items():
        require(weight is objects[name], f"loading makes another parameter of {name}")
        require(same(weight, known[name]), f"loading gives {name} other numbers")
    training = [name for name, part in laid.named_modules() if part.training]
    require(not training, f"loading puts parts into train mode: {', '.join(training[:3]) or 'all'}")

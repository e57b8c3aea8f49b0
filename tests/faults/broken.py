"""A plugin file with one plugin of every kind, each like one of ours but for what it does in one call."""

from itertools import count

NUMBERS = count()
KINDS = """
backbone  mtlkit.builtin.backbones.options:Tiny                     mtlkit.builtin.backbones.tiny:TinyBackbone
head      mtlkit.builtin.heads.class_options:SequenceClassification mtlkit.builtin.heads.sequence_classification:SequenceClassificationHead
data      mtlkit.builtin.data.options:CsvOptions                    mtlkit.builtin.data.csv:CsvSource
tracker   mtlkit.builtin.trackers.options:JsonlOptions              mtlkit.builtin.trackers.jsonl:JsonlTracker
regularizer mtlkit.builtin.regularizers.options:L2Sp                mtlkit.builtin.regularizers.l2_sp:L2SpRegularizer
freeze    mtlkit.builtin.freeze.none:FreezeNone                     -
lr        mtlkit.builtin.lr.uniform:Uniform                         -
curve     mtlkit.builtin.curves.constant:Constant                   -
sampler   mtlkit.builtin.samplers.proportional:Proportional         -
balancer  mtlkit.builtin.balancers.sum:Sum                          -
"""
LINES = {kind: rest for kind, *rest in (line.split() for line in KINDS.strip().splitlines())}
USED = {
    "backbone": ["backbone={{use='{name}', hidden_size=16, blocks=2, vocabulary=64, max_length=16}}"],
    "head": ["tasks.sentiment.head={{use='{name}'}}"],
    "data": ["data.reviews={{use='{name}', path='{data}', split={{validation=0.2, test=0.2}}}}"],
    "tracker": ["logging.trackers={{mine={{use='{name}'}}}}"],
    "regularizer": ["regularizer=[{{use='{name}', strength=0.1}}]"],
    "freeze": ["freeze=[{{use='{name}'}}]"],
    "lr": ["lr={{use='{name}', peak=1e-3}}"],
    "curve": ["lr.curve={{use='{name}'}}"],
    "sampler": ["sampler={{use='{name}'}}"],
    "balancer": ["balancer={{use='{name}'}}"],
    "optimizer": ["optimizer={{use='{name}'}}"],
}
HEAD = """
import os, random, sys, time
import attrs, mtlkit, numpy, torch
from mtlkit.builtin.optimizers.options import Sgd
"""
SUBCLASS = """
from {module} import {cls} as Before
{frozen}
class Broken(Before):
    def {call}(self, *words, **named):
        {body}
        return super().{call}(*words, **named)
"""
OPTIMIZER = """
class Broken(torch.optim.SGD):
    def step(self, closure=None):
        {body}
        return super().step(closure)

def build(options, groups):
    return Broken(list(groups), lr=0.1)
"""
CARD = """
@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("{kind}", "{name}", "breaks", {options}, {build})]
"""


def plugin_file(folder, kind, call, body):
    """A plugin file in the folder, and the `--set` words that use its plugin; its name is unique in a process."""
    name = f"broken_{kind}_{call.strip('_')}_{next(NUMBERS)}"
    path = folder / f"{name}.py"
    card = name.replace("_", "-")
    if kind == "optimizer":
        text = HEAD + OPTIMIZER.format(body=body)
        text += CARD.format(kind=kind, name=card, options="Sgd", build='__name__ + ":build"')
    else:
        options, build = LINES[kind]
        module, _, cls = (options if build == "-" else build).partition(":")
        frozen = "@attrs.frozen" if build == "-" else ""
        text = HEAD + SUBCLASS.format(module=module, cls=cls, call=call, body=body, frozen=frozen)
        told = ("Broken", None) if build == "-" else (f'"{options}"', '__name__ + ":Broken"')
        text += CARD.format(kind=kind, name=card, options=told[0], build=told[1])
    path.write_text(text)
    return path, [each.format(name=card, data=folder.parent / "reviews.csv") for each in USED[kind]]

"""Every optimizer of torch that takes dense gradients and needs no closure, with weight decay."""

import torch

from mtlkit.builtin.optimizers.kernels import kernel

O = torch.optim
OPTIMIZERS = {
    "sgd": lambda groups: O.SGD(groups, lr=0.1, weight_decay=0.1),
    "sgd-momentum": lambda groups: O.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.1),
    "sgd-nesterov": lambda groups: O.SGD(groups, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "sgd-fused": lambda groups: O.SGD(groups, lr=0.1, weight_decay=0.1, **kernel(groups)),
    "adam": lambda groups: O.Adam(groups, weight_decay=0.1),
    "adam-amsgrad": lambda groups: O.Adam(groups, weight_decay=0.1, amsgrad=True),
    "adamw": lambda groups: O.AdamW(groups, weight_decay=0.1),
    "adamw-fused": lambda groups: O.AdamW(groups, weight_decay=0.1, **kernel(groups)),
    "adamw-foreach": lambda groups: O.AdamW(groups, weight_decay=0.1, foreach=True),
    "rmsprop": lambda groups: O.RMSprop(groups, weight_decay=0.1, momentum=0.9),
    "adagrad": lambda groups: O.Adagrad(groups, weight_decay=0.1),
    "adadelta": lambda groups: O.Adadelta(groups, weight_decay=0.1),
    "radam": lambda groups: O.RAdam(groups, weight_decay=0.1),
    "nadam": lambda groups: O.NAdam(groups, weight_decay=0.1),
    "adamax": lambda groups: O.Adamax(groups, weight_decay=0.1),
    "adafactor": lambda groups: O.Adafactor(groups, weight_decay=0.1),
    "asgd": lambda groups: O.ASGD(groups, weight_decay=0.1),
    "rprop": lambda groups: O.Rprop(groups),
}


def optimizer_over(kind, handles, groups):
    """As the engine builds it: one torch group per group, one parameter per weight."""
    return OPTIMIZERS[kind](
        [
            {"params": [handles.parameters(name)[0] for name in names], "names": list(names), "group": group}
            for group, names in groups.items()
        ]
    )

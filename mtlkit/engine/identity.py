"""What features depend on beside weights and rows: the address of what is stored for later runs."""

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from mtlkit.contracts.backbone import Backbone, Deferrable
from mtlkit.engine.store import Address
from mtlkit.engine.versions import libraries, options_of, version_of
from mtlkit.plan.model import Plan

FORMAT = 5


def identity(plan: Plan, backbone: Backbone, device: torch.device) -> str:
    """A text that is equal only where the same weights and rows give the same bytes."""
    part = plan.backbone
    return json.dumps(
        {
            "format": FORMAT,
            "backbone": [part.name, part.distribution, version_of(part), options_of(part)],
            "fingerprint": backbone.fingerprint() if hasattr(backbone, "fingerprint") else "",
            "modules": "" if isinstance(backbone, Deferrable) else repr(backbone),  # it may have none yet
            "precision": plan.training.precision,
            "compiled": plan.training.compile,
            "torch": [torch.__version__, torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()],
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
            "libraries": libraries(),
        },
        sort_keys=True,
    )


def address(parts: Sequence[str], items: Iterable[Any], words: str) -> Address:
    """Where values lie that depend on these texts and on prepared rows, by their tokens where they say."""
    digest = blake2b(json.dumps(parts).encode(), digest_size=20)
    for item in items:
        digest.update(getattr(item, "ids", np.empty(0)).tobytes() + len(item).to_bytes(8, "little"))
    return Address(digest.hexdigest(), words)

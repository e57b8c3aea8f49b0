"""A plain loop of our own that batches as MaChAmp does by default: sorted by size, at most 1024 tokens.

MaChAmp itself is no package of the registry; this is its batching and an ordinary step, without its decoders.
"""

import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save_model

from tests.bench.peers.three_tasks import by_size, prepared

SIZE, MOST_TOKENS = 32, 1024


def train(params: dict[str, Any]) -> dict[str, float]:
    """Train the three tasks for that many steps."""
    model, tasks = prepared(params)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, betas=(0.9, 0.99), weight_decay=0.01)
    tokens, began = 0, time.perf_counter()
    for batch in islice(
        by_size(tasks, SIZE, MOST_TOKENS, params["turn"]), params["steps"] * params["steps_times"]
    ):
        loss = model(**batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += int(batch["attention_mask"].sum())
    seconds = time.perf_counter() - began
    with TemporaryDirectory() as out:
        save_model(model, str(Path(out) / "model.safetensors"))
    return {"seconds": seconds, "tokens": float(tokens), "tokens_per_second": tokens / seconds}

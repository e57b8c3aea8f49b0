"""What torch and datasets do for Hugging Face Trainer: its optimizer step, its checkpoint, its tokenising."""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding
from transformers.trainer_pt_utils import get_parameter_names

from tests.bench.peers import read


def updating(params: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of a step of the fused AdamW that the trainer makes, with the gradients of a real batch."""
    _, optimizer = _ready(params)
    times = []
    for _ in range(params["steps"]):
        began = time.perf_counter()
        optimizer.step()
        times.append(time.perf_counter() - began)
    return {"milliseconds": 1000 * median(times[1:])}


def saving(params: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of `torch.save` of the weights and the optimizer's state, both once stepped."""
    model, optimizer = _ready(params)
    optimizer.step()
    times = []
    with TemporaryDirectory(dir=params["scratch"]) as out:
        for number in range(params["steps"]):
            began = time.perf_counter()
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state, Path(out) / f"{number % 2}.pt")
            times.append(time.perf_counter() - began)
    return {"milliseconds": 1000 * median(times)}


def tokenised(params: dict[str, Any]) -> dict[str, float]:
    """Seconds of `datasets.map(batched=True)`."""
    data = read.told(params)
    tokens = read.tokenizer(data)
    rows = Dataset.from_dict({"text": [row["text"] for row in data["sources"]["reviews"]]})
    began = time.perf_counter()
    done = rows.map(lambda batch: tokens(batch["text"], truncation=True), batched=True)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "rows": float(len(done)), "rows_per_second": len(done) / seconds}


def _ready(params: dict[str, Any]) -> tuple[Any, torch.optim.Optimizer]:
    """A model with the gradients of one batch, and the trainer's optimizer: two groups, fused."""
    data = read.told(params)
    tokens = read.tokenizer(data)
    items, names = read.sentiment(tokens, data)
    model = AutoModelForSequenceClassification.from_pretrained(data["model"], num_labels=len(names))
    decayed = set(get_parameter_names(model, [torch.nn.LayerNorm], ["bias"]))
    named = dict(model.named_parameters())
    groups = [
        {"params": [named[name] for name in named if name in decayed], "weight_decay": 0.01},
        {"params": [named[name] for name in named if name not in decayed], "weight_decay": 0.0},
    ]
    model(**DataCollatorWithPadding(tokens)(items[:32])).loss.backward()
    return model, torch.optim.AdamW(groups, lr=5e-5, fused=True)

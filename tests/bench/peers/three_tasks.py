"""One encoder with a head for each of three tasks, and its batches, for those that train it in their own way."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel

from tests.bench.peers import read

Item = dict[str, Any]
NO_LABEL = -100


class ThreeTasks(nn.Module):
    """A linear head per task on the first token, or on each token where the task labels tokens."""

    def __init__(self, path: str, labels: dict[str, int], per_token: Sequence[str]) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(path)
        width = self.encoder.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.ModuleDict({task: nn.Linear(width, count) for task, count in labels.items()})
        self.per_token = tuple(per_token)

    def forward(
        self, task: str, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """The loss [] of a batch of one task: ids and mask [B, T], labels [B] or [B, T]."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if task not in self.per_token:
            states = states[:, 0]
        scores = self.heads[task](self.dropout(states)).float()
        return {"loss": nn.functional.cross_entropy(scores.flatten(0, -2), labels.flatten())}


def prepared(params: dict[str, Any]) -> tuple[ThreeTasks, dict[str, list[Item]]]:
    """The model, and the items of each task."""
    data = read.told(params)
    tokens = read.tokenizer(data)
    tasks, labels = {}, {}
    for task in ("sentiment", "news", "entities"):
        tasks[task], names = getattr(read, task)(tokens, data)
        labels[task] = len(names)
    return ThreeTasks(data["model"], labels, ["entities"]), tasks


def collated(task: str, items: Sequence[Item]) -> Item:
    """A batch of one task, padded to its longest row."""
    longest = max(len(item["input_ids"]) for item in items)
    padded = [item["input_ids"] + [0] * (longest - len(item["input_ids"])) for item in items]
    masks = [[1] * len(item["input_ids"]) + [0] * (longest - len(item["input_ids"])) for item in items]
    labels = [item["labels"] for item in items]
    if task == "entities":
        labels = [row + [NO_LABEL] * (longest - len(row)) for row in labels]
    return {
        "task": task,
        "input_ids": torch.tensor(padded),
        "attention_mask": torch.tensor(masks),
        "labels": torch.tensor(labels),
    }


def round_robin(tasks: dict[str, list[Item]], size: int, seed: int) -> Iterator[Item]:
    """Batches of one task each, in turn, every task's rows in random order, until one runs out."""
    rng = random.Random(seed)
    orders = {task: rng.sample(range(len(items)), len(items)) for task, items in tasks.items()}
    for start in range(0, min(map(len, orders.values())) - size + 1, size):
        for task, order in orders.items():
            yield collated(task, [tasks[task][at] for at in order[start : start + size]])


def by_size(tasks: dict[str, list[Item]], size: int, most: int, seed: int) -> Iterator[Item]:
    """Batches of one task each, in random order: rows sorted by length, at most `size` rows and `most` tokens."""
    batches: list[tuple[str, list[Item]]] = []
    for task, items in tasks.items():
        batch: list[Item] = []
        for item in sorted(items, key=lambda each: len(each["input_ids"])):
            if len(batch) == size or (len(batch) + 1) * len(item["input_ids"]) > most:
                batches.append((task, batch))
                batch = []
            batch.append(item)
        batches.append((task, batch))
    random.Random(seed).shuffle(batches)
    for task, batch in batches:
        yield collated(task, batch)

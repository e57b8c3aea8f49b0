"""What a run will cost: an estimate of memory and time, made without any weights."""

import time

import torch
from attrs import frozen

from mtlkit.contracts.params import BACKBONE, Row
from mtlkit.engine.features import boundary
from mtlkit.engine.heads import Readers
from mtlkit.engine.session import TRAIN, Preview
from mtlkit.plan.batches import rows_per_step

SAMPLE_ROWS = 64
PROBE_SIZE = 384
PROBE_ROWS = 1024
PROBE_REPEATS = 20
BYTES = 4
STATES_PER_TRAINED = 3  # gradient and the two moments of Adam
ACTIVATIONS_PER_TOKEN_AND_BLOCK = 16  # in hidden sizes: what a block keeps for its backward pass


@frozen
class Costs:
    """Estimated seconds of training and peak bytes, without the process itself."""

    seconds: float
    memory: int

    def text(self) -> str:
        """Both in words, as the rough figures they are."""
        minutes, seconds = divmod(round(self.seconds), 60)
        lasting = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        size = f"{self.memory / 2**20:,.0f} MiB"
        return f"about {lasting} of training, about {size} for weights, optimizer and activations"


def estimate(preview: Preview) -> Costs:
    """Count multiplications per token (Kaplan et al. 2020: 2 per weight forward, 4 backward).

    The speed of this machine is measured with a matrix product; rows are tokenised for a sample.
    """
    speed = _multiplications_per_second()
    tokens = _tokens_per_row(preview)
    counts = {name: len(found.splits[TRAIN]) for name, found in preview.data.items()}
    rows = rows_per_step(preview.plan, counts)
    all_rows = sum(counts.values())
    operations, stored = 0.0, 0
    for phase in preview.phases:
        steps = phase.end - phase.start
        stem = boundary(preview.built.table, frozenset(phase.trainable))
        if phase.trainable:
            operations += steps * rows * _above(preview, stem)
            operations += min(steps * rows, all_rows) * _below(preview, stem) * float(stem > stored)
        stored = max(stored, stem)
    seconds = operations * tokens / speed
    return Costs(seconds, _bytes(preview, tokens))


def _above(preview: Preview, stem: int) -> float:
    """Operations per token of a training step above the frozen stem: forward and backward."""
    return 6.0 * sum(row.numel for row in _multiplied(preview) if row.depth > stem)


def _below(preview: Preview, stem: int) -> float:
    """Operations per token of the frozen stem, which each row passes once."""
    return 2.0 * sum(row.numel for row in _multiplied(preview) if row.depth <= stem)


def _multiplied(preview: Preview) -> list[Row]:
    return [row for row in preview.built.table if row.owner == BACKBONE and row.role != "embeddings"]


def _tokens_per_row(preview: Preview) -> float:
    """Mean tokens per training row, all views together, weighted by the size of the sources."""
    total, weight = 0.0, 0
    for source in preview.plan.sources:
        tasks = preview.plan.readers(source.name)
        readers = Readers(source.name, {task.name: preview.built.heads[task.name] for task in tasks})
        rows = preview.data[source.name]
        count = len(rows.splits[TRAIN])
        sample = rows.records(TRAIN, range(min(SAMPLE_ROWS, count)))
        items = [
            item
            for view in readers.needs()
            for item in preview.built.backbone.prepare([tuple(row[name] for name in view) for row in sample])
        ]
        total += sum(map(len, items)) / len(sample) * count
        weight += count
    return total / weight


def _bytes(preview: Preview, tokens: float) -> int:
    table = preview.built.table
    weights = sum(row.numel for row in table)
    sizes = {row.name: row.numel for row in table}
    trained = max((sum(sizes[name] for name in phase.trainable) for phase in preview.phases), default=0)
    activations = (
        preview.plan.training.batch_size
        * tokens
        * table.depth
        * preview.built.backbone.hidden_size
        * ACTIVATIONS_PER_TOKEN_AND_BLOCK
    )
    return round(BYTES * (weights + STATES_PER_TRAINED * trained + activations))


def _multiplications_per_second() -> float:
    """Operations per second of a matrix product of the size that encoders use: the best of several."""
    left, right = torch.ones(PROBE_ROWS, PROBE_SIZE), torch.ones(PROBE_SIZE, 4 * PROBE_SIZE)
    shortest = float("inf")
    for _ in range(PROBE_REPEATS):
        begin = time.perf_counter()
        torch.mm(left, right)
        shortest = min(shortest, time.perf_counter() - begin)
    return 2 * left.numel() * right.shape[1] / shortest

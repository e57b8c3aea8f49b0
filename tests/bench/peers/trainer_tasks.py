"""Several tasks in Hugging Face Trainer, as its users do it: a trainer whose batches are of one task each."""

from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

from torch.utils.data import DataLoader, IterableDataset
from transformers import Trainer

from tests.bench.peers.three_tasks import Item, prepared, round_robin
from tests.bench.peers.trainer import Stamps, arguments


class Batches(IterableDataset[Item]):
    """The batches of all tasks, and how many tokens they have."""

    def __init__(self, tasks: dict[str, list[Item]], seed: int) -> None:
        self.tasks, self.seed, self.tokens = tasks, seed, 0

    def __iter__(self) -> Iterator[Item]:
        for batch in round_robin(self.tasks, 32, self.seed):
            self.tokens += int(batch["attention_mask"].sum())
            yield batch


class TaskTrainer(Trainer):  # type: ignore[misc]
    """The trainer with a loader whose batches are made already."""

    def get_train_dataloader(self) -> DataLoader[Item]:
        """The batches as they are."""
        return DataLoader(self.train_dataset, batch_size=None)


def train(params: dict[str, Any]) -> dict[str, float]:
    """Train the three tasks for that many steps."""
    model, tasks = prepared(params)
    batches, stamps = Batches(tasks, params["turn"]), Stamps()
    with TemporaryDirectory() as out:
        trainer = TaskTrainer(
            model=model, args=arguments(params, out), train_dataset=batches, callbacks=[stamps]
        )
        trainer.train()
        trainer.save_model()
    return {
        "seconds": stamps.seconds,
        "tokens": float(batches.tokens),
        "tokens_per_second": batches.tokens / stamps.seconds,
    }

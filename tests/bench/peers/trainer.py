"""Hugging Face Trainer on one task."""

import time
from tempfile import TemporaryDirectory
from typing import Any

from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from tests.bench.peers import read


class Stamps(TrainerCallback):  # type: ignore[misc]
    """When steps begin and end; the first begins when training has been set up."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.ended: list[float] = []

    def on_train_begin(self, *told: Any, **named: Any) -> None:
        """Fetching the first batch counts."""
        self.begun.append(time.perf_counter())

    def on_step_end(self, *told: Any, **named: Any) -> None:
        """An optimizer step is done."""
        self.ended.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """From the first batch to the end of the last step."""
        return self.ended[-1] - self.begun[0]


def train(params: dict[str, Any]) -> dict[str, float]:
    """Train on the reviews.

    `frozen` is the number of blocks from below that stay, or "all"; `part` the share of an epoch.
    """
    data = read.told(params)
    tokens = read.tokenizer(data)
    items, names = read.sentiment(tokens, data)
    if "part" in params:
        params["steps"] = max(1, int(params["part"] * len(items) / 32))
    model = AutoModelForSequenceClassification.from_pretrained(data["model"], num_labels=len(names))
    freeze(model, params.get("frozen"))
    with TemporaryDirectory() as out:
        stamps = Stamps()
        trainer = Trainer(
            model=model,
            args=arguments(params, out),
            train_dataset=items,
            data_collator=DataCollatorWithPadding(tokens),
            callbacks=[stamps],
        )
        trainer.train()
        trainer.save_model()
    return figures(stamps, len(items) * params["epochs"], params)


def arguments(params: dict[str, Any], out: str) -> TrainingArguments:
    """Defaults, but for what the bench is about, and without logging and saving."""
    return TrainingArguments(
        output_dir=out,
        num_train_epochs=params["epochs"],
        max_steps=params.get("steps") or -1,
        per_device_train_batch_size=32,
        train_sampling_strategy=params.get("order", "random"),
        bf16=params.get("bf16", False),
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        seed=params["turn"],
    )


def freeze(model: Any, how: str | int | None) -> None:
    """No gradients for the backbone, or for its embeddings and that many blocks."""
    if how is None:
        return
    backbone = model.base_model
    parts = [backbone] if how == "all" else [backbone.embeddings, *backbone.encoder.layer[: int(how)]]
    for part in parts:
        part.requires_grad_(False)


def figures(stamps: Stamps, examples: int, params: dict[str, Any]) -> dict[str, float]:
    """What a training came to."""
    steps = len(stamps.ended)
    seen = 32 * steps if params.get("steps") else examples
    return {
        "seconds": stamps.seconds,
        "examples": float(seen),
        "examples_per_second": seen / stamps.seconds,
        "steps": float(steps),
    }

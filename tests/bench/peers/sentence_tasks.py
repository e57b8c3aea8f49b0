"""Several tasks in sentence-transformers' trainer: a data set and a loss each, batches of one in turn."""

from collections.abc import Iterable
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import Tensor, nn

from tests.bench.peers import read
from tests.bench.peers.three_tasks import NO_LABEL
from tests.bench.peers.trainer import Stamps


class HeadLoss(nn.Module):
    """Cross entropy of a linear head on the first token, or on each; counts the tokens it saw."""

    def __init__(self, model: SentenceTransformer, labels: int, per_token: bool) -> None:
        super().__init__()
        self.model, self.per_token, self.tokens = model, per_token, 0
        self.head = nn.Linear(int(model.get_embedding_dimension() or 0), labels)
        self.dropout = nn.Dropout(0.1)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss [] of a batch: labels [B], or [B, 128] of which the first T count."""
        features = self.model(next(iter(sentence_features)))
        self.tokens += int(features["attention_mask"].sum())
        states = features["token_embeddings"]
        if not self.per_token:
            states = states[:, 0]
        scores = self.head(self.dropout(states))
        wanted = labels[:, : scores.shape[1]] if self.per_token else labels
        return nn.functional.cross_entropy(scores.flatten(0, -2), wanted.flatten())


def train(params: dict[str, Any]) -> dict[str, float]:
    """Train the three tasks for that many steps."""
    data = read.told(params)
    model = SentenceTransformer(data["model"], device="cpu")
    model.max_seq_length = read.MAX_LENGTH
    sets: dict[str, Dataset] = {}
    heads: dict[str, HeadLoss] = {}
    for task in ("sentiment", "news", "entities"):
        sets[task], count = _set(task, data)
        heads[task] = HeadLoss(model, count, task == "entities")
    stamps, losses = Stamps(), dict[str, nn.Module](heads)
    with TemporaryDirectory() as out:
        trainer = SentenceTransformerTrainer(
            model=model, args=_arguments(params, out), train_dataset=sets, loss=losses, callbacks=[stamps]
        )
        trainer.train()
        trainer.save_model()
    tokens = sum(loss.tokens for loss in heads.values())
    return {"seconds": stamps.seconds, "tokens": float(tokens), "tokens_per_second": tokens / stamps.seconds}


def _set(task: str, data: dict[str, Any]) -> tuple[Dataset, int]:
    """Texts and labels; the tags of words are laid out for the tokens of the words joined by blanks."""
    items, names = getattr(read, task)(read.tokenizer(data), data)
    source = {"sentiment": "reviews", "news": "articles", "entities": "mentions"}[task]
    rows = data["sources"][source]
    texts = [" ".join(row["tokens"]) if task == "entities" else row["text"] for row in rows]
    labels = [item["labels"] for item in items]
    if task == "entities":
        labels = [row + [NO_LABEL] * (read.MAX_LENGTH - len(row)) for row in labels]
    return Dataset.from_dict({"text": texts, "label": labels}), len(names)


def _arguments(params: dict[str, Any], out: str) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=out,
        max_steps=params["steps"],
        per_device_train_batch_size=32,
        multi_dataset_batch_sampler="round_robin",
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        seed=params["turn"],
    )

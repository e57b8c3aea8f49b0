"""Benches of whole trainings: one task, several tasks, frozen backbones."""

from tests.bench import techniques
from tests.bench.values import Bench, Sizes, Variant

BF16, EVERY = list(techniques.BF16), list(techniques.EVERY)
TRAIN, TRAINER = "ours.training:train", "peers.trainer:train"
BACKBONE = 'freeze={use="backbone"}'
LOWER = 'freeze={use="bottom-layers", layers=4}'
EVERY_WORDS = "mtlkit, fp32, every technique on, proved or not"
GROUPED = {"order": "group_by_length"}
MEAN = ['tasks.sentiment.head.pooling="mean"']
MEANS = [*MEAN, 'tasks.news.head.pooling="mean"']
MEAN_WORDS = "mtlkit, fp32, with the mean of all tokens"

FULL = Bench(
    "full",
    "Full fine-tuning, one task",
    (
        Variant("hf", "HF Trainer, defaults", "peers", TRAINER, {"part": 0.5}),
        Variant("hf-grouped", "HF Trainer, `group_by_length`", "peers", TRAINER, GROUPED),
        Variant(
            "hf-grouped-bf16",
            "HF Trainer, `group_by_length`, bf16",
            "peers",
            TRAINER,
            {**GROUPED, "bf16": True},
        ),
        Variant("mtlkit", "mtlkit, fp32", "ours", TRAIN),
        Variant("mtlkit-bf16", "mtlkit, bf16", "ours", TRAIN, {"set": BF16}),
        Variant("mtlkit-mean", MEAN_WORDS, "ours", TRAIN, {"set": MEAN}, turns=1, quick=False),
        Variant(
            "mtlkit-mean-bf16", "the same, bf16", "ours", TRAIN, {"set": [*MEAN, *BF16]}, turns=1, quick=False
        ),
        Variant("mtlkit-every", EVERY_WORDS, "ours", TRAIN, {"set": EVERY}, turns=1, quick=False),
        Variant(
            "mtlkit-every-bf16",
            "the same, bf16",
            "ours",
            TRAIN,
            {"set": [*EVERY, *BF16]},
            turns=1,
            quick=False,
        ),
    ),
    full=Sizes(rows=2048, repeats=3),
    quick=Sizes(rows=192, repeats=1),
    note=(
        "The trainer's defaults take half an epoch: its batches are of random rows, so any half will do. Both sides "
        "classify by the first token, as BERT's own classification head does; mtlkit computes the last block for it "
        "alone. Heads that read all tokens take what is told beside it."
    ),
    measure="examples_per_second",
    unit="examples/s",
    export="one-task",
)

TASKS = Bench(
    "tasks",
    "Three tasks, one backbone",
    (
        Variant("hf", "HF Trainer, batches of one task each", "peers", "peers.trainer_tasks:train"),
        Variant("hf-bf16", "the same, bf16", "peers", "peers.trainer_tasks:train", {"bf16": True}),
        Variant(
            "sentence-transformers", "its trainer, a loss per task", "peers", "peers.sentence_tasks:train"
        ),
        Variant(
            "machamp-like",
            "a plain loop of ours with MaChAmp's batches",
            "peers",
            "peers.plain_tasks:train",
            {"steps_times": 2},
        ),
        Variant("mtlkit", "mtlkit, fp32", "ours", TRAIN),
        Variant("mtlkit-bf16", "mtlkit, bf16", "ours", TRAIN, {"set": BF16}),
        Variant("mtlkit-mean", MEAN_WORDS, "ours", TRAIN, {"set": MEANS}, turns=1, quick=False),
        Variant(
            "mtlkit-mean-bf16",
            "the same, bf16",
            "ours",
            TRAIN,
            {"set": [*MEANS, *BF16]},
            turns=1,
            quick=False,
        ),
        Variant("mtlkit-every", EVERY_WORDS, "ours", TRAIN, {"set": EVERY}, turns=1, quick=False),
        Variant(
            "mtlkit-every-bf16",
            "the same, bf16",
            "ours",
            TRAIN,
            {"set": [*EVERY, *BF16]},
            turns=1,
            quick=False,
        ),
    ),
    full=Sizes(rows=672, steps=15, repeats=2),
    quick=Sizes(rows=64, steps=3, repeats=1),
    measure="tokens_per_second",
    unit="real tokens/s",
    export="three-tasks",
    note=(
        "Sentiment, news and entities, the same number of rows of each; some steps of an epoch, whose batches are in "
        "random order everywhere. Texts are classified by their first token on every side. MaChAmp's batches have fewer tokens, so it takes twice the steps."
    ),
)

FROZEN = Bench(
    "frozen",
    "Frozen backbone, five epochs of one head",
    (
        Variant("hf", "HF Trainer, `requires_grad` off", "peers", TRAINER, {"frozen": "all"}),
        Variant(
            "hf-bf16",
            "the same, bf16",
            "peers",
            TRAINER,
            {"frozen": "all", "bf16": True},
            turns=1,
            quick=False,
        ),
        Variant("mtlkit", "mtlkit, fp32", "ours", TRAIN, {"set": [BACKBONE]}),
        Variant("mtlkit-bf16", "mtlkit, bf16", "ours", TRAIN, {"set": [BACKBONE, *BF16]}),
        Variant(
            "mtlkit-warm",
            "mtlkit, store filled by an earlier run",
            "ours",
            TRAIN,
            {"set": [BACKBONE], "warm": "frozen"},
            primed=True,
        ),
    ),
    full=Sizes(rows=512, epochs=5, repeats=2),
    quick=Sizes(rows=96, epochs=5, repeats=1),
    measure="seconds",
    unit="seconds",
    export="one-task",
    note="mtlkit's time includes filling the store. The goals hold both precisions against the trainer in fp32.",
)

BOTTOM = Bench(
    "bottom",
    "Bottom four of six blocks frozen, five epochs",
    (
        Variant("hf", "HF Trainer, `requires_grad` off", "peers", TRAINER, {"frozen": 4}),
        Variant("mtlkit", "mtlkit, fp32", "ours", TRAIN, {"set": [LOWER]}),
        Variant("mtlkit-bf16", "mtlkit, bf16", "ours", TRAIN, {"set": [LOWER, *BF16]}),
        Variant(
            "mtlkit-bf16-warm",
            "mtlkit, bf16, store filled by an earlier run",
            "ours",
            TRAIN,
            {"set": [LOWER, *BF16], "warm": "bottom"},
            primed=True,
            quick=False,
        ),
    ),
    full=Sizes(rows=512, epochs=5, repeats=2),
    quick=Sizes(rows=96, epochs=5, repeats=1),
    measure="seconds",
    unit="seconds",
    export="one-task",
    note=FROZEN.note,
)

BENCHES = (FULL, TASKS, FROZEN, BOTTOM)

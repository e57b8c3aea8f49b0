"""Benches of whole trainings: one task, several tasks, frozen backbones."""

from tests.bench.values import Bench, Sizes, Variant

TRAIN, TRAINER = "ours.training:train", "peers.trainer:train"
BF16 = ['training.precision="bf16"']
BACKBONE = 'freeze={use="backbone"}'
LOWER = 'freeze={use="bottom-layers", layers=4}'
GROUPED = {"order": "group_by_length"}

FULL = Bench(
    "full",
    "Full fine-tuning, one task",
    (
        Variant("hf", "HF Trainer, defaults", "peers", TRAINER),
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
    ),
    full=Sizes(rows=2048, repeats=3),
    quick=Sizes(rows=192, repeats=1),
    measure="examples_per_second",
    unit="examples/s",
    export="one-task",
)

FROZEN = Bench(
    "frozen",
    "Frozen backbone, five epochs of one head",
    (
        Variant("hf", "HF Trainer, `requires_grad` off", "peers", TRAINER, {"frozen": "all"}),
        Variant("hf-bf16", "the same, bf16", "peers", TRAINER, {"frozen": "all", "bf16": True}, turns=1),
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
    full=Sizes(rows=512, epochs=5, repeats=3),
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
        ),
    ),
    full=Sizes(rows=512, epochs=5, repeats=3),
    quick=Sizes(rows=96, epochs=5, repeats=1),
    measure="seconds",
    unit="seconds",
    export="one-task",
    note=FROZEN.note,
)

BENCHES = (FULL, FROZEN, BOTTOM)

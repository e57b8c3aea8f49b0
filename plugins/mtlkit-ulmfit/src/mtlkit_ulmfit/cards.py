"""What this distribution adds to a catalog."""

from mtlkit import Card, hookimpl

FELBO = (
    "Felbo et al. 2017, Using millions of emoji occurrences to learn any-domain representations for "
    "detecting sentiment, emotion and sarcasm, EMNLP, section 3.3"
)
HOWARD = "Howard & Ruder 2018, Universal Language Model Fine-tuning for Text Classification, ACL, section 3.1"
INSTALL = "pip install mtlkit-ulmfit"

CARDS = (
    Card(
        kind="freeze",
        name="ulmfit-chain-thaw",
        summary="trains the heads, then each layer alone, then everything",
        options="mtlkit_ulmfit.chain_thaw:ChainThaw",
        install=INSTALL,
        paper=FELBO,
        example={"every": "1ep"},
        api=1,
    ),
    Card(
        kind="lr",
        name="ulmfit-discriminative",
        summary="the heads at the peak, every layer below a factor slower than the one above it",
        options="mtlkit_ulmfit.discriminative:Discriminative",
        install=INSTALL,
        paper=HOWARD,
        example={"peak": 0.01},
        api=1,
    ),
    Card(
        kind="curve",
        name="ulmfit-slanted-triangular",
        summary="a short rise to the peak and a long straight fall",
        options="mtlkit_ulmfit.slanted_triangular:SlantedTriangular",
        install=INSTALL,
        paper=f"{HOWARD}, equation 3",
        example={"cut_frac": 0.1, "ratio": 32.0},
        api=1,
    ),
    Card(
        kind="lr",
        name="ulmfit",
        summary="the whole of ULMFiT's rates: a factor from layer to layer, a slanted triangle over the run",
        options="mtlkit_ulmfit.whole:Ulmfit",
        install=INSTALL,
        paper=HOWARD,
        example={"peak": 0.01},
        api=1,
    ),
)


@hookimpl
def mtlkit_cards() -> tuple[Card, ...]:
    """All four."""
    return CARDS

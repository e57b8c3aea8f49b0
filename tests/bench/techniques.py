"""What makes training faster and might make it learn less well, as overrides of a recipe."""

from collections.abc import Mapping

from attrs import frozen

BUCKETS, RANDOM = ('training.batching="buckets"',), ('training.batching="random"',)
FAST, PLAIN = ('backbone.fast="auto"',), ('backbone.fast="off"',)
BF16 = ('training.precision="bf16"',)
FIRST = ('tasks.sentiment.head.pooling="cls"',)
EVERY = (*BUCKETS, *FAST)
NONE = (*RANDOM, *PLAIN)


@frozen
class Pair:
    """Two ways to train that are to learn equally well: a technique, and the same run without it."""

    name: str
    words: str
    technique: str
    control: str


ARMS: Mapping[str, tuple[str, ...]] = {
    "none": NONE,
    "fast": (*RANDOM, *FAST),
    "buckets": (*BUCKETS, *PLAIN),
    "none-first": (*NONE, *FIRST),
    "first": (*RANDOM, *FAST, *FIRST),
}
PAIRS = (
    Pair("fast", "the fast path of the encoder against the plain one", "fast", "none"),
    Pair("first", "the fast path, first tokens alone, against the plain one", "first", "none-first"),
    Pair("buckets", "batches of rows of like length against random ones", "buckets", "none"),
)

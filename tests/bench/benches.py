"""All benches, in the order of the page."""

from tests.bench import listed_parts, listed_training

BENCHES = {bench.name: bench for bench in (*listed_training.BENCHES, *listed_parts.BENCHES)}

"""All benches, in the order of the page."""

from tests.bench import listed_growth, listed_parts, listed_training

_LISTED = (*listed_training.BENCHES, *listed_parts.BENCHES, *listed_growth.BENCHES)
BENCHES = {bench.name: bench for bench in _LISTED}

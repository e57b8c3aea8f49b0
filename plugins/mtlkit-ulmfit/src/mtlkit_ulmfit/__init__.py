"""Fine-tuning one layer after the other: chain-thaw, discriminative rates, slanted triangular curves."""

from mtlkit_ulmfit.chain_thaw import ChainThaw
from mtlkit_ulmfit.discriminative import Discriminative
from mtlkit_ulmfit.slanted_triangular import SlantedTriangular

__all__ = ["ChainThaw", "Discriminative", "SlantedTriangular"]

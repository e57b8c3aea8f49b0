"""Fine-tuning one layer after the other: chain-thaw, and ULMFiT's rates, in parts and whole."""

from mtlkit_ulmfit.chain_thaw import ChainThaw
from mtlkit_ulmfit.discriminative import Discriminative
from mtlkit_ulmfit.slanted_triangular import SlantedTriangular
from mtlkit_ulmfit.whole import Ulmfit

__all__ = ["ChainThaw", "Discriminative", "SlantedTriangular", "Ulmfit"]

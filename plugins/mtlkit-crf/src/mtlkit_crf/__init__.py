"""A linear-chain conditional random field over words, as the mtlkit head `crf`."""

__version__ = "0.1.0"

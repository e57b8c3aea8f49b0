"""Options of the head for masked language modelling; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from typing import Annotated

from annotated_types import Gt, Le
from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    Activation,
    Layers,
    activation_field,
    layers_field,
    metrics_field,
)
from mtlkit.builtin.metrics.names import TokenMetric, lower_of
from mtlkit.contracts.options import option


@frozen
class MaskedLm:
    """The tokens of a text that were hidden; any text will do, no labels are read."""

    text: str = option("column of the text, or of the words", "text")
    share: Annotated[float, Gt(0), Le(1)] = option(
        "share of a text's tokens that are to be found again", 0.15
    )
    whole_word: bool = option("whether all tokens of a word are hidden together", False)
    layers: Layers = layers_field()
    activation: Activation = activation_field()
    _metrics: tuple[TokenMetric, ...] = metrics_field(("perplexity", "token-accuracy"))

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"text": self.text}

    def metrics(self) -> tuple[TokenMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())

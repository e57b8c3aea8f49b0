"""Hiding tokens of a text (Devlin et al. 2019, section 3.1 and appendix A.1).

Of the tokens chosen, 80 % become the mask, 10 % any other token and 10 % stay as they are. Special tokens are
never chosen. Shapes: n tokens of a row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen

from mtlkit.contracts.backbone import Vocabulary
from mtlkit.errors import PluginError

MASKED, REPLACED = 0.8, 0.1


@frozen(eq=False)
class Masking:
    """How tokens are hidden: what share of them, and whether whole words.

    `special` are ids that are left alone and `ordinary` those that may take the place of others.
    """

    share: float
    whole_word: bool
    mask: int
    special: np.ndarray
    ordinary: np.ndarray

    @classmethod
    def of(cls, vocabulary: Vocabulary, mask: int, share: float, whole_word: bool) -> Masking:
        """The masking for a vocabulary whose mask is `mask`."""
        special = np.asarray(sorted({*vocabulary.special, vocabulary.padding, mask}))
        ordinary = np.setdiff1d(np.arange(vocabulary.size), special)
        return cls(share, whole_word, mask, special, ordinary)

    def hidden(self, item: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
        """The ids [n] of a prepared row after some were changed, and where [n] they are to be found again.

        Words are taken in random order until the share is reached: at least one where there is any.

        Raises:
            PluginError: when whole words are asked for and the row does not say what they are.
        """
        ids = np.asarray(item.ids)
        open_places = np.flatnonzero(~np.isin(ids, self.special))
        words = self._words(item)[open_places] if self.whole_word else np.arange(len(open_places))
        wanted = max(1, round(self.share * len(open_places)))
        _, words, sizes = np.unique(words, return_inverse=True, return_counts=True)
        order = rng.permutation(len(sizes))
        before = np.cumsum(sizes[order]) - sizes[order]
        taken = np.zeros(len(sizes), np.bool_)
        taken[order[before < wanted]] = True
        places = open_places[taken[words]]
        changed, drawn = ids.copy(), rng.random(len(places))
        changed[places[drawn < MASKED]] = self.mask
        others = places[(drawn >= MASKED) & (drawn < MASKED + REPLACED)]
        changed[others] = rng.choice(self.ordinary, len(others))
        chosen = np.zeros(len(ids), np.bool_)
        chosen[places] = True
        return changed, chosen

    def _words(self, item: Any) -> np.ndarray:  # noqa: ANN401  a prepared row
        """A number for each token [n] that is the same for all tokens of a word.

        Words of texts are what stands between spaces: where the next token begins behind the last one's end.
        """
        words = getattr(item, "words", None)
        if words is not None:
            return np.asarray(words)
        texts, spans = getattr(item, "texts", None), getattr(item, "spans", None)
        if texts is None or spans is None:
            message = (
                "masked-lm hides whole words, and the backbone does not say where tokens are in the text"
            )
            raise PluginError(message, "say `whole_word = false`, or use a backbone that has `locate`")
        begins = np.ones(len(texts), np.bool_)
        begins[1:] = (np.diff(texts) != 0) | (spans[1:, 0] != spans[:-1, 1])
        return np.cumsum(begins)

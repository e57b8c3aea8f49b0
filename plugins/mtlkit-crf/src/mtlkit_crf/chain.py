"""The linear-chain conditional random field (Lafferty, McCallum & Pereira 2001, section 3), exactly.

The score of a sequence of tags y of a row with n words is

    start[y_1] + Σ_t emissions[t, y_t] + Σ_{t>1} transitions[y_{t-1}, y_t]

and its probability is exp(score) over the sum of the same for all sequences of n tags. There is no score
for the last tag, because the last word that the backbone saw need not be the last of the row.
A score of -inf forbids a start or a transition.

Shapes: B rows, W words of the longest row (at least 1), C tags. `alive` [B, W] is True at the first
n words of each row. Loops run over words only.
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

NEVER = float("-inf")


@frozen(eq=False)
class Chain:
    """The scores that all rows share: `start` [C], and `transitions` [C, C] from a tag to the next one."""

    start: Tensor
    transitions: Tensor

    def negative_log_likelihood(self, emissions: Tensor, alive: Tensor, tags: Tensor) -> Tensor:
        """-log p(tags) [B] of tags [B, W], missing where negative: summed over all they could be.

        0 for a row none of whose living words has a tag; inf for tags of probability 0.
        """
        given = (tags >= 0) & alive
        # The same number added to all tags of a word changes no probability; sums near 0 are precise.
        emissions = emissions.masked_fill(~alive.unsqueeze(-1), 0.0)
        emissions = emissions - emissions.amax(-1, keepdim=True).detach()
        numbers = torch.arange(emissions.shape[-1], device=tags.device)
        right = (numbers == tags.unsqueeze(-1)) | ~given.unsqueeze(-1)
        both = torch.cat([torch.ones_like(right), right])
        partition, numerator = self.log_sum(emissions.repeat(2, 1, 1), alive.repeat(2, 1), both).chunk(2)
        # Both are made by the same steps, each of them monotone even when rounded: never below 0.
        return torch.where(given.any(1), partition - numerator, 0.0)

    def log_sum(self, emissions: Tensor, alive: Tensor, allowed: Tensor) -> Tensor:
        """The forward algorithm: log Σ exp(score) [B] over the sequences of `allowed` [B, W, C] tags.

        0 for a row without words, -inf where no sequence is left. Dead words must have finite emissions.
        """
        reached = (self.start + emissions[:, 0]).masked_fill(~allowed[:, 0], NEVER)
        for word in range(1, emissions.shape[1]):
            arriving = _log_sum_exp(reached.unsqueeze(-1) + self.transitions, 1)
            now = (arriving + emissions[:, word]).masked_fill(~allowed[:, word], NEVER)
            reached = torch.where(alive[:, word, None], now, reached)
        return torch.where(alive[:, 0], _log_sum_exp(reached, 1), 0.0)

    @torch.no_grad()
    def best(self, emissions: Tensor, alive: Tensor) -> Tensor:
        """The tag numbers [B, W] of the sequence with the highest score (Viterbi 1967); any at dead words."""
        emissions = emissions.masked_fill(~alive.unsqueeze(-1), 0.0)
        itself = torch.arange(emissions.shape[-1], device=emissions.device)
        scores, origins = self.start + emissions[:, 0], []
        for word in range(1, emissions.shape[1]):
            top, origin = (scores.unsqueeze(-1) + self.transitions).max(1)
            lives = alive[:, word, None]
            origins.append(torch.where(lives, origin, itself))
            scores = torch.where(lives, top + emissions[:, word], scores)
        path = [scores.argmax(-1, keepdim=True)]
        for origin in reversed(origins):
            path.append(origin.gather(1, path[-1]))
        return torch.cat(path[::-1], 1)


def _log_sum_exp(scores: Tensor, dim: int) -> Tensor:
    """As torch's, but with gradient 0, not NaN, where all scores are -inf."""
    some = (scores != NEVER).any(dim, keepdim=True)
    total = torch.where(some, scores, 0.0).logsumexp(dim)
    return torch.where(some.squeeze(dim), total, NEVER)

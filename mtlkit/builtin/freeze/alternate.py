"""Sets of weights take turns: while one trains, the others are frozen.

Block coordinate descent (for language models Luo et al. 2024, "BAdam: A Memory Efficient Full Parameter
Optimization Method for Large Language Models"), with sets of one's own choice.
"""

from attrs import frozen

from mtlkit.builtin.freeze.periods import check_period, periods
from mtlkit.builtin.freeze.selecting import any_means, check_selectors, tasks_in
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class Alternate(FreezePolicy):
    """Each set of selectors trains for one turn, in their order, and again after the last.

    A weight in several sets trains in the turn of each; one that is in none always trains.

    Helps: block coordinate descent saves memory in fine-tuning large language models (Luo et al. 2024,
    BAdam, arXiv:2404.02827); with sets of one's own choice, no evidence known to us.

    Does not help: no evidence known to us.
    """

    every: Duration = option("how long each turn lasts")
    sets: tuple[tuple[str, ...], ...] = option(
        "lists of selectors that take turns, such as [['blocks'], ['embeddings', 'final']]"
    )

    def __attrs_post_init__(self) -> None:
        check_period(self.every, "a turn")
        if len(self.sets) < 2:
            raise ValueError(f"sets has {len(self.sets)} entries; at least two can take turns")
        for number, texts in enumerate(self.sets):
            check_selectors(texts, f"sets[{number}]")

    def phase(self, progress: Progress) -> int:
        """The number of the set whose turn it is, from 0."""
        return periods(progress, self.every) % len(self.sets)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether it is the turn of a set with the weight, or no set has it."""
        if any_means(self.sets[int(phase)], row, table):
            return True
        return not any_means(self.patterns(), row, table)

    def stages(self) -> tuple[int, ...]:
        """One for each set."""
        return tuple(range(len(self.sets)))

    def patterns(self) -> tuple[str, ...]:
        """The selectors of all sets, each once."""
        return tuple(dict.fromkeys(text for texts in self.sets for text in texts))

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.patterns())

"""Lengths of training: `"3ep"` epochs, `"500st"` steps, `"10%"` of the run."""

from decimal import Decimal
from typing import Literal, Self

from attrs import frozen

Unit = Literal["ep", "st", "%"]
EXAMPLES = '"3ep" (epochs), "500st" (steps) or "10%" (of the run)'


@frozen
class Duration:
    """An amount of training, in epochs (`ep`), optimizer steps (`st`) or percent of the run (`%`)."""

    amount: float
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"3ep"`, `"0.5ep"`, `"500st"` or `"10%"`.

        Raises:
            ValueError: when the text is none of these, is negative or not finite, when a number of
                steps is not whole, or when a share is above 100 %.
        """
        for unit in ("ep", "st", "%"):
            number = text.removesuffix(unit)
            if number != text and _is_plain_number(number):
                amount = float(number)
                if unit == "st" and amount != int(amount):
                    raise ValueError(f"{text!r} is not a whole number of steps")
                if unit == "%" and amount > 100:
                    raise ValueError(f'{text!r} is more than the whole run; write at most "100%"')
                return cls(amount, unit)
        raise ValueError(f"{text!r} is not a duration; write {EXAMPLES}")

    def steps(self, total: int, steps_per_epoch: int) -> int:
        """The same length in whole optimizer steps, rounded to the nearest.

        `total` is the length of the run in steps.
        """
        scale = {"ep": steps_per_epoch, "st": 1, "%": total / 100}[self.unit]
        return round(self.amount * scale)

    def __str__(self) -> str:
        whole = self.amount == int(self.amount)
        return f"{Decimal(int(self.amount)) if whole else Decimal(repr(self.amount)):f}{self.unit}"


def _is_plain_number(text: str) -> bool:
    whole, _, part = text.partition(".")
    digits = whole + part
    return len(text) <= 16 and digits.isascii() and digits.isdigit() and whole != ""

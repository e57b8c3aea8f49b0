"""How hard a plugin is tried: examples for each law, and seconds for all of them."""

from typing import Literal, get_args

from attrs import frozen

from mtlkit.errors import UsageError
from mtlkit.recipe.problems import closest

ProfileName = Literal["quick", "standard", "deep"]


@frozen
class Profile:
    """`examples` of each law, and `seconds` for the whole plugin on two cores.

    No law gets more than its part of the time; one that runs out of it has still been tried on its
    corners and on `at_least` examples.
    """

    name: ProfileName
    examples: int
    seconds: float
    at_least: int = 5


PROFILES: dict[str, Profile] = {
    "quick": Profile("quick", 25, 20.0),
    "standard": Profile("standard", 30, 120.0),
    "deep": Profile("deep", 1000, 900.0),
}


def profile_of(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UsageError: when there is none.
    """
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}", closest(name, get_args(ProfileName)))
    return PROFILES[name]

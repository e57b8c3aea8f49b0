"""Torch's settings for the whole process, which no plugin may change: what one sets trains every other."""

from collections.abc import Mapping

import torch

from mtlkit.errors import PluginError

Settings = Mapping[str, object]


def settings() -> Settings:
    """The settings that the bytes of a run depend on, by what they are called."""
    return {
        "the default dtype": torch.get_default_dtype(),
        "the number of threads": torch.get_num_threads(),
        "whether gradients are computed": torch.is_grad_enabled(),
        "whether algorithms are deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def check_settings(before: Settings, when: str) -> None:
    """Hold the settings against those of before.

    Raises:
        PluginError: when one has changed: then a run that is resumed would not be the same.
    """
    for name, value in settings().items():
        if value != before[name]:
            raise PluginError(
                f"a plugin changed torch's settings {when}: {name}, from {before[name]} to {value}",
                "set it for a block and put it back; `mtlkit check` finds the plugin (law G12)",
            )

"""Blocks of a pre-trained model as they were before pre-training."""

from collections.abc import Callable, Sequence

from torch import nn

from mtlkit.errors import Problem, RecipeError


def check_top(count: int, depth: int, name: str) -> None:
    """Check that the model has that many blocks.

    Raises:
        RecipeError: when it has fewer.
    """
    if count > depth:
        message = f"reinit_top {count} is more than the {depth} blocks of {name}"
        raise RecipeError(Problem(message, f"at most {depth}", "backbone.reinit_top"))


def renew_top(blocks: Sequence[nn.Module], fresh: Callable[[], Sequence[nn.Module]], count: int) -> None:
    """Give the topmost `count` blocks the weights of those of a model that `fresh` initialises.

    The upper blocks of a pre-trained model are the closest to what it was pre-trained for, and starting them
    anew makes training on few rows more stable.

    Source: Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning" (arXiv:2006.05987), §5; its pooler
    is not a part of the models here.
    """
    if not count:
        return
    for block, new in zip(blocks[-count:], fresh()[-count:], strict=True):
        block.load_state_dict(new.state_dict())

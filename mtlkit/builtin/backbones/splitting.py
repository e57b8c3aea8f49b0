"""Running the lower and the upper part of any encoder that keeps its blocks in a list.

The stem stops where the first block above the split takes its input; the tail skips the blocks below
and hands that block the stored input. Whatever the model computes around its blocks (masks, rotary
tables, relative positions) is computed again by the model's own code, so both are bit-exact; embeddings are
left out where they are known to yield nothing but what the first block takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

from attrs import frozen
from torch import Tensor, nn

Run = Callable[[], Any]
Blocks = list[nn.Module]


class _InputTaken(Exception):  # noqa: N818  not an error: it ends the stem
    def __init__(self, hidden: Tensor) -> None:
        super().__init__()
        self.hidden = hidden


@frozen
class Trace:
    """What one run showed: the depth of each module outside the blocks, and how long a block's answer is.

    `answer` is 0 where blocks return a tensor and n where they return a tuple of n.
    """

    depths: dict[str, int]
    answer: int


def find_blocks(model: nn.Module, count: int) -> tuple[str, Blocks]:
    """The name and the members of the list of `count` blocks of one class.

    Where no list has that length (shared blocks: ALBERT), the outermost list counts.

    Raises:
        LookupError: when the model keeps no list of modules of one class.
    """
    lists = [
        (name, list(module))
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len({type(member) for member in module}) == 1
    ]
    found = [entry for entry in lists if len(entry[1]) == count] or lists
    if not found:
        raise LookupError("the model keeps no list of blocks")
    return found[0]


def trace(model: nn.Module, name: str, blocks: Blocks, run: Run) -> Trace:
    """Run the model once and see what comes before, between and after its blocks.

    A module called before the first block has depth 0, one called after block i depth i+1, one
    called after the last block depth L+1; the first call counts.
    """
    depths: dict[str, int] = {}
    now, answer = 0, 0

    def called(path: str, *_: object) -> None:
        depths.setdefault(path, now)

    def entering(depth: int, *_: object) -> None:
        nonlocal now
        now = depth

    def leaving(depth: int, _module: nn.Module, _args: object, output: object) -> None:
        nonlocal now, answer
        now, answer = depth, len(output) if isinstance(output, tuple) else 0

    with ExitStack() as hooks:
        for path, module in model.named_modules():
            if not path.startswith(f"{name}."):
                hooks.callback(module.register_forward_pre_hook(partial(called, path)).remove)
        for depth, block in enumerate(blocks, start=1):
            after = depth + 1 if depth == len(blocks) else depth
            hooks.callback(block.register_forward_pre_hook(partial(entering, depth)).remove)
            hooks.callback(block.register_forward_hook(partial(leaving, after)).remove)
        run()
    return Trace(depths, answer)


def run_to(blocks: Blocks, depth: int, run: Run) -> Tensor:
    """The input [B, T, H] of the block above `depth`, or what the last block yields when there is none."""
    taken: list[Tensor] = []

    def stop(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        raise _InputTaken(args[0] if args else kwargs["hidden_states"])

    def keep(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401  any answer of a block
        taken[:] = [output[0] if isinstance(output, tuple) else output]

    above = depth < len(blocks)
    hook = (
        blocks[depth].register_forward_pre_hook(stop, with_kwargs=True)
        if above
        else blocks[-1].register_forward_hook(keep)
    )
    try:
        run()
    except _InputTaken as stopped:
        return stopped.hidden
    finally:
        hook.remove()
    return taken[0]


@contextmanager
def showing(blocks: Blocks, depths: Collection[int], kept: dict[int, Tensor]) -> Iterator[None]:
    """Put the states [B, T, H] after the blocks at these depths into `kept`; 0 is the input of the first."""

    def entered(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        kept.setdefault(0, args[0] if args else kwargs["hidden_states"])  # a shared block is called again

    def left(depth: int, _module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401
        kept[depth] = output[0] if isinstance(output, tuple) else output

    with ExitStack() as hooks:
        for depth in depths:
            block = blocks[max(depth - 1, 0)]
            hook = (
                block.register_forward_hook(partial(left, depth))
                if depth
                else block.register_forward_pre_hook(entered, with_kwargs=True)
            )
            hooks.callback(hook.remove)
        yield


def run_from(blocks: Blocks, depth: int, hidden: Tensor, answer: int, run: Run, below: Blocks) -> Any:  # noqa: ANN401  the model's answer
    """What the model yields when the blocks up to `depth` are skipped and the next one gets `hidden`.

    Skipped too are the modules `below` the blocks, which yield nothing but what the first block takes.
    """
    pending = [hidden]

    def feed(
        _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if not pending:  # a shared block, called again
            return None
        first = pending.pop()
        return ((first, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": first})

    with ExitStack() as undo:
        for module in below:
            undo.enter_context(_skipped(module, hidden))
        for block in blocks[:depth]:
            undo.enter_context(_skipped(block, (hidden, *[None] * (answer - 1)) if answer else hidden))
        if depth < len(blocks):
            undo.callback(blocks[depth].register_forward_pre_hook(feed, with_kwargs=True).remove)
        return run()


def _skipped(block: nn.Module, answer: Any) -> AbstractContextManager[None]:  # noqa: ANN401  any answer of a block
    return exchanged(block, lambda *_args, **_kwargs: answer)


@contextmanager
def exchanged(block: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Inside, the block computes `forward` instead of what it would."""
    # Not a hook: hooks can't keep a block from computing, and exchanging the module would rename weights.
    before = block.__dict__.get("forward")
    block.forward = forward
    try:
        yield
    finally:
        del block.forward
        if before is not None:
            block.forward = before

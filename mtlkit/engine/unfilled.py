"""Modules laid out on torch's meta device, without going through the motions of filling their weights."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

FILLING = frozenset(
    {
        Tensor.normal_,
        Tensor.uniform_,
        init.normal_,
        init.uniform_,
        init.kaiming_normal_,
        init.kaiming_uniform_,
    }
)


@contextmanager
def unfilled() -> Iterator[None]:
    """Tensors made inside the block have shapes and no memory; drawing their numbers is left out.

    On the meta device torch draws through its compiler, whose import alone takes a second.
    """
    with torch.device("meta"), _NoFilling():
        yield


class _NoFilling(TorchFunctionMode):
    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  whatever the function gives
        given = kwargs or {}
        if function in FILLING and (tensor := args[0] if args else given["tensor"]).is_meta:
            return tensor
        return function(*args, **given)

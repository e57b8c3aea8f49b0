"""Large embedding tables: gradient and update of the rows that occur, and of no others.

Most rows of a vocabulary never occur in the training texts. Their gradient is zero in every step, and so are
the moments that an optimizer keeps of it: they move by weight decay alone. So a step gathers the rows that
have had a gradient, lets the optimizer update them as a small weight, and puts them back; the others are
multiplied by 1 - rate · decay, which is what the optimizer would do to them. For the same gradients no bit
differs from an update of the whole table. The gradients are the same up to rounding: those of a token that
occurs several times in a step are added up in another order.

Shapes: V rows of a table, R of them that have had a gradient, H its width.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from attrs import define, frozen
from torch import Tensor, nn
from torch.optim import Optimizer

from mtlkit.engine.apply import Handles

SMALLEST = 4096
"""Rows from which on it is worth it."""
REACHED = "reached"


@define(eq=False)
class TableRows:
    """The tables of a model that are updated by rows, with the modules that look them up.

    Which rows have had a gradient is kept in the optimizer's state of the table, as `reached` [V].
    """

    tables: Mapping[nn.Parameter, nn.Embedding]

    @classmethod
    def of(cls, handles: Handles, optimizer: Optimizer, options: object) -> "TableRows":
        """The tables that qualify, as far as the options of the optimizer allow it (see the contract)."""
        if not getattr(options, "still_without_gradient", False):
            return cls({})
        decoupled = getattr(options, "decoupled_decay", False)
        fit = {
            parameter
            for group in optimizer.param_groups
            for parameter in group["params"]
            if decoupled or not group["weight_decay"]
        }
        return cls({table: module for table, module in _looked_up_once(handles) if table in fit})

    @contextmanager
    def sparse(self) -> Iterator[None]:
        """Inside the block these tables get gradients of the rows that are looked up."""
        for module in self.tables.values():
            module.sparse = True
        try:
            yield
        finally:
            for module in self.tables.values():
                module.sparse = False

    @contextmanager
    def gathered(self, optimizer: Optimizer) -> Iterator[None]:
        """Inside the block the optimizer has, in the place of tables, their rows that ever had a gradient.

        Where the block raises, the tables are as they were.
        """
        parts = [
            _Part.of(optimizer, group, place, table)
            for group in (optimizer.param_groups if self.tables else ())
            for place, table in enumerate(group["params"])
            if table.grad is not None and table in self.tables
        ]
        try:
            yield
            for part in parts:
                part.put_back(optimizer)
        finally:
            for part in parts:
                part.withdraw(optimizer)


@frozen(eq=False)
class _Part:
    """Rows [R] of a table as a weight [R, H], in the table's place in a group of an optimizer."""

    table: nn.Parameter
    rows: Tensor
    weight: nn.Parameter
    group: dict[str, Any]
    place: int

    @classmethod
    def of(cls, optimizer: Optimizer, group: dict[str, Any], place: int, table: nn.Parameter) -> "_Part":
        at, gradient = _rows_with_gradient(table)
        state = optimizer.state[table]
        reached = state.setdefault(REACHED, torch.zeros(len(table), dtype=torch.bool))
        reached[at] = True
        rows = reached.nonzero()[:, 0]
        weight = nn.Parameter(table.detach().index_select(0, rows))
        weight.grad = torch.zeros_like(weight).index_copy_(0, torch.searchsorted(rows, at), gradient)
        kept = {key: _of(value, table, rows) for key, value in state.items() if key != REACHED}
        if kept:
            optimizer.state[weight] = kept
        group["params"][place] = weight
        return cls(table, rows, weight, group, place)

    def put_back(self, optimizer: Optimizer) -> None:
        """Write the rows and their state to the table, and let decay move the other rows."""
        state = optimizer.state[self.table]
        for key, value in optimizer.state[self.weight].items():
            if isinstance(value, Tensor) and value.shape == self.weight.shape:
                if key not in state:
                    state[key] = torch.zeros_like(self.table, dtype=value.dtype, requires_grad=False)
                state[key].index_copy_(0, self.rows, value)
            else:
                state[key] = value
        whole = self.table.detach()
        if self.group["weight_decay"]:
            whole.mul_(1 - self.group["lr"] * self.group["weight_decay"])
        whole.index_copy_(0, self.rows, self.weight.detach())

    def withdraw(self, optimizer: Optimizer) -> None:
        """Give the table its place back."""
        optimizer.state.pop(self.weight, None)
        self.group["params"][self.place] = self.table


def _rows_with_gradient(table: nn.Parameter) -> tuple[Tensor, Tensor]:
    """Numbers of rows, rising, and their gradients; where all have one, of those that are not zero."""
    if table.grad is None:
        raise ValueError("the table has no gradient")
    if table.grad.is_sparse:
        gradient = table.grad.coalesce()
        return gradient.indices()[0], gradient.values()
    at = table.grad.any(1).nonzero()[:, 0]
    return at, table.grad.index_select(0, at)


def _of(value: object, table: nn.Parameter, rows: Tensor) -> object:
    if isinstance(value, Tensor) and value.shape == table.shape:
        return value.index_select(0, rows)
    return value


def _looked_up_once(handles: Handles) -> Iterator[tuple[nn.Parameter, nn.Embedding]]:
    """The large tables on a CPU that one module looks up, without scaling, and that nothing else uses."""
    alone = {
        id(parameter): parameter
        for weight in handles.weights.values()
        for parameter in weight.parameters
        if len(weight.names) == len(weight.parameters) == 1
    }
    for _, module in handles.model.modules():
        if type(module) is nn.Embedding and id(module.weight) in alone and _plain(module):
            yield alone[id(module.weight)], module


def _plain(module: nn.Embedding) -> bool:
    scaled = module.max_norm is not None or module.scale_grad_by_freq
    large = module.num_embeddings >= SMALLEST and module.weight.device.type == "cpu"
    return large and not scaled and not module.sparse

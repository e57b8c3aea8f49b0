"""The model of a run: one backbone and the heads by task, with one name for every weight."""

from collections.abc import Iterator, Mapping

from attrs import frozen
from torch import Tensor, nn


@frozen(eq=False)
class Model:
    """The modules of a run. Weights are named `backbone.<path>` and `heads.<task>.<path>`."""

    backbone: nn.Module
    heads: Mapping[str, nn.Module]

    def parts(self) -> Iterator[tuple[str, nn.Module]]:
        """Name prefix and module: the backbone, then the heads in recipe order."""
        yield "backbone.", self.backbone
        for task, head in self.heads.items():
            yield f"heads.{task}.", head

    def parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every name of every parameter, aliases included."""
        for prefix, part in self.parts():
            for name, parameter in part.named_parameters(remove_duplicate=False):
                yield prefix + name, parameter

    def buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Every name of every buffer, aliases included."""
        for prefix, part in self.parts():
            for name, buffer in part.named_buffers(remove_duplicate=False):
                yield prefix + name, buffer

    def modules(self) -> Iterator[tuple[str, nn.Module]]:
        """Every module once, parents before children."""
        seen: set[int] = set()
        for prefix, part in self.parts():
            for name, module in part.named_modules():
                if id(module) not in seen:
                    seen.add(id(module))
                    yield (prefix + name).rstrip("."), module

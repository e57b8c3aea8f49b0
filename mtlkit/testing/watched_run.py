"""One run of a generated model, checked against every law after each thing that happens to it."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from attrs import define, field, frozen
from torch.optim import Optimizer

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Measurement
from mtlkit.contracts.rates import Curve, LRSchedule
from mtlkit.engine.apply import (
    Handles,
    apply_rates,
    apply_trainable,
    set_eval,
    set_modes,
    trainable_objects,
)
from mtlkit.engine.checkpoint import read
from mtlkit.engine.seeds import seeded
from mtlkit.engine.snapshot import Snapshot, restore, take
from mtlkit.engine.ties import ready_gradients
from mtlkit.engine.writing import write
from mtlkit.plan.timeline import Moment, Timeline
from mtlkit.testing.models import Spec, build_module, loss_of, table_of
from mtlkit.testing.oracles import (
    Layout,
    Shadow,
    check_equal,
    check_flags,
    check_groups,
    check_modes,
    check_unmoved,
    demand,
    layout,
    shadow,
)
from mtlkit.testing.strategies.optimizers import build_optimizer_of

Rule = dict[str, Any]
Builder = Callable[[list[dict[str, Any]]], Optimizer]
PER_EPOCH = 2


@frozen(eq=False)
class World:
    """What a run is made of."""

    spec: Spec
    policies: tuple[FreezePolicy, ...]
    schedule: LRSchedule
    curve: Curve
    optimizer: dict[str, Any] | Builder
    folder: Path | None
    total: int

    def timeline(self, table: ParamTable) -> Timeline:
        """A timeline with policies and a schedule that nobody has asked yet."""
        parts = deepcopy((self.policies, self.schedule, self.curve))
        return Timeline(*parts, table, self.total, PER_EPOCH)

    def built(self, other_weights: bool = False) -> tuple[Handles, Timeline, Optimizer]:
        """New objects; the weights may be those of another seed, for a restore to replace."""
        seed = self.spec["seed"] + other_weights
        handles = Handles.of(build_module({**self.spec, "seed": seed}))
        # The author's flags are read off the modules, so the plan is made before anything is applied.
        line = self.timeline(table_of(handles.model))
        groups = [
            {"params": [handles.parameters(name)[0] for name in names], "names": list(names), "group": group}
            for group, names in line.groups.items()
        ]
        make = self.optimizer if callable(self.optimizer) else _builder(self.optimizer)
        return handles, line, make(groups)


@define(eq=False)
class Run:
    """A run that obeys rules and checks the laws after each."""

    world: World
    handles: Handles = field(init=False)
    line: Timeline = field(init=False)
    optimizer: Optimizer = field(init=False)
    layout: Layout = field(init=False)
    done: int = 0
    skipped: bool = False
    log: list[Measurement] = field(factory=list)
    history: list[Rule] = field(factory=list)
    saved: list[tuple[Snapshot, int]] = field(factory=list)
    trainable: frozenset[str] = frozenset()
    shadow: Shadow = field(init=False)
    _walk: Iterator[Moment] = field(init=False)
    _next: Moment | None = None

    def __attrs_post_init__(self) -> None:
        self.handles, self.line, self.optimizer = self.world.built()
        self.layout = layout(self.optimizer)
        check_groups(self.handles, self.optimizer, self.layout, "at the start")
        self._rewind()
        self._enter(self._moment().trainable)

    def obey(self, rule: Rule) -> None:
        """Let one thing happen, and check everything that must hold afterwards."""
        if rule["do"] in ("step", "skip", "report"):
            self.history.append(rule)
        getattr(self, f"_{rule['do']}")(rule)
        self.check(f"after {rule}")

    def check(self, when: str) -> None:
        """All laws that hold at any moment."""
        check_groups(self.handles, self.optimizer, self.layout, when)
        check_unmoved(self.shadow, shadow(self.handles, self.optimizer, self.trainable), when)
        check_flags(self.handles, self.trainable, when)
        check_modes(self.handles, self.trainable, when)

    def take(self) -> Snapshot:
        """The whole state."""
        return take(self.handles, self.optimizer, self.done, {}, self.log)

    def _step(self, rule: Rule) -> None:
        if self.done >= self.world.total:
            return
        moment = self._begin()
        if not self._gradients(rule["micro"], moment, 1.0):
            self._clear("none")
            self.skipped = True
            return
        self.optimizer.step()
        self.done, self._next, self.skipped = self.done + 1, None, False
        self._clear(rule["clear"])

    def _skip(self, rule: Rule) -> None:
        if self.done >= self.world.total:
            return
        moment = self._begin()
        if rule["how"] != "none":
            self._gradients(rule["micro"], moment, float(rule["how"]))
        self._clear("none")
        self.skipped = True

    def _begin(self) -> Moment:
        """Enter the phase of the coming step and write its rates; gradients that are left are dropped."""
        moment = self._moment()
        if moment.trainable != self.trainable:
            self._enter(moment.trainable)
        check_flags(self.handles, self.trainable, f"before step {self.done}")
        apply_rates(self.optimizer, moment.rates)
        self._clear("none")
        return moment

    def _moment(self) -> Moment:
        """The coming step's trainable set and rates, which a plan that nobody asked before must share."""
        if self._next is None:
            self._next = next(self._walk)
        expected = _walked(self.world.timeline(self.line.table), self.done, self.log)
        when = f"at step {self.done} of a run that was interrupted or asked before"
        demand(self._next.progress.step == self.done, "L8", f"the clock is wrong {when}")
        demand(self._next.trainable == expected.trainable, "F20", f"other weights train {when}")
        law = "L8" if self.skipped else "L3"
        demand(self._next.rates == expected.rates, law, f"the rates are others {when}")
        return self._next

    def _enter(self, trainable: frozenset[str]) -> None:
        before = self.take()
        apply_trainable(self.handles, trainable)
        check_equal(before, self.take(), "F25", "after a plan was applied")
        check_flags(self.handles, trainable, f"when step {self.done} begins")
        check_modes(self.handles, trainable, f"when step {self.done} begins")
        self.trainable = trainable
        self.shadow = shadow(self.handles, self.optimizer, trainable)

    def _gradients(self, micro: int, moment: Moment, factor: float) -> bool:
        """Backward through the micro-batches; whether all gradients are finite."""
        for number in range(micro):
            with seeded(self.world.spec["seed"], "step", moment.progress.step, number):
                loss = loss_of(self.handles.model) * (factor / micro)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
        check_flags(self.handles, self.trainable, f"after backward at step {self.done}")
        ready_gradients(self.handles.weights.values())
        return all(bool(grad.isfinite().all()) for grad in self._grads())

    def _grads(self) -> list[torch.Tensor]:
        every = (p for group in self.optimizer.param_groups for p in group["params"])
        return [parameter.grad for parameter in every if parameter.grad is not None]

    def _clear(self, how: str) -> None:
        for _, parameter in self.handles.model.parameters():
            if how == "none":
                parameter.grad = None
            elif how == "zero" and parameter.grad is not None:
                parameter.grad = torch.zeros_like(parameter.grad)

    def _evaluate(self, _rule: Rule) -> None:
        before = self.take()
        set_eval(self.handles.model)
        with torch.no_grad(), seeded(self.world.spec["seed"], "evaluate"):
            loss_of(self.handles.model)
        set_modes(self.handles.model, trainable_objects(self.handles, self.trainable))
        check_equal(before, self.take(), "B6", "after a pass in eval mode")

    def _report(self, rule: Rule) -> None:
        self.log.append(Measurement(self.done, rule["metric"], rule["value"]))
        if self._next is not None:  # it was asked before this was known
            self._rewind()

    def _replan(self, _rule: Rule) -> None:
        progress = self.line.progress(self.done, self.log)
        for policy in self.line.policies:
            once, twice = policy.phase(progress), policy.phase(progress)
            demand(once == twice, "F10", f"{policy} is in two phases, {once!r} and {twice!r}, at {progress}")
        self._again("F11")

    def _again(self, law: str) -> None:
        """The engine applies its plan anew, which must undo whatever anyone did to flags and modes."""
        before = self.take()
        apply_trainable(self.handles, self.trainable)
        check_equal(before, self.take(), law, "after a plan was applied again")

    def _checkpoint(self, _rule: Rule) -> None:
        snapshot = self.take()
        if self.world.folder is not None:
            folder = self.world.folder / str(len(self.saved))
            folder.mkdir(exist_ok=True)
            stored = read(write(snapshot, folder / "checkpoints"))
            check_equal(snapshot, stored, "R1", "in a checkpoint that was read back")
            snapshot = stored
        self.saved.append((snapshot, len(self.history)))

    def _restore(self, rule: Rule) -> None:
        if not self.saved:
            return
        which = rule["which"] % len(self.saved)
        snapshot, length = self.saved[which]
        if rule["into"] == "fresh":
            self.handles, self.line, self.optimizer = self.world.built(other_weights=True)
            demand(layout(self.optimizer) == self.layout, "P8", "new objects have groups in another order")
        restore(self.handles, self.optimizer, snapshot)
        self._clear("none")
        self.done, self.log, self.skipped = snapshot.step, list(snapshot.log), False
        check_equal(self.take(), snapshot, "R1", "right after a restore")
        del self.history[length:], self.saved[which + 1 :]
        self._rewind()
        if self.done < self.world.total:
            self._enter(self._moment().trainable)
        else:
            self._enter(
                _walked(self.world.timeline(self.line.table), self.world.total - 1, self.log).trainable
            )

    def _flip(self, rule: Rule) -> None:
        if rule["what"] == "flag":
            parameters = [parameter for _, parameter in self.handles.model.parameters()]
            parameter = parameters[rule["at"] % len(parameters)]
            parameter.requires_grad_(not parameter.requires_grad)
            parameter.grad = torch.ones_like(parameter)
        else:
            modules = [module for _, module in self.handles.model.modules()]
            module = modules[rule["at"] % len(modules)]
            module.train(not module.training)
        self._again("F11")

    def _stale(self, rule: Rule) -> None:
        for _, parameter in self.handles.model.parameters():
            parameter.grad = torch.full_like(parameter, rule["value"])
        self._again("F8")

    def _rewind(self) -> None:
        """Walk the timeline anew, up to the step that comes next."""
        self._walk, self._next = self.line.moments(lambda: self.log), None
        for _ in range(self.done):
            next(self._walk)


def _walked(line: Timeline, step: int, log: Sequence[Measurement]) -> Moment:
    walk = line.moments(lambda: log)
    for _ in range(step):
        next(walk)
    return next(walk)


def _builder(spec: dict[str, Any]) -> Builder:
    return lambda groups: build_optimizer_of(spec, groups)

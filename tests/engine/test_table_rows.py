"""Updates by rows of a table change the same bits as updates of the whole table."""

import pytest
import torch
from engine_recipes import run_recipe, write_recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import mtlkit
from mtlkit.api import preview, resume, run_prepared
from mtlkit.builtin.optimizers import adam, adamw, lion, options, sgd
from mtlkit.contracts.events import StepDone
from mtlkit.engine import table_rows
from mtlkit.engine.apply import Handles
from mtlkit.engine.checkpoint import read
from mtlkit.engine.model import Model
from mtlkit.engine.stopping import Stop
from mtlkit.engine.table_rows import REACHED, TableRows
from mtlkit.errors import StoppedError

V, H = 4100, 4
OPTIMIZERS = {
    "adamw": (adamw.build, options.AdamW(), 0.1),
    "adamw without decay": (adamw.build, options.AdamW(), 0.0),
    "adam": (adam.build, options.Adam(amsgrad=True), 0.0),
    "sgd": (sgd.build, options.Sgd(), 0.0),
    "momentum": (sgd.build, options.Sgd(momentum=0.9, nesterov=True), 0.0),
    "lion": (lion.build, options.Lion(), 0.1),
}
ids = st.lists(st.integers(0, V - 1), max_size=6)
steps = st.lists(st.tuples(ids, st.floats(0, 0.1)), min_size=1, max_size=6)


class Lookups(nn.Module):
    """Two tables: one large, one small; `also` uses the large one's weights beside its lookups."""

    def __init__(self, also: bool = False, width: int = H) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.places = nn.Embedding(V, width), nn.Embedding(8, width)
        self.also = also

    def loss(self, found: torch.Tensor) -> torch.Tensor:
        value = (self.words(found) + self.places(found % 8)).pow(3).sum()
        return (
            value + functional.linear(self.places.weight, self.words.weight[:5]).sum() if self.also else value
        )


def built(kind, **more):
    build, chosen, decay = OPTIMIZERS[kind]
    module = Lookups(**more)
    groups = [{"params": list(module.parameters()), "lr": 0.0, "weight_decay": decay}]
    return module, build(chosen, groups), chosen


def tables_of(module, optimizer, chosen):
    return TableRows.of(Handles.of(Model(module, {})), optimizer, chosen)


def stepped(module, optimizer, tables, course):
    for found, rate in course:
        for group in optimizer.param_groups:
            group["lr"] = rate
        with tables.sparse():
            if found:
                module.loss(torch.tensor(found)).backward()
        with tables.gathered(optimizer):
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def kept(module, optimizer):
    """Every tensor of the state but which rows were reached, by place."""
    return {
        f"{name}::{key}": value
        for name, parameter in module.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
        if key != REACHED
    }


@pytest.mark.parametrize("also", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
@settings(max_examples=12)
@given(course=steps)
def test_weights_and_state_end_with_the_same_bytes(kind, also, course):
    ours, theirs = built(kind, also=also), built(kind, also=also)
    tables = tables_of(*ours)
    assert [*tables.tables] == [ours[0].words.weight]
    stepped(*ours[:2], tables, course)
    stepped(*theirs[:2], TableRows({}), course)
    for mine, other in zip(ours[0].parameters(), theirs[0].parameters(), strict=True):
        assert torch.equal(mine, other)
    mine, other = kept(*ours[:2]), kept(*theirs[:2])
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[place], other[place]) for place in mine if mine[place] is not None)
    assert ours[1].param_groups[0]["params"][0] is ours[0].words.weight


@pytest.mark.parametrize("width", [1, 3, 37])
def test_widths_that_fill_no_register_give_the_same_bytes(width):
    course = [([1, 5, 9, 4099], 0.01), ([7, 1], 0.02), ([4098, 5], 0.03)]
    ours, theirs = built("adamw", width=width), built("adamw", width=width)
    stepped(*ours[:2], tables_of(*ours), course)
    stepped(*theirs[:2], TableRows({}), course)
    assert torch.equal(ours[0].words.weight, theirs[0].words.weight)


def test_a_step_that_raises_leaves_the_table_as_it_was():
    module, optimizer, chosen = built("adamw")
    tables, before = tables_of(module, optimizer, chosen), module.words.weight.clone()
    with tables.sparse():
        module.loss(torch.tensor([3])).backward()
    with pytest.raises(RuntimeError, match="no"), tables.gathered(optimizer):
        raise RuntimeError("no")
    assert torch.equal(module.words.weight, before)
    assert optimizer.param_groups[0]["params"][0] is module.words.weight
    assert not module.words.sparse


def test_a_run_that_goes_on_ends_with_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(table_rows, "SMALLEST", 1)
    recipe = write_recipe(tmp_path)
    whole, _ = run_recipe(recipe)
    expected = last_checkpoint(whole.run_dir)
    assert [name for name in read(expected).state if name.endswith(f"::{REACHED}")]
    stop = Stop()

    def at_four(event):
        if isinstance(event, StepDone) and event.step == 4:
            stop.ask(15)

    with pytest.raises(StoppedError):
        run_prepared(
            preview(mtlkit.plan(mtlkit.load(recipe))), tmp_path / "stopped", on_event=at_four, stop=stop
        )
    (stopped,) = (tmp_path / "stopped" / "small").iterdir()
    ours = last_checkpoint(resume(stopped).run_dir)
    assert ours.name == expected.name
    for path in expected.iterdir():
        assert (ours / path.name).read_bytes() == path.read_bytes(), path.name


def last_checkpoint(run_dir):
    return max((run_dir / "checkpoints").iterdir())


def refused(module, chosen, **group):
    groups = [{"params": list(module.parameters()), "lr": 0.0, "weight_decay": 0.0, **group}]
    return tables_of(module, adamw.build(options.AdamW(), groups), chosen).tables == {}


def test_tables_that_do_not_qualify_are_updated_whole():
    fit = Lookups()
    assert not refused(fit, options.AdamW())
    assert refused(fit, options.Adafactor()), "its rates depend on the whole table"
    assert refused(fit, options.Adam(), weight_decay=0.1), "decay goes through the gradient"
    assert refused(fit, object()), "nothing is said of the optimizer"
    for change in ({"max_norm": 1.0}, {"scale_grad_by_freq": True}, {"sparse": True}):
        module = Lookups()
        module.words = nn.Embedding(V, H, **change)
        assert refused(module, options.AdamW()), change
    tied = Lookups()
    tied.out = nn.Linear(H, V, bias=False)
    tied.out.weight = tied.words.weight
    assert refused(tied, options.AdamW())


def test_a_run_differs_from_one_without_by_rounding(tmp_path, monkeypatch):
    """Gradients of a token that occurs several times are added up in another order."""
    ended = []
    for number, smallest in enumerate((1, 10**9)):
        monkeypatch.setattr(table_rows, "SMALLEST", smallest)
        (tmp_path / str(number)).mkdir()
        recipe = write_recipe(tmp_path / str(number))
        # Adam's steps have the size of the rate however small a gradient is, one of rounding too.
        result, _ = run_recipe(recipe, ['optimizer.use="sgd"', "optimizer.momentum=0.9"])
        ended.append(read(last_checkpoint(result.run_dir)))
    ours, theirs = ended
    assert len([name for name in ours.state if name.endswith(f"::{REACHED}")]) >= 1
    assert not [name for name in theirs.state if name.endswith(f"::{REACHED}")]
    for name, value in theirs.weights.items():
        assert torch.allclose(ours.weights[name], value, rtol=1e-4, atol=1e-6), name

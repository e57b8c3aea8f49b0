import attrs
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.adapters_only import AdaptersOnly
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.contracts.params import BACKBONE, ParamTable
from mtlkit.contracts.selectors import parse
from mtlkit.testing.strategies import param_tables


@given(table=param_tables(max_depth=6), data=st.data())
def test_it_is_the_frozen_backbone_but_for_adapters(table, data):
    own = [row.name for row in table if row.owner == BACKBONE]
    chosen = data.draw(st.sets(st.sampled_from(own)))
    table = ParamTable(
        tuple(attrs.evolve(row, adapter=row.name in chosen) for row in table.rows), table.depth
    )
    policy, frozen = AdaptersOnly(), FreezeBackbone()
    trained = {row.name for row in table if policy.trainable(row, table, 0)}
    assert trained == chosen | {row.name for row in table if frozen.trainable(row, table, 0)}
    assert trained.isdisjoint(row.name for row in table if parse("backbone & !adapter").matches(row, table))
    assert policy.patterns() == ("adapter",)

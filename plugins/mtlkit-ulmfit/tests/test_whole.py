import pytest
from mtlkit import ParamTable, Progress, Row

from mtlkit_ulmfit import Discriminative, SlantedTriangular, Ulmfit

TABLE = ParamTable(
    (
        Row("backbone.table.weight", (9, 4), "backbone", "embeddings", 0, "embedding"),
        *(
            Row(f"backbone.layer.{at}.weight", (4, 4), "backbone", "block", at + 1, "weight")
            for at in range(3)
        ),
        Row("heads.mood.weight", (2, 4), "mood", "head", 5, "weight"),
    ),
    3,
)


@pytest.mark.parametrize(("step", "factor"), [(0, 1 / 32), (10, 1.0), (55, 33 / 64), (100, 1 / 32)])
def test_the_rates_of_the_paper_s_three_layers(step, factor):
    schedule = Ulmfit()
    groups = [schedule.group(row, TABLE) for row in TABLE]
    rates = [schedule.rate(group, Progress(step, 100, 10), step) for group in groups]
    assert rates == pytest.approx([0.01 * factor / 2.6**below for below in (4, 3, 2, 1, 0)])
    assert len(set(groups)) == 5


def test_it_is_the_product_of_the_two_it_stands_on():
    schedule, parts = (
        Ulmfit(0.02, 3.0, 0.29, 10.0),
        (Discriminative(0.02, 3.0), SlantedTriangular(0.29, 10.0)),
    )
    for row in TABLE:
        group = schedule.group(row, TABLE)
        assert group == parts[0].group(row, TABLE)
        for step in range(0, 130, 7):
            now = Progress(step, 100, 10)
            assert schedule.rate(group, now, 0) == parts[0].rate(group, now, 0) * parts[1].factor(now, 0)

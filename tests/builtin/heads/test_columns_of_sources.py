"""Sources of treebanks and of questions have the columns that heads read by default, in their form."""

from token_cases import head

from mtlkit.builtin.cards import mtlkit_cards
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options, options_class
from mtlkit.contracts.card import load_address


def rows_of(name, folder):
    [card] = [card for card in mtlkit_cards() if (card.kind, card.name) == ("data", name)]
    entry = Entry(card, "mtlkit", "")
    options = make_options(entry, options_class(entry).sample(folder), folder)
    source = load_address(card.build)(options)
    return source.rows(range(len(source)))


def test_trees_of_conllu(tmp_path):
    rows = rows_of("conllu", tmp_path)
    relations = sorted({relation for row in rows for relation in row["relations"] if relation})
    module = head("dependency", relations)
    assert (
        module.count(module.targets(rows))
        == sum(head is not None for row in rows for head in row["heads"])
        > 0
    )


def test_answers_of_squad(tmp_path):
    rows = rows_of("squad", tmp_path)
    module = head("extractive-qa")
    targets = module.targets(rows)
    assert module.count(targets) == sum(row["answers"] is not None for row in rows) > 0
    for row, (begin, end) in zip(rows, targets.spans.tolist(), strict=True):
        assert not row["answers"] or row["context"][begin:end] == row["answers"][0].strip()

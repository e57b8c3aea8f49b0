import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from token_cases import asked, examples, features, head, vectors

from mtlkit.builtin.heads.biaffine import ArcScores, RelationScores
from mtlkit.errors import DataError, RecipeError

RELATIONS = ("nsubj", "obj", "root")
ROW = {"tokens": ["she", "sees", "it"], "heads": [2, 0, 2], "relations": ["nsubj", "root", "obj"]}


def parser(**options):
    return head("dependency", RELATIONS, **{"arc_size": 5, "relation_size": 4, **options})


def test_scores_are_those_of_the_equations():
    torch.manual_seed(1)
    arcs, relations = ArcScores(3), RelationScores(2, 4)
    dependents, heads = torch.randn(2, 3, 3), torch.randn(2, 4, 3)
    found = arcs(dependents, heads)
    for word in range(3):
        for each in range(4):
            bilinear = dependents[1, word] @ arcs.form[:-1] @ heads[1, each] + arcs.form[-1] @ heads[1, each]
            torch.testing.assert_close(found[1, word, each], bilinear)
    one, other = torch.randn(5, 2), torch.randn(5, 2)
    ones = torch.ones(5, 1)
    pairs = torch.cat([one, ones], 1), torch.cat([other, ones], 1)
    wanted = torch.stack(
        [torch.stack([a @ form @ b for form in relations.form]) for a, b in zip(*pairs, strict=True)]
    )
    torch.testing.assert_close(relations(one, other), wanted)


def test_the_loss_is_torchs_of_arcs_and_of_relations_to_the_right_heads():
    module = parser()
    output, targets = asked(module, [ROW])
    arcs, dependents, heads, _ = module._scores(output)
    wanted = torch.nn.functional.cross_entropy(arcs[0], torch.tensor([2, 0, 2]), reduction="sum")
    for word, (place, name) in enumerate(zip(ROW["heads"], ROW["relations"], strict=True)):
        scores = module.relations(dependents[0, word], heads[0, place])
        wanted = wanted - scores.log_softmax(-1)[RELATIONS.index(name)]
    term = module.loss(output, targets)
    torch.testing.assert_close(term.sum, wanted)
    assert term.count == 3


def test_missing_heads_and_relations_count_nothing():
    module = parser()
    rows = [{**ROW, "heads": [2, None, 2], "relations": ["nsubj", "root", None]}]
    output, targets = asked(module, rows)
    assert targets.heads.tolist() == [[2, -100, 2]]
    assert targets.relations.tolist() == [[0, 2, -100]]
    assert module.count(targets) == 2
    gradients = torch.autograd.grad(module.loss(output, targets).sum, output)[0]
    assert gradients[0, 2, :5].abs().sum() == 0, (
        "of the word without a known head, nothing is learned as a dependent"
    )
    las, uas = module.metrics([{"heads": [2, 1, 2], "relations": ["obj", "root", "obj"]}], rows)
    assert (uas.records.tolist(), las.records.tolist()) == ([[2, 2]], [[0, 1]])
    bare = [{**ROW, "relations": None}]
    term = module.loss(*asked(module, bare))
    assert term.count == 3
    assert term.sum > 0
    las, uas = module.metrics([{"heads": [2, 0, 1], "relations": ["obj", "root", "obj"]}], bare)
    assert (uas.records.tolist(), las.records.tolist()) == ([[2, 3]], [[0, 0]])


@settings(max_examples=25, deadline=None)
@given(words=st.integers(1, 7), seed=st.integers(0, 999))
def test_predictions_are_trees_with_one_root(words, seed):
    module = parser()
    states = torch.randn(words, 8, generator=torch.Generator().manual_seed(seed))
    [found] = module.decode(5 * module(vectors(states, masked=2)))
    heads = found["heads"]
    assert heads.count(0) == 1
    for word in range(1, words + 1):
        for _ in range(words):
            word = heads[word - 1] if word else 0
        assert word == 0, "every word reaches the root"
    assert set(found["relations"]) <= set(RELATIONS)


def test_greedy_predicts_the_best_head_of_each_word():
    module = parser(decode="greedy")
    rows = examples("dependency")
    output, _ = asked(module, rows)
    arcs, *_ = module._scores(output)
    for row, found in zip(arcs, module.decode(output), strict=True):
        assert found["heads"] == row[: len(found["heads"])].argmax(-1).tolist()


def test_words_without_tokens_have_no_head_and_are_none():
    module = parser()
    view = features(module, [ROW])[0]
    gap = type(view)(view.tokens, view.mask & (view.words != 0), view.words)
    output = module([gap])
    [found] = module.decode(output)
    assert found["heads"][0] is None
    assert found["relations"][0] is None
    assert sorted(found["heads"][1:])[0] == 0
    assert 1 not in found["heads"]
    term = module.loss(output, module.targets([ROW]))
    assert term.count == 3
    assert torch.isfinite(term.sum)
    _las, uas = module.metrics([found], [ROW])
    assert uas.records[0, 1] == 3
    assert uas.records[0, 0] <= 2


def test_words_cut_off_are_wrong():
    module = parser()
    view = features(module, [ROW])[0]
    cut = type(view)(view.tokens[:, :3], view.mask[:, :3], view.words[:, :3])
    output = module([cut])
    [found] = module.decode(output)
    assert len(found["heads"]) == 2
    _, uas = module.metrics([{"heads": [2, 0], "relations": ["obj", "root"]}], [ROW])
    assert uas.records.tolist() == [[2, 3]]
    later = {**ROW, "heads": [3, 0, 2]}  # the head of the first word was cut off
    shorter = module.loss(output, module.targets([later]))
    wanted = module.loss(output, module.targets([{**later, "heads": [None, 0, 2]}]))
    torch.testing.assert_close(shorter.sum, wanted.sum)
    assert (shorter.count, wanted.count) == (3, 2)


def test_heads_may_be_written_as_text():
    assert parser().targets([{**ROW, "heads": ["2", "0", ""]}]).heads.tolist() == [[2, 0, -100]]


@pytest.mark.parametrize("wrong", [4, 1, -1, "x", 1.5])
def test_heads_that_are_wrong(wrong):
    with pytest.raises(DataError) as caught:
        parser().targets([{**ROW, "heads": [wrong, 0, 2]}])
    assert str(caught.value) == (
        f"the head of word 1 of 3 is {wrong!r}  'heads' holds 0 for the root or the number of another word"
    )


def test_rows_that_are_wrong():
    with pytest.raises(DataError) as caught:
        parser().targets([{**ROW, "heads": [2, 0]}])
    assert (
        str(caught.value)
        == "a row has 3 words but 2 heads: 'she sees it'  'heads' must be as long as 'tokens'"
    )
    with pytest.raises(RecipeError) as caught:
        parser().targets([{**ROW, "relations": ["nsub", "root", "obj"]}])
    assert str(caught.value) == (
        "tasks.t.head.labels  the label 'nsub' of the row 'she sees it' is not among the labels  "
        "did you mean 'nsubj'?"
    )

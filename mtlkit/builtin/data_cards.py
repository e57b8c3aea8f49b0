"""The cards of the data sources."""

from mtlkit.builtin.card_shapes import built

TABLES = (
    built(
        "data",
        "csv",
        "data.options:CsvOptions",
        "data.csv:CsvSource",
        "a table of text, comma separated",
        "Shafranovich 2005, Common Format and MIME Type for Comma-Separated Values (CSV) Files, RFC 4180",
        example={"path": "data/rows.csv"},
    ),
    built(
        "data",
        "tsv",
        "data.options:TsvOptions",
        "data.csv:CsvSource",
        "a table of text, tab separated",
        example={"path": "data/rows.tsv"},
    ),
    built(
        "data",
        "jsonl",
        "data.options:JsonlOptions",
        "data.jsonl:JsonlSource",
        "one JSON object per line",
        example={"path": "data/rows.jsonl"},
    ),
    built(
        "data",
        "parquet",
        "data.table_options:ParquetOptions",
        "data.parquet:parquet_source",
        "a Parquet file",
        example={"path": "data/rows.parquet"},
    ),
    built(
        "data",
        "arrow",
        "data.table_options:ArrowOptions",
        "data.arrow:arrow_source",
        "an Arrow file, memory-mapped",
        example={"path": "data/rows.arrow"},
    ),
    built(
        "data",
        "sql",
        "data.table_options:SqlOptions",
        "data.sql:SqlSource",
        "the rows that a query gives",
        example={"path": "data/reviews.sqlite", "query": "SELECT text, label FROM reviews ORDER BY id"},
    ),
    built(
        "data",
        "memory",
        "data.table_options:MemoryOptions",
        "data.memory:MemorySource",
        "rows handed over in Python",
    ),
    built(
        "data",
        "hub",
        "data.table_options:HubOptions",
        "data.hub:HubSource",
        "a data set of the Hugging Face hub",
        "Lhoest et al. 2021, Datasets: A Community Library for Natural Language Processing",
        {"name": "stanfordnlp/sst2"},
    ),
)
TEXTS = (
    built(
        "data",
        "text-folder",
        "data.options:TextFolderOptions",
        "data.text_folder:TextFolderSource",
        "a folder with one sub-folder of text files per class",
        example={"path": "data/texts"},
    ),
    built(
        "data",
        "conll",
        "data.options:ConllOptions",
        "data.conll:ConllSource",
        "tokens and tags, one token a line",
        "Tjong Kim Sang & De Meulder 2003, Introduction to the CoNLL-2003 Shared Task",
        {"path": "data/tags.conll"},
    ),
    built(
        "data",
        "conllu",
        "data.conllu_options:ConlluOptions",
        "data.conllu:ConlluSource",
        "sentences with tags, features and dependencies, as in Universal Dependencies",
        "Nivre et al. 2020, Universal Dependencies v2: An Evergrowing Multilingual Treebank Collection",
        {"path": "data/trees.conllu"},
    ),
    built(
        "data",
        "squad",
        "data.squad_options:SquadOptions",
        "data.squad:SquadSource",
        "questions about passages, in the JSON of SQuAD",
        "Rajpurkar, Jia & Liang 2018, Know What You Don't Know: Unanswerable Questions for SQuAD",
        {"path": "data/questions.json"},
    ),
)
SOURCES = TABLES + TEXTS

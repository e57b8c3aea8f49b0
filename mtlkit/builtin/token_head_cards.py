"""The cards of the heads for words, spans, trees, answers and hidden tokens."""

from mtlkit.builtin.card_shapes import built as _built

BERT = "Devlin et al. 2019, BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"
PROBING = "Tenney et al. 2019, What do you learn from context?, arXiv:1905.06316"

TOKEN_HEADS = (
    _built(
        "head",
        "token-classification",
        "heads.token_options:TokenClassification",
        "heads.token_classification:TokenClassificationHead",
        "one tag for each word of a sentence",
        BERT,
        {"tokens": "tokens", "label": "tags"},
    ),
    _built(
        "head",
        "multi-label-token",
        "heads.token_options:MultiLabelToken",
        "heads.multi_label_token:MultiLabelTokenHead",
        "any number of labels for each word of a sentence",
        BERT,
        {"tokens": "tokens", "label": "labels"},
    ),
    _built(
        "head",
        "span-classification",
        "heads.span_options:SpanClassification",
        "heads.span_classification:SpanClassificationHead",
        "one label for each of the spans of words that a row names",
        f"{PROBING}; Lee et al. 2017, End-to-end Neural Coreference Resolution, arXiv:1707.07045",
        {"tokens": "tokens", "spans": "spans", "label": "labels"},
    ),
    _built(
        "head",
        "span-pair",
        "heads.span_options:SpanPair",
        "heads.span_pair:SpanPairHead",
        "one label, such as a relation, for each pair of spans that a row names",
        PROBING,
        {"tokens": "tokens", "first": "first", "second": "second", "label": "labels"},
    ),
    _built(
        "head",
        "biaffine-ner",
        "heads.span_options:BiaffineNer",
        "heads.biaffine_ner:BiaffineNerHead",
        "all entities of a sentence, nested ones too, by scoring every span",
        "Yu, Bohnet & Poesio 2020, Named Entity Recognition as Dependency Parsing, arXiv:2005.07150; "
        "Su et al. 2022, Global Pointer, arXiv:2208.03054",
        {"tokens": "tokens", "label": "tags"},
    ),
    _built(
        "head",
        "dependency",
        "heads.tree_options:Dependency",
        "heads.dependency:DependencyHead",
        "the head of each word of a sentence, and the relation to it",
        "Dozat & Manning 2017, Deep Biaffine Attention for Neural Dependency Parsing, arXiv:1611.01734",
        {"tokens": "tokens", "heads": "heads", "label": "relations"},
    ),
    _built(
        "head",
        "extractive-qa",
        "heads.answer_options:ExtractiveQa",
        "heads.extractive_qa:ExtractiveQaHead",
        "the part of a text that answers a question, or that there is none",
        f"{BERT}; Rajpurkar, Jia & Liang 2018, Know What You Don't Know, arXiv:1806.03822",
        {"question": "question", "context": "context", "answers": "answers"},
    ),
    _built(
        "head",
        "masked-lm",
        "heads.language_options:MaskedLm",
        "heads.masked_lm:MaskedLmHead",
        "tokens of a text that were hidden; needs no labels",
        BERT,
        {"text": "text"},
    ),
)

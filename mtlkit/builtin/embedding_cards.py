"""The card of the head that makes vectors of texts."""

from mtlkit.builtin.card_shapes import built

EMBEDDINGS = (
    built(
        "head",
        "sentence-embedding",
        "heads.embedding_options:SentenceEmbedding",
        "heads.sentence_embedding:build",
        "one vector for each text, near for texts that belong together",
        "Reimers & Gurevych 2019, Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks; "
        "Henderson et al. 2017, Efficient Natural Language Response Suggestion for Smart Reply",
        {"first": "text", "second": "text_pair"},
    ),
)

"""A very small BERT with random weights and a tokenizer of letters, as a model folder on disk."""

from __future__ import annotations

from pathlib import Path

SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
BLOCKS, SIZE, POSITIONS = 2, 16, 160


def write_model(folder: Path) -> Path:
    """Write the model into a folder, the same bytes each time, and return the folder."""
    import torch
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    words = [*SPECIALS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=SIZE,
        num_hidden_layers=BLOCKS,
        num_attention_heads=2,
        intermediate_size=2 * SIZE,
        max_position_embeddings=POSITIONS,
    )
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            model = BertModel(config, add_pooling_layer=False)
            for weight in model.parameters():
                weight += 0.3 * torch.randn_like(weight)  # as drawn, blocks hardly look at their tokens
        model.save_pretrained(folder)
    finally:
        if bars:
            logging.enable_progress_bar()
    _write_tokenizer(folder, words)
    return folder


def _write_tokenizer(folder: Path, words: list[str]) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    numbers = {word: number for number, word in enumerate(words)}
    backend = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))  # noqa: S106  no password
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(word, numbers[word]) for word in ("[CLS]", "[SEP]")],
    )
    tokens = zip(("pad_token", "cls_token", "sep_token", "unk_token"), SPECIALS, strict=True)
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    PreTrainedTokenizerFast(
        tokenizer_object=backend, model_input_names=inputs, **dict(tokens)
    ).save_pretrained(folder)

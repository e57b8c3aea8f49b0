"""Small random models of many architectures, written to disk as Hugging Face folders."""

from pathlib import Path

import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers, processors

LAYERS = 3
SIZES = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": LAYERS, "num_attention_heads": 2}
SMALL = {**SIZES, "intermediate_size": 32, "max_position_embeddings": 32}
CONFIGS = {
    "bert": lambda: hf.BertConfig(**SMALL),
    "roberta": lambda: hf.RobertaConfig(**SMALL, type_vocab_size=1),
    "distilbert": lambda: hf.DistilBertConfig(
        vocab_size=40, dim=16, n_layers=LAYERS, n_heads=2, hidden_dim=32, max_position_embeddings=32
    ),
    "mpnet": lambda: hf.MPNetConfig(**SMALL),
    "electra": lambda: hf.ElectraConfig(**SMALL, embedding_size=8),
    "modernbert": lambda: hf.ModernBertConfig(
        **SMALL,
        global_attn_every_n_layers=2,
        local_attention=4,
        pad_token_id=0,
        cls_token_id=1,
        sep_token_id=2,
    ),
    "deberta-v2": lambda: hf.DebertaV2Config(
        **SMALL,
        relative_attention=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type="p2c|c2p",
        conv_kernel_size=3,
        conv_act="gelu",
    ),
    "albert": lambda: hf.AlbertConfig(**SMALL, embedding_size=8),
}
WORDS = [
    "[PAD]",
    "[CLS]",
    "[SEP]",
    "[UNK]",
    *"abcdefghijklmnop",
    *("##" + letter for letter in "abcdefghijklmnop"),
]


FAMILY_CONFIGS = {
    "camembert": lambda: hf.CamembertConfig(**SMALL, type_vocab_size=1),
    "xlm-roberta": lambda: hf.XLMRobertaConfig(**SMALL, type_vocab_size=1),
}
"""Kin of RoBERTa: run as it is, tested where that is what matters."""


def write_model(folder: Path, kind: str) -> Path:
    """The model's folder, with a tokenizer of single letters."""
    torch.manual_seed(0)
    hf.utils.logging.disable_progress_bar()
    model = hf.AutoModel.from_config((CONFIGS | FAMILY_CONFIGS)[kind]())
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)  # norms and biases too
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    backend = Tokenizer(
        models.WordPiece({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    hf.PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=inputs, **special).save_pretrained(
        folder
    )

"""A small model of every kind that image-encoder knows, with random weights, as model folders."""

import json
from pathlib import Path

import torch
import transformers

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
BLOCKS = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}
PATCHES = {**BLOCKS, "image_size": 24, "patch_size": 8}
STAGES = {"embedding_size": 8, "hidden_sizes": [8, 16, 24], "depths": [1, 2, 1]}
NEXT = {"hidden_sizes": [12, 20], "depths": [1, 2], "num_stages": 2, "drop_path_rate": 0.1}
CONFIGS = {
    "vit": lambda: transformers.ViTConfig(**PATCHES),
    "deit": lambda: transformers.DeiTConfig(**PATCHES),
    "vit_msn": lambda: transformers.ViTMSNConfig(**PATCHES),
    "dinov2": lambda: transformers.Dinov2Config(**PATCHES, drop_path_rate=0.1),
    "resnet": lambda: transformers.ResNetConfig(**STAGES, layer_type="bottleneck"),
    "regnet": lambda: transformers.RegNetConfig(**STAGES, groups_width=4),
    "convnext": lambda: transformers.ConvNextConfig(**NEXT),
    "convnextv2": lambda: transformers.ConvNextV2Config(**NEXT),
}
KINDS = sorted(CONFIGS)
TRANSFORMERS = ("deit", "dinov2", "vit", "vit_msn")
PREPROCESSOR = {"size": {"height": 24, "width": 24}, "image_mean": MEAN, "image_std": STD, "do_rescale": True}


def save(kind: str, folder: Path) -> Path:
    """Write a model folder; statistics of BatchNorm layers are other than at the start."""
    with torch.random.fork_rng():
        torch.manual_seed(len(kind))
        model = transformers.AutoModel.from_config(CONFIGS[kind]())
        for name, values in [*model.named_parameters(), *model.named_buffers()]:
            if values.is_floating_point():
                values.data.add_(0.1 * torch.rand_like(values))
            assert not name.startswith("model.")
    return save_model(model, folder)


def save_model(model, folder: Path, preprocessor=PREPROCESSOR) -> Path:
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    return folder

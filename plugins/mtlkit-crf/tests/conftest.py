"""One torch thread, no network, and Hypothesis without clocks or luck."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("crf", derandomize=True, deadline=None)
settings.load_profile("crf")

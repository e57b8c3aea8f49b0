"""One torch thread, no network, and Hypothesis without clocks or luck where it runs unattended."""

import os
import signal
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
# What these tests list is what mtlkit ships, whatever else is installed.
os.environ["MTLKIT_DISABLE_PLUGINS"] = "mtlkit-crf,mtlkit-ulmfit,mtlkit-vision"

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts tests in the background makes them and their children deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What runs keep for later ones, tests keep to themselves.
_CACHE = tempfile.TemporaryDirectory()
os.environ["MTLKIT_CACHE"] = _CACHE.name
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)

"""Shared by tests of `python -m mnist_core`."""

import pytest

CapturedOutput = pytest.CaptureFixture[str]

QUICK = ["train", "--dataset", "mnist", "--epochs", "1"]
trains_in_process = pytest.mark.usefixtures("small_mnist", "signals_restored")

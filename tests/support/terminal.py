"""Shared by tests of `python -m mnist_core`."""

import pytest

Printed = pytest.CaptureFixture[str]

QUICK = ["train", "--dataset", "mnist", "--epochs", "1"]
trains_here = pytest.mark.usefixtures("small_mnist", "signals_restored")

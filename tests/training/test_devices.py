"""Devices."""

from collections.abc import Iterator

import pytest
import torch

from mnist_core.training.devices import make_repeatable

CONVOLUTIONS = torch.backends.cudnn.conv  # type: ignore[attr-defined]


@pytest.fixture
def cudnn_restored() -> Iterator[None]:
    deterministic, precision = torch.backends.cudnn.deterministic, CONVOLUTIONS.fp32_precision
    yield
    torch.backends.cudnn.deterministic, CONVOLUTIONS.fp32_precision = deterministic, precision


@pytest.mark.usefixtures("cudnn_restored")
@pytest.mark.parametrize(("device", "is_changed"), [("cuda", True), ("cpu", False)])
def test_cuda_is_asked_for_repeatable_results_in_full_precision(device: str, is_changed: bool) -> None:
    """What the flags do was seen on a GPU: without them, fp32 runs differed from the first steps on."""
    make_repeatable(torch.device(device))
    assert torch.backends.cudnn.deterministic is is_changed
    assert (CONVOLUTIONS.fp32_precision == "ieee") is is_changed

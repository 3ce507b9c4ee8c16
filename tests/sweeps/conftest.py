"""What the tests of sweeps share."""

import pytest

from mnist_core.sweeps import controller


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let controllers look at their trials without a pause."""
    monkeypatch.setattr(controller, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(controller, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(controller, "READ_SECONDS", 0.0)

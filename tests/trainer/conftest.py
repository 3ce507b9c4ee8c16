"""Trainers that commit after each event."""

import pytest


@pytest.fixture
def commit_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit and read commands after each event, and retry failed writes soon."""
    monkeypatch.setattr("mnist_core.trainer.metrics_buffer.COMMIT_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.trainer.steering.COMMAND_POLL_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.trainer.worker.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("mnist_core.trainer.retries.RETRY_SECONDS", 0.01)

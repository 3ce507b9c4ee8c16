"""Durations of a run while the system clock is set."""

import time

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run


@pytest.mark.usefixtures("signals_restored", "small_mnist")
@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_setting_the_clock_changes_no_duration(store: RunStore, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    real, shift = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    config = TrainConfig(dataset="mnist", model="softmax", epochs=3, batch_size=1, device="cpu")
    run = store.commands.create_run(config, trainer=own_identity())
    began = time.perf_counter()

    def set_clock(event: object) -> None:
        if isinstance(event, StepMetrics) and event.step == 100:
            shift[0] = jump

    trained = train_run(store, run, set_clock)
    wall_seconds = time.perf_counter() - began
    elapsed = store.queries.read_steps(run.id)["elapsed_seconds"]
    assert trained.status is RunStatus.COMPLETED
    assert 0 < elapsed[0] < trained.progress.elapsed_seconds < wall_seconds
    assert (elapsed[1:] > elapsed[:-1]).all()

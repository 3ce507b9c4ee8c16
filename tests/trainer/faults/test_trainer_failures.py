"""A trainer that runs out of memory or whose loss becomes NaN: its run says so and keeps its results."""

import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.config import TrainConfig
from mnist_core.records import Event, RunStatus
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from mnist_core.trainer import saver, worker
from mnist_core.trainer.worker import train_run
from mnist_core.training.train_state import TrainState
from tests.support.training import CONFIG, STEPS, act_at_step, claimed_run, load_newest

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")


# Out of memory


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np, psutil
from mnist_core.trainer import preparation, worker
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import Split
from mnist_core.system.processes import own_identity
from mnist_core.store import RunStore

split = Split(np.zeros((5000, 28, 28), np.uint8), np.zeros(5000, np.uint8))
preparation.load_dataset = lambda *_args, **_options: Dataset("MNIST", split, split)
train = worker.train

def train_in_little(*args, **options):
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 25_000_000, resource.RLIM_INFINITY))
    yield from train(*args, **options)

worker.train = train_in_little
store = RunStore.open(Path(sys.argv[1]))
config = TrainConfig(batch_size=1024, device="cpu")
run = worker.train_run(store, store.commands.create_run(config, trainer=own_identity()))
print(run.status, run.reason)
"""


@pytest.mark.fault
def test_a_trainer_that_runs_out_of_memory_names_the_remedy(places: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, str(places / "runs")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout == "failed Out of memory. Choose a smaller batch size or test batch size.\n", done.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_every_out_of_memory_error_is_recognised(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: object, **_options: object) -> Iterator[Event]:
        raise error
        yield

    monkeypatch.setattr(worker, "train", fail)
    run = train_run(store, claimed_run(store))
    assert (run.status, run.reason) == (
        RunStatus.FAILED,
        "Out of memory. Choose a smaller batch size or test batch size.",
    )


# Diverged


def test_a_diverged_run_keeps_its_last_good_checkpoint_to_fork_from(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = claimed_run(store)
    fresh, states = TrainState.initial, list[TrainState]()

    def fresh_and_seen(config: TrainConfig) -> TrainState:
        states.append(fresh(config))
        return states[-1]

    def overflow() -> None:
        with torch.no_grad():
            next(states[0].model.parameters()).fill_(math.inf)

    with monkeypatch.context() as patch:
        patch.setattr(saver, "SAVE_SECONDS", 0.0)
        patch.setattr(TrainState, "initial", fresh_and_seen)
        diverged = train_run(store, run, act_at_step(7, overflow))
    assert (diverged.status, diverged.reason) == (
        RunStatus.DIVERGED,
        "Loss became NaN at step 8. Choose a lower learning rate.",
    )
    assert len(store.queries.read_steps(run.id)) == diverged.progress.step == 8
    saved = load_newest(checkpoints_dir(run))
    assert saved.state.step == 6, "what the update of step 7 left is no checkpoint"
    assert all(bool(torch.isfinite(weight).all()) for weight in saved.state.model.parameters())

    child = lineage.fork(store, diverged, replace(CONFIG, lr=0.001), trainer=own_identity())
    forked = train_run(store, child)
    assert forked.status is RunStatus.COMPLETED
    assert forked.parent_step == saved.state.step
    assert all(math.isfinite(loss) for loss in store.queries.read_steps(forked.id)["loss"])
    assert len(store.queries.read_steps(forked.id)) == STEPS

"""The supervisor with a real fork server and real trainers. For its decisions see test_supervisor.py."""

import itertools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import is_alive
from tests.scheduler.scripted_fork_server import ActingSupervisor
from tests.support.processes import Eventually, isolated_folders, kill_remaining, processes_of

pytestmark = pytest.mark.fault

SHORT = TrainConfig(dataset="mnist", epochs=1, device="cpu")
LONG = TrainConfig(dataset="mnist", epochs=50, batch_size=1, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def places(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Iterator[Path]:
    """One pair of folders for the module, since a fork server keeps the folders it was started with."""
    with isolated_folders(tmp_path_factory.mktemp("places"), digits) as folder:
        yield folder


@pytest.fixture(scope="module")
def supervisor(places: Path) -> Iterator[ActingSupervisor]:
    """One run at a time; shared, because its fork server takes seconds to import torch."""
    opened = RunStore.open(places / "runs")
    started = ActingSupervisor(opened, max_runs=1)
    started.start()
    yield started
    started.close()
    opened.close()


@pytest.fixture
def wait_for_training(store: RunStore, eventually: Eventually) -> Callable[[Run], Run]:
    """A function that waits until a run has trained a few batches."""

    def wait(run: Run) -> Run:
        eventually(lambda: store.queries.get_run(run.id).progress.step > 3)
        return store.queries.get_run(run.id)

    return wait


@pytest.fixture
def wait_for_end(store: RunStore, eventually: Eventually) -> Callable[[Run], Run]:
    def wait(run: Run) -> Run:
        eventually(lambda: store.queries.get_run(run.id).finished_at)
        return store.queries.get_run(run.id)

    return wait


WaitForRun = Callable[[Run], Run]


def test_a_submitted_run_is_trained_to_its_end(
    supervisor: ActingSupervisor, store: RunStore, wait_for_end: WaitForRun
) -> None:
    run = wait_for_end(supervisor.actions.submit(SHORT, "first"))
    assert (run.status, run.reason, run.dataset) == (RunStatus.COMPLETED, "", "MNIST")
    assert len(store.queries.read_steps(run.id)) == run.total_steps == 4
    assert run.results.test_accuracy is not None
    assert run.trainer
    assert run.trainer.pid != os.getpid()


def test_a_bad_run_fails_with_its_reason_and_the_next_one_trains(
    supervisor: ActingSupervisor, wait_for_end: WaitForRun
) -> None:
    bad = supervisor.actions.submit(TrainConfig(dataset="mnist", batch_size=300))
    good = supervisor.actions.submit(SHORT)
    failed = wait_for_end(bad)
    assert failed.status is RunStatus.FAILED
    assert failed.reason.startswith("Batch size must be between 1 and 270")
    assert wait_for_end(good).status is RunStatus.COMPLETED


def test_runs_train_one_after_another_in_the_order_of_the_queue(
    supervisor: ActingSupervisor, store: RunStore, wait_for_training: WaitForRun, wait_for_end: WaitForRun
) -> None:
    first = wait_for_training(supervisor.actions.submit(LONG))
    second, third = supervisor.actions.submit(SHORT), supervisor.actions.submit(SHORT)
    assert [run.id for run in store.queries.list_queued_runs()] == [second.id, third.id]
    supervisor.actions.request_stop(first.id)
    runs = [wait_for_end(run) for run in (first, second, third)]
    assert [run.status for run in runs] == [RunStatus.STOPPED, RunStatus.COMPLETED, RunStatus.COMPLETED]
    for before, after in itertools.pairwise(runs):
        assert before.finished_at
        assert after.started_at
        assert before.finished_at <= after.started_at


def test_stop_ends_a_running_run_and_keeps_its_metrics(
    supervisor: ActingSupervisor, store: RunStore, wait_for_training: WaitForRun, wait_for_end: WaitForRun
) -> None:
    run = wait_for_training(supervisor.actions.submit(LONG))
    assert run.trainer
    assert os.getsid(run.trainer.pid) == run.trainer.pid  # a session of its own: no Ctrl-C reaches it
    assert supervisor.actions.request_stop(run.id) is RunStatus.STOPPING
    stopped = wait_for_end(run)
    assert (stopped.status, stopped.reason) == (RunStatus.STOPPED, "")
    assert len(store.queries.read_steps(run.id)) == stopped.progress.step >= run.progress.step


def test_a_killed_trainer_leaves_an_interrupted_run_with_its_metrics(
    supervisor: ActingSupervisor, store: RunStore, wait_for_training: WaitForRun, wait_for_end: WaitForRun
) -> None:
    run = wait_for_training(supervisor.actions.submit(LONG))
    assert run.trainer
    os.kill(run.trainer.pid, signal.SIGKILL)
    interrupted = wait_for_end(run)
    assert interrupted.status is RunStatus.INTERRUPTED
    assert interrupted.reason == "Its trainer process was killed (SIGKILL)."
    assert len(store.queries.read_steps(run.id)) == interrupted.progress.step >= run.progress.step
    assert wait_for_end(supervisor.actions.submit(SHORT)).status is RunStatus.COMPLETED


def test_a_trainer_outlives_a_killed_fork_server_which_is_restarted_for_the_next_run(
    supervisor: ActingSupervisor, places: Path, wait_for_training: WaitForRun, wait_for_end: WaitForRun
) -> None:
    run = wait_for_training(supervisor.actions.submit(LONG))
    assert run.trainer
    (fork_server,) = [process for process in processes_of(places / "runs") if process.pid != run.trainer.pid]
    fork_server.kill()
    fork_server.wait()
    assert is_alive(run.trainer)
    supervisor.actions.request_stop(run.id)
    assert wait_for_end(run).status is RunStatus.STOPPED
    assert wait_for_end(supervisor.actions.submit(SHORT)).status is RunStatus.COMPLETED


@pytest.fixture
def separate_supervisor(places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ActingSupervisor, RunStore]]:
    """Another supervisor over another store, for a test to close."""
    folder = places / "separate_supervisor"
    monkeypatch.setenv("MNIST_RUNS_DIR", str(folder / "runs"))
    store = RunStore.open(folder / "runs")
    yield ActingSupervisor(store, max_runs=2), store
    kill_remaining(folder / "runs")
    store.close()
    shutil.rmtree(folder)


def test_close_ends_trainers_between_two_batches_and_leaves_no_process(
    separate_supervisor: tuple[ActingSupervisor, RunStore], places: Path, eventually: Eventually
) -> None:
    supervisor, store = separate_supervisor
    supervisor.start()
    submitted = [supervisor.actions.submit(LONG) for _ in range(2)]
    eventually(lambda: all(store.queries.get_run(run.id).progress.step > 3 for run in submitted))
    before = [store.queries.get_run(run.id) for run in submitted]
    supervisor.close()
    assert processes_of(places / "separate_supervisor" / "runs") == []
    for run in before:
        interrupted = store.queries.get_run(run.id)
        assert interrupted.status is RunStatus.INTERRUPTED
        assert interrupted.reason == "The server was closed while it was training."
        assert len(store.queries.read_steps(run.id)) == interrupted.progress.step >= run.progress.step


def test_close_before_the_fork_server_is_ready_leaves_no_process_and_no_active_run(
    separate_supervisor: tuple[ActingSupervisor, RunStore], places: Path, eventually: Eventually
) -> None:
    supervisor, store = separate_supervisor
    run = supervisor.actions.submit(LONG)
    supervisor.start()
    eventually(lambda: supervisor._fork_server.run_ids)
    supervisor.close()
    assert processes_of(places / "separate_supervisor" / "runs") == []
    assert not store.queries.get_run(run.id).status.is_active

"""No run is lost when trainers, fork servers or supervisors are killed, stopped or started twice.

Real processes train on a few hundred digits. Each run is compared with an undisturbed one.
"""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Command, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import is_alive
from mnist_core.trainer import speed
from tests.scheduler.scripted_fork_server import ActingSupervisor
from tests.support.files.storage import bundled_sqlite
from tests.support.processes import Eventually, isolated_folders, kill_remaining

pytestmark = pytest.mark.fault

CONFIG = TrainConfig(dataset="mnist", model="softmax", epochs=12, batch_size=1, momentum=0.9, device="cpu")
STEPS = 12 * 270
LONG = TrainConfig(dataset="mnist", epochs=50, batch_size=1, device="cpu")
STALL_SECONDS = 1.0


@pytest.fixture(scope="module", autouse=True)
def places(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Iterator[Path]:
    """One pair of folders for the module, since a fork server keeps the folders it was started with."""
    with isolated_folders(tmp_path_factory.mktemp("faults"), digits) as folder:
        speed.save_speeds({}, "cpu")  # so that the supervisor does not calibrate between two tests
        yield folder


def stop_between_commits(pid: int, database: Path) -> None:
    """Stop a process at a moment when it does not hold the write lock, which would block all others."""
    with contextlib.closing(bundled_sqlite.connect(str(database), timeout=0, isolation_level=None)) as other:
        while True:
            os.kill(pid, signal.SIGSTOP)
            try:
                other.execute("BEGIN IMMEDIATE")
            except bundled_sqlite.OperationalError:
                os.kill(pid, signal.SIGCONT)
            else:
                other.execute("ROLLBACK")
                return


@pytest.fixture(scope="module")
def supervisor(places: Path) -> Iterator[ActingSupervisor]:
    opened = RunStore.open(places / "runs")
    started = ActingSupervisor(opened, max_runs=3, stall_seconds=STALL_SECONDS)
    started.start()
    yield started
    started.close()
    opened.close()


@pytest.fixture(scope="module")
def terminal(supervisor: ActingSupervisor, places: Path, eventually: Eventually) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m mnist_core train`, paused as soon as it trains, so that a test can kill it."""
    flags = ["--dataset", "mnist", "--model", "softmax", "--epochs", str(CONFIG.epochs), "--batch-size", "1"]
    flags += ["--momentum", "0.9", "--device", "cpu", "--name", "terminal"]
    command = [sys.executable, "-m", "mnist_core", "train", *flags]
    opened = RunStore.open(places / "runs")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: any(run.name == "terminal" for run in opened.queries.list_active_runs()))
        run = opened.queries.find_run("terminal")
        opened.commands.send_command(run.id, Command.PAUSE, by="test")
        eventually(lambda: opened.queries.get_run(run.id).status is RunStatus.PAUSED)
        yield process
        process.kill()
    opened.close()


@pytest.fixture(scope="module")
def undisturbed(supervisor: ActingSupervisor, places: Path, eventually: Eventually) -> Run:
    opened = RunStore.open(places / "runs")
    run = supervisor.actions.submit(CONFIG, "undisturbed")
    eventually(lambda: opened.queries.get_run(run.id).status is RunStatus.COMPLETED)
    run = opened.queries.get_run(run.id)
    opened.close()
    return run


@dataclasses.dataclass
class Watch:
    """Waits until runs are in the state that a test needs."""

    store: RunStore
    eventually: Eventually

    def training(self, run_id: int, step: int = 300) -> Run:
        """Wait until a run has trained beyond a step, by default into its second epoch, and return it."""
        self.eventually(lambda: self.store.queries.get_run(run_id).progress.step > step)
        return self.store.queries.get_run(run_id)

    def ended(self, run_id: int) -> Run:
        self.eventually(lambda: self.store.queries.get_run(run_id).finished_at)
        return self.store.queries.get_run(run_id)

    def curve(self, run: Run) -> list[object]:
        """Return everything that must repeat exactly: all steps and evaluations, without times."""
        table, evaluations = self.store.queries.read_steps(run.id), self.store.queries.list_evaluations(run.id)
        columns = [table[name].tolist() for name in ("epoch", "loss", "accuracy", "lr", "momentum")]
        return [
            *columns,
            [
                (evaluation.step, evaluation.split, evaluation.loss, evaluation.predictions.tolist())
                for evaluation in evaluations
            ],
        ]


@pytest.fixture
def watch(store: RunStore, eventually: Eventually) -> Watch:
    return Watch(store, eventually)


# ---------------------------------------------------------------------- killed


def test_a_killed_terminal_run_is_found_and_resumed_by_the_supervisor(
    terminal: subprocess.Popen[bytes],
    supervisor: ActingSupervisor,
    undisturbed: Run,
    watch: Watch,
) -> None:
    paused = watch.store.queries.find_run("terminal")
    watch.store.commands.send_command(paused.id, Command.RESUME, by="test")
    run = watch.training(paused.id, paused.progress.step)
    terminal.kill()
    terminal.wait()
    assert run.trainer
    assert run.trainer.pid == terminal.pid
    interrupted = watch.ended(run.id)
    assert (interrupted.status, interrupted.reason) == (
        RunStatus.INTERRUPTED,
        f"Its trainer process (pid {terminal.pid}) is gone.",
    )
    assert len(watch.store.queries.read_steps(run.id)) == interrupted.progress.step >= run.progress.step
    supervisor.actions.resume(run.id)
    resumed = watch.ended(run.id)
    assert (resumed.status, resumed.attempt, resumed.progress.step) == (RunStatus.COMPLETED, 2, STEPS)
    assert watch.curve(resumed) == watch.curve(undisturbed)


def test_a_run_whose_trainer_is_killed_repeatedly_ends_like_an_undisturbed_one(
    supervisor: ActingSupervisor,
    undisturbed: Run,
    watch: Watch,
) -> None:
    run_id = supervisor.actions.submit(CONFIG).id
    for step in (20, 700, 1600):  # before anything was saved, and twice after
        run = watch.training(run_id, step)
        assert run.trainer
        os.kill(run.trainer.pid, signal.SIGKILL)
        killed = watch.ended(run_id)
        assert (killed.status, killed.reason) == (
            RunStatus.INTERRUPTED,
            "Its trainer process was killed (SIGKILL).",
        )
        assert len(watch.store.queries.read_steps(run_id)) == killed.progress.step >= run.progress.step
        supervisor.actions.resume(run_id)
    resumed = watch.ended(run_id)
    assert (resumed.status, resumed.attempt) == (RunStatus.COMPLETED, 4)
    assert watch.curve(resumed) == watch.curve(undisturbed)
    assert resumed.results == undisturbed.results


def test_a_race_whose_trainer_is_killed_resumes_together_and_ends_like_single_runs(
    supervisor: ActingSupervisor,
    undisturbed: Run,
    watch: Watch,
) -> None:
    lanes = supervisor.actions.start_race([CONFIG, dataclasses.replace(CONFIG, batch_size=3, lr=0.1)])
    slow, fast = (lane.id for lane in lanes)
    for step in (20, 700):
        trainer = watch.training(slow, step).trainer
        assert trainer
        assert watch.store.queries.get_run(fast).trainer == trainer
        os.kill(trainer.pid, signal.SIGKILL)
        for lane in lanes:
            killed = watch.ended(lane.id)
            assert (killed.status, killed.reason) == (
                RunStatus.INTERRUPTED,
                "Its trainer process was killed (SIGKILL).",
            )
        supervisor.actions.resume_race(fast)
    resumed, faster = (watch.ended(lane.id) for lane in lanes)
    assert (resumed.status, resumed.attempt, resumed.trainer) == (RunStatus.COMPLETED, 3, faster.trainer)
    assert watch.curve(resumed) == watch.curve(undisturbed)
    assert (faster.status, faster.progress.step) == (RunStatus.COMPLETED, STEPS // 3)


@pytest.fixture
def separate_supervisor(places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ActingSupervisor, RunStore]]:
    """Another supervisor over another store, for a test to close."""
    folder = places / "separate_supervisor"
    monkeypatch.setenv("MNIST_RUNS_DIR", str(folder / "runs"))
    opened = RunStore.open(folder / "runs")
    yield ActingSupervisor(opened, max_runs=3), opened
    opened.close()
    kill_remaining(folder / "runs")


def test_a_killed_fork_server_loses_no_run_and_its_trainers_still_end_with_the_supervisor(
    separate_supervisor: tuple[ActingSupervisor, RunStore], eventually: Eventually
) -> None:
    supervisor, store = separate_supervisor
    supervisor.start()
    training = [supervisor.actions.submit(LONG).id for _ in range(2)]
    eventually(lambda: all(store.queries.get_run(run_id).progress.step > 3 for run_id in training))
    orphan, killed = (store.queries.get_run(run_id).trainer for run_id in training)
    assert orphan
    assert killed
    fork_server = psutil.Process(orphan.pid).parent()
    assert fork_server
    fork_server.suspend()  # so that it dies before it forks a trainer
    handed_over = supervisor.actions.submit(LONG).id
    eventually(lambda: handed_over in supervisor._fork_server.run_ids)
    fork_server.kill()
    assert is_alive(orphan)
    os.kill(killed.pid, signal.SIGKILL)
    eventually(lambda: store.queries.get_run(training[1]).status is RunStatus.INTERRUPTED)
    eventually(lambda: store.queries.get_run(handed_over).progress.step > 3)
    stopped = store.queries.get_run(handed_over).trainer
    assert stopped
    os.kill(stopped.pid, signal.SIGSTOP)  # as by Ctrl-Z
    supervisor.close()
    assert not is_alive(orphan)
    assert not is_alive(stopped)
    for run_id in (training[0], handed_over):
        interrupted = store.queries.get_run(run_id)
        assert interrupted.status is RunStatus.INTERRUPTED
        assert interrupted.reason == "The server was closed while it was training."


# ---------------------------------------------------------------------- stopped, and waking later


def test_a_trainer_that_wakes_after_its_run_was_resumed_is_refused_and_ends(
    supervisor: ActingSupervisor,
    undisturbed: Run,
    watch: Watch,
    places: Path,
) -> None:
    run = watch.training(supervisor.actions.submit(CONFIG).id)
    assert run.trainer
    stop_between_commits(run.trainer.pid, places / "runs" / "runs.sqlite")
    silent = watch.ended(run.id)
    assert silent.status is RunStatus.INTERRUPTED
    assert silent.reason == f"Its trainer process (pid {run.trainer.pid}) has not been heard of for 1 s."
    supervisor.actions.resume(run.id)
    resumed = watch.training(run.id, silent.progress.step)
    assert resumed.attempt == 2
    os.kill(run.trainer.pid, signal.SIGCONT)
    late = run.trainer
    watch.eventually(lambda: not is_alive(late))
    completed = watch.ended(run.id)
    assert (completed.status, completed.attempt, completed.reason) == (RunStatus.COMPLETED, 2, "")
    assert completed.trainer == resumed.trainer != run.trainer
    assert watch.curve(completed) == watch.curve(undisturbed)


# ---------------------------------------------------------------------- twice


def test_two_supervisors_on_one_folder_start_every_run_once_and_end_only_their_own(
    supervisor: ActingSupervisor,
    places: Path,
    watch: Watch,
) -> None:
    mine = watch.training(supervisor.actions.submit(LONG, "of the first").id, 3)
    other_store = RunStore.open(places / "runs")
    other = ActingSupervisor(other_store, max_runs=3)
    other.start()
    watch.eventually(lambda: other._fork_server._is_ready)
    submitted: list[int] = []
    short = dataclasses.replace(CONFIG, epochs=2)
    starts = threading.Barrier(4)

    def press_start(server: ActingSupervisor) -> None:
        starts.wait()
        submitted.append(server.actions.submit(short).id)

    tabs = [threading.Thread(target=press_start, args=(server,)) for server in (supervisor, supervisor, other, other)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(set(submitted)) == 4
    runs = [watch.ended(run_id) for run_id in submitted]
    assert {(run.status, run.attempt) for run in runs} == {(RunStatus.COMPLETED, 1)}
    assert {len(watch.store.queries.read_steps(run.id)) for run in runs} == {2 * 270}
    other.close()
    other_store.close()
    assert mine.trainer
    assert is_alive(mine.trainer)
    assert watch.training(mine.id, watch.store.queries.get_run(mine.id).progress.step).status is RunStatus.RUNNING
    supervisor.actions.request_stop(mine.id)
    assert watch.ended(mine.id).status is RunStatus.STOPPED

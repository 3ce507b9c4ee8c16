"""Kill trainers, the server and its fork server at random while runs train, and check that no run lost anything.

    python benchmarks/soak.py [--kills 200] [--seed 1]

Starts a real `streamlit run` again whenever it is killed; every kill is a SIGKILL. Interrupted runs are resumed through
the store. At the end all runs may finish. Then every step of every run must be recorded exactly once, every run must
equal an undisturbed one with the same settings to the last bit, the steps before a checkpoint must be those that were
committed then, and no process may be left. Exit code 0 if all that holds. Trains on MNIST-5k in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the root of the repository, as with `python -m`

from benchmarks.lib.server import RestartableServer, started_processes  # noqa: E402
from mnist_core.analysis.reproducibility import COMPARED_COLUMNS  # noqa: E402
from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import Run, RunStatus  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.store.change_feed import Cursor  # noqa: E402
from mnist_core.system.processes import is_alive, send_signal  # noqa: E402
from mnist_core.trainer import speed  # noqa: E402

MAX_RUNS = 2
"""Number of runs that train at once."""

UNFINISHED_RUNS = 3
"""Number of runs that train or wait while processes are killed."""

KILL_INTERVAL_SECONDS = (0.2, 2.2)
"""Time between two kills, at random in this range."""

VICTIM_WEIGHTS = {"trainer": 0.7, "server": 0.15, "fork server": 0.15}
TIMEOUT_SECONDS = 300.0
"""Maximum time to wait for anything, such as the end of all runs."""

CONFIGS = [
    TrainConfig(dataset="mnist-5k", epochs=8, momentum=0.9, schedule="one-cycle", device="cpu"),
    TrainConfig(dataset="mnist-5k", epochs=16, model="mlp", optimizer="adam", lr=0.001, device="cpu"),
    TrainConfig(dataset="mnist-5k", epochs=4, model="example", optimizer="adadelta", lr=1.0, device="cpu"),
]
"""Small runs with different states: momentum and a schedule, an optimizer with running averages, dropout."""


class Soak:
    """The runs, the kills, and what the runs had recorded at each interruption."""

    def __init__(self, store: RunStore, server: RestartableServer, seed: int) -> None:
        self.store = store
        self.server = server
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.run_ids: list[int] = []
        self.saved_steps: dict[int, list[np.ndarray]] = {}
        """By run, at each interruption: the steps up to the checkpoint that it resumes from."""
        self.requeued_at: dict[tuple[int, int], float] = {}
        """When a run was queued again, by run and its next attempt; until that attempt has trained a step."""
        self.resume_seconds: list[float] = []
        self.problems: list[str] = []
        self._cursor = Cursor()

    def kill_processes(self, count: int) -> None:
        while self.kills.total() < count:
            self.wait(self.random.uniform(*KILL_INTERVAL_SECONDS))
            self._top_up_runs()
            self._kill_random_process()

    def wait(self, seconds: float) -> None:
        """Wait, and resume interrupted runs meanwhile."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            self._resume_interrupted_runs()
            self._note_resumed_runs()
            time.sleep(0.01)

    def wait_for(self, condition: Callable[[], bool], event: str) -> None:
        """Wait until a condition holds. Ends the program after `TIMEOUT_SECONDS`."""
        deadline = time.perf_counter() + TIMEOUT_SECONDS
        while not condition():
            if time.perf_counter() > deadline:
                raise SystemExit(f"Gave up waiting until {event}.")
            self.wait(0.05)

    def _resume_interrupted_runs(self) -> None:
        for run in self.store.queries.list_runs([RunStatus.INTERRUPTED]):
            checkpoint_step = max(list_checkpoints(checkpoints_dir(run)), default=0)
            steps = self.store.queries.read_steps(run.id)
            if checkpoint_step > len(steps):
                self.problems.append(
                    f"{run.name} has a checkpoint of step {checkpoint_step} and only {len(steps)} steps."
                )
            self.saved_steps.setdefault(run.id, []).append(steps[:checkpoint_step])
            self.requeued_at[run.id, run.attempt + 1] = time.perf_counter()
            self.store.commands.requeue_run(run.id)

    def _note_resumed_runs(self) -> None:
        """Note how long resumed runs took to their first new step."""
        changes = self.store.queries.read_changes(self._cursor)
        self._cursor = changes.cursor
        for chunk in changes.steps:
            if requeued_at := self.requeued_at.pop((chunk.run_id, chunk.attempt), None):
                self.resume_seconds.append(time.perf_counter() - requeued_at)

    def _top_up_runs(self) -> None:
        unfinished = len(self.store.queries.list_unfinished_runs())
        for _ in range(UNFINISHED_RUNS - unfinished):
            config = CONFIGS[len(self.run_ids) % len(CONFIGS)]
            self.run_ids.append(self.store.commands.create_run(config).id)

    def _kill_random_process(self) -> None:
        victim = self.random.choices(list(VICTIM_WEIGHTS), list(VICTIM_WEIGHTS.values()))[0]
        if victim == "trainer":
            trainers = [run.trainer for run in self.store.queries.list_active_runs() if run.trainer]
            living = [trainer for trainer in trainers if is_alive(trainer)]
            is_killed = bool(living) and send_signal(self.random.choice(living), signal.SIGKILL)
        elif victim == "fork server":
            fork_servers = self.server.fork_servers()
            is_killed = bool(fork_servers)
            for process in fork_servers:
                process.kill()
        else:
            is_killed = self.server.answers()
            if is_killed:
                self.server.kill()
                self.server.start()
        self.kills[victim] += is_killed

    def check(self, reference: Run) -> None:
        """Compare every run with the settings of an undisturbed run, `reference`, with that run."""
        expected_steps = self.store.queries.read_steps(reference.id)
        expected_evaluations = self._evaluations(reference)
        for run in map(self.store.queries.get_run, self.run_ids):
            if run.config != reference.config:
                continue
            steps = self.store.queries.read_steps(run.id)
            if run.status is not RunStatus.COMPLETED:
                self.problems.append(f"{run.name} is {run.status}: {run.reason}")
            elif not len(steps) == run.total_steps == run.progress.step or not self._is_contiguous(run):
                self.problems.append(f"{run.name} has {len(steps)} steps of {run.total_steps}, or some twice.")
            elif any(steps[name].tobytes() != expected_steps[name].tobytes() for name in COMPARED_COLUMNS):
                self.problems.append(f"The steps of {run.name} differ from {reference.name}.")
            elif self._evaluations(run) != expected_evaluations:
                self.problems.append(f"The evaluations of {run.name} differ from {reference.name}.")
            for saved in self.saved_steps.get(run.id, []):
                if steps[: len(saved)].tobytes() != saved.tobytes():
                    self.problems.append(f"{run.name} lost some of the {len(saved)} steps before a checkpoint.")

    def _is_contiguous(self, run: Run) -> bool:
        """Return whether the chunks of a run follow each other without gap or overlap, from step 1."""
        chunks = [chunk for chunk in self.store.queries.read_changes(Cursor()).steps if chunk.run_id == run.id]
        next_step = 1
        for chunk in sorted(chunks, key=lambda chunk: chunk.first_step):
            if chunk.first_step != next_step:
                return False
            next_step += chunk.count
        return next_step == run.total_steps + 1

    def _evaluations(self, run: Run) -> list[tuple[object, ...]]:
        return [
            (evaluation.step, evaluation.split, evaluation.loss, evaluation.accuracy, evaluation.predictions.tobytes())
            for evaluation in self.store.queries.list_evaluations(run.id)
        ]


def soak(work: Soak, kills: int) -> int:
    """Train undisturbed runs, then kill processes, check the runs and print the outcome; returns the exit code."""
    store = work.store
    references = [
        store.commands.create_run(config, f"undisturbed-{number}") for number, config in enumerate(CONFIGS, 1)
    ]
    work.wait_for(
        lambda: all(store.queries.get_run(run.id).finished_at for run in references), "the undisturbed runs have ended"
    )
    began = time.perf_counter()
    work.kill_processes(kills)
    work.wait_for(lambda: not has_unfinished_runs(store), "all runs have ended")
    seconds = time.perf_counter() - began
    work.wait_for(work.server.answers, "the server answers")
    work.server.shut_down()
    if processes := started_processes():
        work.problems.append(f"{len(processes)} processes were left.")
    for reference in references:
        work.check(store.queries.get_run(reference.id))
    print_outcome(work, [store.queries.get_run(run_id) for run_id in work.run_ids], seconds)
    return 1 if work.problems else 0


def print_outcome(work: Soak, runs: Sequence[Run], seconds: float) -> None:
    kills = ", ".join(f"{count} of a {victim}" for victim, count in work.kills.items())
    print(f"kills:   {work.kills.total()} ({kills})")
    print(f"runs:    {len(runs)}, {dict(Counter(str(run.status) for run in runs))}")
    most = max(run.attempt for run in runs) - 1
    print(f"resumes: {sum(run.attempt - 1 for run in runs)}, at most {most} of one run")
    if resumes := work.resume_seconds:
        median = statistics.median(resumes)
        print(f"resumed: after {median:.2f} s (median; from {min(resumes):.2f} to {max(resumes):.2f})")
    print(f"took:    {seconds:.0f} s")
    print("\n".join(work.problems) or "Every step of every run is recorded once and equals that of an undisturbed run.")


def has_unfinished_runs(store: RunStore) -> bool:
    return bool(store.queries.list_unfinished_runs() or store.queries.list_runs([RunStatus.INTERRUPTED]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="number of processes to kill")
    parser.add_argument("--seed", type=int, default=1, help="decides what is killed, and when")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MNIST_RUNS_DIR": folder, "MNIST_DATA_DIR": str(Path(folder) / "data")}
        os.environ |= {"MNIST_MAX_RUNS": str(MAX_RUNS), "OMP_NUM_THREADS": "1"}
        speed.save_speeds({}, "cpu")  # otherwise an idle server calibrates
        store, server = RunStore.open(Path(folder)), RestartableServer()
        try:
            return soak(Soak(store, server, options.seed), options.kills)
        finally:
            for process in started_processes():
                process.kill()
            server.process.wait()
            store.close()


if __name__ == "__main__":
    sys.exit(main())

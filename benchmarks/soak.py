"""Kills trainers, the server and its trainer host at random while runs go on, and checks that no run lost anything.

    python benchmarks/soak.py [--kills 200] [--seed 1]

A real `streamlit run`, restarted whenever it is killed; all kills are SIGKILL. Interrupted runs are resumed through the
store. At the end everything may finish, and then every step of every run must be there exactly once, every run must
equal an undisturbed one of the same settings to the last bit, what was recorded before a checkpoint must be what was
committed then, and no process may be left. Exit code 0 if all that holds. Trains on MNIST-5k in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # as `python -m` would have it

from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import Run, RunStatus  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.store.change_feed import Cursor  # noqa: E402
from mnist_core.system.paths import ROOT  # noqa: E402
from mnist_core.system.processes import is_alive, send_signal  # noqa: E402
from mnist_core.trainer import speed  # noqa: E402

RUNS_AT_ONCE = 2
UNFINISHED = 3
"""So many runs are kept going or waiting while the killing lasts."""

PAUSE_SECONDS = (0.2, 2.2)
"""Between two kills, at random between these."""

WEIGHTS = {"trainer": 0.7, "server": 0.15, "host": 0.15}
DEADLINE_SECONDS = 300.0
"""For anything that is waited for, such as that all runs end."""

CONFIGS = [
    TrainConfig(dataset="mnist-5k", epochs=8, momentum=0.9, schedule="one-cycle", device="cpu"),
    TrainConfig(dataset="mnist-5k", epochs=16, model="mlp", optimizer="adam", lr=0.001, device="cpu"),
    TrainConfig(dataset="mnist-5k", epochs=4, model="example", optimizer="adadelta", lr=1.0, device="cpu"),
]
"""Small runs of different kinds: with momentum and a schedule, with an optimizer that remembers, with dropout."""

EXACT = ("epoch", "loss", "accuracy", "lr", "momentum")
"""Columns that repeat to the last bit; the others are times."""


class Server:
    """`streamlit run app.py`, over and over."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--server.headless", "true"], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health", timeout=1):
            return True
        return False

    def hosts(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return [one for one in psutil.Process(self.process.pid).children() if is_host(one)]
        return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """End it as Ctrl-C does; returns how many processes are left."""
        self.process.terminate()
        self.process.wait(timeout=10)
        return len(family())


def is_host(process: psutil.Process) -> bool:
    """Whether this is a trainer host itself, rather than a trainer that it has forked, which has a child's parent."""
    return "mnist_core.scheduler.fork_server" in process.cmdline()


def family() -> list[psutil.Process]:
    """Whatever else was started for this runs folder and lives."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                mine = process.environ().get("MNIST_RUNS_DIR") == os.environ["MNIST_RUNS_DIR"]
                found += [process] if mine else []
    return found


class Soak:
    """The runs, what was done to them, and what they had recorded when it was done."""

    def __init__(self, store: RunStore, server: Server, seed: int) -> None:
        self.store = store
        self.server = server
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.run_ids: list[int] = []
        self.saved: dict[int, list[np.ndarray]] = {}
        """Of each run, at each interruption: the steps up to the checkpoint that it will go on from."""
        self.resuming: dict[tuple[int, int], float] = {}
        """When a run was queued again, by run and the attempt it will be."""
        self.resume_seconds: list[float] = []
        self.problems: list[str] = []
        self._cursor = Cursor()

    def kill_many(self, count: int) -> None:
        while self.kills.total() < count:
            self.wait(self.random.uniform(*PAUSE_SECONDS))
            self._keep_runs_going()
            self._kill_one()

    def wait(self, seconds: float) -> None:
        """Let time pass, and resume what was interrupted."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.tend()
            time.sleep(0.01)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.perf_counter() + DEADLINE_SECONDS
        while not condition():
            if time.perf_counter() > deadline:
                raise SystemExit(f"Gave up waiting until {what}.")
            self.wait(0.05)

    def tend(self) -> None:
        """Resume interrupted runs, and note when resumed ones have trained their first new step."""
        for run in self.store.queries.list_runs([RunStatus.INTERRUPTED]):
            points = list_checkpoints(checkpoints_dir(run.id))
            steps = self.store.queries.read_steps(run.id)
            last = max(points, default=0)
            if last > len(steps):
                self.problems.append(f"{run.name} has a checkpoint of step {last} and only {len(steps)} steps.")
            self.saved.setdefault(run.id, []).append(steps[:last])
            self.resuming[run.id, run.attempt + 1] = time.perf_counter()
            self.store.commands.requeue_run(run.id)
        changes = self.store.queries.read_changes(self._cursor)
        self._cursor = changes.cursor
        for new in changes.steps:
            if asked_at := self.resuming.pop((new.run_id, new.attempt), None):
                self.resume_seconds.append(time.perf_counter() - asked_at)

    def _keep_runs_going(self) -> None:
        unfinished = len(self.store.queries.list_unfinished_runs())
        for _ in range(UNFINISHED - unfinished):
            config = CONFIGS[len(self.run_ids) % len(CONFIGS)]
            self.run_ids.append(self.store.commands.create_run(config).id)

    def _kill_one(self) -> None:
        kind = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if kind == "trainer":
            trainers = [
                run.trainer for run in self.store.queries.list_active_runs() if run.trainer and is_alive(run.trainer)
            ]
            killed = bool(trainers) and send_signal(self.random.choice(trainers), signal.SIGKILL)
        elif kind == "host":
            hosts = self.server.hosts()
            killed = bool(hosts)
            for host in hosts:
                host.kill()
        else:
            killed = self.server.answers()
            if killed:
                self.server.kill()
                self.server.start()
        self.kills[kind] += killed

    def check(self, reference: Run) -> None:
        """Compare every run of the same settings with one that nothing happened to."""
        expected, evaluations = self.store.queries.read_steps(reference.id), self._evaluations(reference)
        for run in map(self.store.queries.get_run, self.run_ids):
            if run.config != reference.config:
                continue
            steps = self.store.queries.read_steps(run.id)
            if run.status is not RunStatus.COMPLETED:
                self.problems.append(f"{run.name} is {run.status}: {run.reason}")
            elif not len(steps) == run.total_steps == run.progress.step or not self._is_contiguous(run):
                self.problems.append(f"{run.name} has {len(steps)} steps of {run.total_steps}, or not each once.")
            elif any(steps[name].tobytes() != expected[name].tobytes() for name in EXACT):
                self.problems.append(f"{run.name} differs from {reference.name}.")
            elif self._evaluations(run) != evaluations:
                self.problems.append(f"{run.name} was evaluated otherwise than {reference.name}.")
            for before in self.saved.get(run.id, []):
                if steps[: len(before)].tobytes() != before.tobytes():
                    self.problems.append(f"{run.name} lost some of the {len(before)} steps before a checkpoint.")

    def _is_contiguous(self, run: Run) -> bool:
        """Whether the chunks follow each other without gap or overlap, from step 1."""
        chunks = [chunk for chunk in self.store.queries.read_changes(Cursor()).steps if chunk.run_id == run.id]
        following = 1
        for chunk in sorted(chunks, key=lambda chunk: chunk.first_step):
            if chunk.first_step != following:
                return False
            following += len(chunk.table)
        return following == run.total_steps + 1

    def _evaluations(self, run: Run) -> list[tuple[object, ...]]:
        found = self.store.queries.list_evaluations(run.id)
        return [(one.step, one.split, one.loss, one.accuracy, one.predictions.tobytes()) for one in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="what is killed, and when")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MNIST_RUNS_DIR": folder, "MNIST_DATA_DIR": str(Path(folder) / "data")}
        os.environ |= {"MNIST_MAX_RUNS": str(RUNS_AT_ONCE), "OMP_NUM_THREADS": "1"}
        speed.save_speeds({}, "cpu")  # otherwise a server measures the speed whenever nobody trains
        store, server = RunStore.open(Path(folder)), Server()
        try:
            return soak(Soak(store, server, options.seed), options.kills)
        finally:
            for process in family():
                process.kill()
            server.process.wait()
            store.close()


def soak(work: Soak, kills: int) -> int:
    store = work.store
    references = [
        store.commands.create_run(config, f"undisturbed-{number}") for number, config in enumerate(CONFIGS, 1)
    ]
    work.wait_for(
        lambda: all(store.queries.get_run(run.id).finished_at for run in references), "the references have ended"
    )
    began = time.perf_counter()
    work.kill_many(kills)
    work.wait_for(lambda: not any_left(store), "all runs have ended")
    seconds = time.perf_counter() - began
    work.wait_for(work.server.answers, "the server answers")
    left = work.server.end()
    if left:
        work.problems.append(f"{left} processes were left.")
    for reference in references:
        work.check(store.queries.get_run(reference.id))

    runs = [store.queries.get_run(run_id) for run_id in work.run_ids]
    resumes = work.resume_seconds
    print(f"kills:   {kills} ({', '.join(f'{count} of a {kind}' for kind, count in work.kills.items())})")
    print(f"runs:    {len(runs)}, {dict(Counter(str(run.status) for run in runs))}")
    print(f"resumes: {sum(run.attempt - 1 for run in runs)}, at most {max(run.attempt for run in runs) - 1} of one run")
    if resumes:
        print(
            f"resumed: after {statistics.median(resumes):.2f} s (median; from {min(resumes):.2f} to {max(resumes):.2f})"
        )
    print(f"took:    {seconds:.0f} s")
    print("\n".join(work.problems) or "Every step of every run is there once and equal to an undisturbed run.")
    return 1 if work.problems else 0


def any_left(store: RunStore) -> bool:
    return bool(store.queries.list_unfinished_runs() or store.queries.list_runs([RunStatus.INTERRUPTED]))


if __name__ == "__main__":
    sys.exit(main())

"""Kill the controller, the server and trials of a sweep at random, and check that every trial counted once.

    python -m benchmarks.sweeps.kills [--kills 50] [--trials 60] [--seed 1]

Starts a real `streamlit run` again whenever it is killed; every kill is a SIGKILL. The sweep trains small networks on
MNIST-5k, in a temporary folder. At the end it must have completed, with as many trials as were asked for; each trial
must have ended once, and have one run, each of whose steps is recorded once. A trial fails if its process was killed
twice. No process may be left. Exit code 0 if all that holds.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.lib.server import RestartableServer, started_processes
from mnist_core.records import ProcessIdentity, Run, SweepStatus, Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.progress import find_progress
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import FRESH_SEEDS, SweepSpec
from mnist_core.sweeps.trials.running_trial import MAX_KILLS
from mnist_core.sweeps.verdict import conclude
from mnist_core.system.processes import is_alive, send_signal
from mnist_core.trainer import speed

KILL_INTERVAL_SECONDS = (0.3, 2.7)
"""Time between two kills, at random in this range."""

VICTIM_WEIGHTS = {"trial": 0.5, "controller": 0.35, "server": 0.15}

TIMEOUT_SECONDS = 600.0

FIXED = {"dataset": "mnist-5k", "model": "classic", "epochs": 2, "device": "cpu"}


class Kills:
    """The sweep, and what was killed."""

    def __init__(self, store: RunStore, server: RestartableServer, spec: SweepSpec, seed: int) -> None:
        self.store = store
        self.server = server
        self.sweep = control.create(store, spec, in_server=True)
        self.killed: Counter[str] = Counter()
        self.random = random.Random(seed)

    @property
    def has_ended(self) -> bool:
        return self.store.sweeps.get_sweep(self.sweep.id).status.is_finished

    def kill_some(self, count: int) -> None:
        """Kill this many processes, or fewer if the sweep ends before."""
        while self.killed.total() < count and not self.has_ended:
            time.sleep(self.random.uniform(*KILL_INTERVAL_SECONDS))
            victim = self.random.choices(list(VICTIM_WEIGHTS), list(VICTIM_WEIGHTS.values()))[0]
            self.killed[victim] += self._kill(victim)

    def wait_for_end(self) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self.has_ended:
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.sweep.name} has not ended after {TIMEOUT_SECONDS:.0f} s.")
            time.sleep(0.2)

    def _kill(self, victim: str) -> bool:
        if victim == "server":
            is_up = self.server.answers()
            if is_up:
                self.server.kill()
                self.server.start()
            return is_up
        controller = self.store.sweeps.get_sweep(self.sweep.id).controller
        trainers = [run.trainer for run in self.store.sweeps.list_runs(self.sweep.id) if run.status.is_active]
        processes: list[ProcessIdentity | None] = [controller] if victim == "controller" else trainers
        living = [process for process in processes if process and is_alive(process)]
        return bool(living) and send_signal(self.random.choice(living), signal.SIGKILL)


def find_problems(work: Kills, trials: int) -> list[str]:
    """Return in sentences what was lost or counted twice."""
    sweep, all_trials = work.store.sweeps.get_sweep(work.sweep.id), work.store.sweeps.list_trials(work.sweep.id)
    searched = [trial for trial in all_trials if trial.role is TrialRole.SEARCH]
    problems = []
    if sweep.status is not SweepStatus.COMPLETED:
        problems.append(f"The sweep is {sweep.status.word}: {sweep.reason}")
    if len(searched) != trials or [trial.number for trial in all_trials] != [*range(1, len(all_trials) + 1)]:
        problems.append(f"{len(searched)} trials instead of {trials}.")
    for trial in all_trials:
        runs = work.store.sweeps.list_runs(sweep.id, [trial.number])
        problems += [f"Trial {trial.number}: {problem}" for problem in _problems_of(work, trial, runs)]
    if left := started_processes():
        problems.append(f"{len(left)} processes were left.")
    return problems


def _problems_of(work: Kills, trial: Trial, runs: list[Run]) -> list[str]:
    problems = []
    seeds = FRESH_SEEDS if trial.role is not TrialRole.SEARCH else 1
    if len({run.config.seed for run in runs}) != len(runs) or len(runs) > seeds:
        problems.append(f"{len(runs)} runs for {seeds} seeds.")
    if trial.status is not TrialStatus.COMPLETED:
        if trial.kills < MAX_KILLS:
            problems.append(f"It is {trial.status.word} after {trial.kills} kills: {trial.reason}")
        return problems
    for run in runs:
        times = work.store.queries.read_steps(run.id)["elapsed_seconds"].tolist()
        if len(times) != run.total_steps or times != sorted(times):
            problems.append(f"{run.name} has {len(times)} steps instead of {run.total_steps}, or not in their order.")
    return problems


def measure(work: Kills, kills: int, trials: int) -> int:
    """Kill processes, let the sweep end, and print the outcome; returns the exit code."""
    began = time.monotonic()
    wait_until(work.server.answers)
    work.kill_some(kills)
    work.wait_for_end()
    seconds = time.monotonic() - began
    wait_until(work.server.answers)
    work.server.shut_down()
    problems = find_problems(work, trials)
    all_trials = work.store.sweeps.list_trials(work.sweep.id)
    sweep = work.store.sweeps.get_sweep(work.sweep.id)
    killed = ", ".join(f"{count} of a {victim}" for victim, count in work.killed.items())
    statuses = Counter(trial.status.word for trial in all_trials)
    print(f"kills:       {work.killed.total()} ({killed})")
    print(f"trials:      {len(all_trials)} with those of the winner and the defaults, {dict(statuses)}")
    print(f"resumed:     {sum(trial.kills for trial in all_trials)} trials that lost a process")
    print(f"controllers: {sweep.attempt}")
    print(f"took:        {seconds:.0f} s, {sweep.elapsed_seconds:.0f} s of them with a controller")
    print(find_progress(sweep, all_trials, conclude(work.store, sweep)).sentence)
    print("\n".join(problems) or "Every trial was counted once, and every step of every completed run is there once.")
    return 1 if problems or work.killed.total() < kills else 0


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="decides what is killed, and when")
    options = parser.parse_args()
    lr = Range("lr", 0.003, 0.3, log=True)
    spec = SweepSpec(parameters=(lr,), fixed=FIXED, trials=options.trials, workers=2)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MNIST_RUNS_DIR": folder, "MNIST_DATA_DIR": str(Path(folder) / "data")}
        speed.save_speeds({}, "cpu")  # otherwise an idle server calibrates
        store, server = RunStore.open(Path(folder)), RestartableServer()
        try:
            return measure(Kills(store, server, spec, options.seed), options.kills, options.trials)
        finally:
            for process in started_processes():
                process.kill()
            server.process.wait()
            store.close()


if __name__ == "__main__":
    sys.exit(main())

"""Measure how soon a run obeys, what its checkpoints cost, and how soon a killed run resumes. Prints one table.

    python benchmarks/steering.py [--rounds 10]

A real server trains the dataset in `MNIST_DATA_DIR` with the page's default settings, and Chromium or Chrome shows the
page. Runs go to a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the root of the repository, as with `python -m`

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.lib.browser import find_browser, launch_browser  # noqa: E402
from benchmarks.lib.measure import Figure, median_figure, print_head, print_row  # noqa: E402
from benchmarks.lib.server import FirstStepWatcher, stop_latest_run, warm_server  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import Adjustment, Command, Run, RunStatus  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.system.paths import ROOT, data_dir  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402

POLL_SECONDS = 0.01
"""Interval at which the store is read; reading it more often would take a good part of a core."""

TIMEOUT_SECONDS = 30
COMMAND_INTERVAL_SECONDS = (0.3, 1.3)
"""How long a run trains between two commands, at random, so that they come at every moment of its own rhythm."""

TERMINAL_ROUNDS = 3
"""Number of times that a command is started in a terminal."""


def wait_until(condition: Callable[[], object]) -> float:
    """Wait for a condition; returns the seconds it took. Ends the program after `TIMEOUT_SECONDS`."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > TIMEOUT_SECONDS:
            raise SystemExit("The run did not obey.")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - began


def pause_at_random() -> None:
    time.sleep(random.uniform(*COMMAND_INTERVAL_SECONDS))


class SteeredRun:
    """A run that trains, and how long it takes to obey. Callers pass the function that gives the command."""

    def __init__(self, store: RunStore, run_id: int) -> None:
        self._store = store
        self._id = run_id

    def read(self) -> Run:
        return self._store.queries.get_run(self._id)

    def pause_seconds(self, give_command: Callable[[], object]) -> float:
        """Return the seconds until the run is paused; it reports that once nothing more is trained."""
        began = time.perf_counter()
        give_command()
        wait_until(lambda: self.read().status is RunStatus.PAUSED)
        return time.perf_counter() - began

    def adjust_seconds(self, give_command: Callable[[], object]) -> float:
        """Return the seconds until the change is recorded, which happens right before the first batch with it."""
        changes, began = len(self.read().interventions), time.perf_counter()
        give_command()
        wait_until(lambda: len(self.read().interventions) > changes)
        return time.perf_counter() - began

    def step_seconds(self, give_command: Callable[[], object]) -> float:
        """Return the seconds until another step is recorded."""
        step, began = self.read().progress.step, time.perf_counter()
        give_command()
        wait_until(lambda: self.read().progress.step > step)
        return time.perf_counter() - began

    def send(self, command: Command, adjustment: Adjustment | None = None) -> None:
        self._store.commands.send_command(self._id, command, adjustment, by="benchmark")


def measure_store_commands(run: SteeredRun, rounds: int) -> Iterator[Figure]:
    """Time commands through the store, as a terminal that has started and the page of another server give them."""
    pauses, adjusts, steps = [], [], []
    for number in range(rounds):
        pause_at_random()
        adjustment = Adjustment(lr=0.01 + 0.001 * (number + 1))
        adjusts.append(run.adjust_seconds(partial(run.send, Command.ADJUST, adjustment)))
        pause_at_random()
        pauses.append(run.pause_seconds(lambda: run.send(Command.PAUSE)))
        pause_at_random()  # nobody can press Step before the page has drawn the buttons of a paused run
        steps.append(run.step_seconds(lambda: run.send(Command.STEP)))
        run.send(Command.RESUME)
    yield median_figure("command to paused", pauses, "{:.3f} s", "<= 0.3 s")
    yield median_figure("command to changed learning rate", adjusts, "{:.3f} s", "<= 0.3 s")
    yield median_figure("command to one batch trained, while paused", steps, "{:.3f} s", "<= 0.3 s")


def measure_terminal_commands(run: SteeredRun) -> Iterator[Figure]:
    """Time a command that is started in a terminal."""
    name = run.read().name

    def start(command: Command) -> None:
        arguments = [sys.executable, "-m", "mnist_core", command, name]
        subprocess.run(arguments, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)

    pauses = []
    for _ in range(TERMINAL_ROUNDS):
        pause_at_random()
        pauses.append(run.pause_seconds(lambda: start(Command.PAUSE)))
        start(Command.RESUME)
    yield median_figure("`python -m mnist_core pause`, from its start to its end", pauses, "{:.2f} s")


def measure_page_commands(run: SteeredRun, page: Page, rounds: int) -> Iterator[Figure]:
    """Time what a person does in the page, click included."""
    pauses, redraws, adjusts = [], [], []
    page.get_by_role("radio", name="This run").click()
    page.get_by_text("Applies from the next batch on").wait_for()
    field = page.get_by_label("Learning rate, exact value")
    resume = page.get_by_role("button", name="Resume")
    for number in range(rounds):
        pause_at_random()
        field.fill(str(0.05 + 0.001 * number))
        adjusts.append(run.adjust_seconds(lambda: field.press("Enter")))
        pause_at_random()
        began = time.perf_counter()
        pauses.append(run.pause_seconds(page.get_by_role("button", name="Pause").click))
        resume.wait_for()
        redraws.append(time.perf_counter() - began)
        resume.click()
        page.get_by_role("button", name="Pause").wait_for()
    yield median_figure("click on Pause to paused", pauses, "{:.2f} s", "<= 0.3 s")
    yield median_figure("click on Pause to the page offering Resume", redraws, "{:.2f} s")
    yield median_figure("Enter in a field to changed learning rate", adjusts, "{:.2f} s", "<= 0.3 s")


def measure_kills(store: RunStore, run: SteeredRun, page: Page, rounds: int) -> Iterator[Figure]:
    """Kill the trainer and resume the run in the page."""
    interrupts, resumes = [], []
    for _ in range(rounds):
        pause_at_random()
        trainer = run.read().trainer
        assert trainer
        os.kill(trainer.pid, signal.SIGKILL)
        interrupts.append(wait_until(lambda: run.read().status is RunStatus.INTERRUPTED))
        resume = page.get_by_role("button", name="Resume")
        resume.wait_for()
        watcher, clicked_at = FirstStepWatcher(store), time.time()
        resume.click()
        watcher.join()
        resumes.append(watcher.seen_at - clicked_at)
        page.get_by_role("button", name="Pause").wait_for()
    yield median_figure("SIGKILL of a trainer to `interrupted`", interrupts, "{:.2f} s")
    yield median_figure("click on Resume to the first new batch", resumes, "{:.2f} s")


def measure_checkpoints() -> Iterator[Figure]:
    """Time every checkpoint of a run of two epochs, inside the process that trains."""
    from mnist_core.trainer import worker
    from mnist_core.trainer.saver import CheckpointSaver

    save_times: list[float] = []
    save = CheckpointSaver.save

    def timed_save(self: CheckpointSaver, *arguments: object) -> None:
        began = time.perf_counter()
        save(self, *arguments)  # type: ignore[arg-type]
        save_times.append(time.perf_counter() - began)

    CheckpointSaver.save = timed_save  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        run = store.commands.create_run(TrainConfig(epochs=2), trainer=own_identity())
        began = time.perf_counter()
        run = worker.train_run(store, run)
        run_seconds = time.perf_counter() - began
        store.close()
    yield median_figure("one checkpoint", [1000 * seconds for seconds in save_times], "{:.0f} ms")
    share = 100 * sum(save_times) / run.progress.elapsed_seconds
    basis = f"{len(save_times)} in a run of 2 epochs, {run_seconds:.0f} s"
    yield Figure("checkpoints, share of the training time", f"{share:.2f} %", "< 2 %", basis)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="how often each command is timed")
    rounds = parser.parse_args().rounds
    os.environ["MNIST_DATA_DIR"] = str(data_dir())
    if find_browser() is None:
        raise SystemExit("No Chromium or Chrome on the PATH.")
    random.seed(1)
    print_head()
    with warm_server() as server, sync_playwright() as playwright:
        page = launch_browser(playwright).new_page()
        run = SteeredRun(server.store, server.store.commands.create_run(TrainConfig(epochs=50)).id)
        wait_until(lambda: run.read().progress.step)
        page.goto(server.address)
        page.get_by_role("button", name="Pause").wait_for()
        for rows in (
            measure_store_commands(run, rounds),
            measure_terminal_commands(run),
            measure_page_commands(run, page, rounds),
            measure_kills(server.store, run, page, rounds // 2),
        ):
            for row in rows:
                print_row(row)
        stop_latest_run(server.store)
    for row in measure_checkpoints():
        print_row(row)


if __name__ == "__main__":
    main()

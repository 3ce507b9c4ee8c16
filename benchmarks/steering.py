"""Measures how soon a run obeys, what its checkpoints cost, and how soon a killed one goes on. Prints one table.

    python benchmarks/steering.py [--rounds 10]

A real server, its trainer on what `MNIST_DATA_DIR` holds with the page's default settings, and a page in Chromium or
Chrome. Runs go to a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[0] = ROOT  # as `python -m` would have it
os.environ["PYTHONPATH"] = ROOT

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.lib import server as served  # noqa: E402
from benchmarks.lib.measure import Figure, figure, print_head, print_row  # noqa: E402
from benchmarks.page import BROWSER_FLAGS  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import Adjustment, Command, Run, RunStatus  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.system.paths import data_dir  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402

LOOK_SECONDS = 0.01
"""How often the store is looked at; more often, and the looks themselves would take a good part of a core."""

BETWEEN_SECONDS = (0.3, 1.3)
"""How long a run trains between two orders, at random, so that they meet it at every moment of its own rhythm."""

CALLS = 3
"""How often a program is started for the figure of a whole command."""


def seconds_until(condition: Callable[[], object]) -> float:
    """From now on; raises after half a minute."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > 30:
            raise SystemExit("The run did not obey.")
        time.sleep(LOOK_SECONDS)
    return time.perf_counter() - began


def wait_a_little() -> None:
    time.sleep(random.uniform(*BETWEEN_SECONDS))


class Wheel:
    """A run in progress, and how long it takes to obey; whoever acts says how."""

    def __init__(self, store: RunStore, run_id: int) -> None:
        self._store = store
        self._id = run_id

    def run(self) -> Run:
        return self._store.queries.get_run(self._id)

    def paused(self, act: Callable[[], object]) -> float:
        """Until it says that it is paused, which it does once nothing more is trained."""
        began = time.perf_counter()
        act()
        seconds_until(lambda: self.run().status is RunStatus.PAUSED)
        return time.perf_counter() - began

    def adjusted(self, act: Callable[[], object]) -> float:
        """Until the change is recorded, which it is right before the first batch with it."""
        changes, began = len(self.run().interventions), time.perf_counter()
        act()
        seconds_until(lambda: len(self.run().interventions) > changes)
        return time.perf_counter() - began

    def stepped(self, act: Callable[[], object]) -> float:
        """Until another step is recorded."""
        step, began = self.run().progress.step, time.perf_counter()
        act()
        seconds_until(lambda: self.run().progress.step > step)
        return time.perf_counter() - began

    def order(self, command: Command, adjustment: Adjustment | None = None) -> None:
        self._store.commands.send_command(self._id, command, adjustment, by="benchmark")


def from_another_process(wheel: Wheel, rounds: int) -> Iterator[Figure]:
    """Orders through the store, as a terminal gives them once it has started, and another server's page."""
    pauses, adjusts, steps = [], [], []
    for number in range(rounds):
        wait_a_little()
        lr = 0.01 + 0.001 * (number + 1)
        adjusts.append(wheel.adjusted(lambda lr=lr: wheel.order(Command.ADJUST, Adjustment(lr=lr))))  # type: ignore[misc]
        wait_a_little()
        pauses.append(wheel.paused(lambda: wheel.order(Command.PAUSE)))
        wait_a_little()  # the page draws its buttons anew after a pause, and nobody can press Step before it has
        steps.append(wheel.stepped(lambda: wheel.order(Command.STEP)))
        wheel.order(Command.RESUME)
    yield figure("order to paused", pauses, "{:.3f} s", "<= 0.3 s")
    yield figure("order to changed learning rate", adjusts, "{:.3f} s", "<= 0.3 s")
    yield figure("order to one batch trained, while paused", steps, "{:.3f} s", "<= 0.3 s")


def from_a_terminal(wheel: Wheel) -> Iterator[Figure]:
    def call(word: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "mnist_core", word, "run-2"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
        )

    pauses = []
    for _ in range(CALLS):
        wait_a_little()
        pauses.append(wheel.paused(lambda: call("pause")))
        call("resume")
    yield figure("`python -m mnist_core pause`, from its start to its end", pauses, "{:.2f} s")


def from_the_page(wheel: Wheel, page: Page, rounds: int) -> Iterator[Figure]:
    """What a person does; the click itself is part of it."""
    pauses, shown, adjusts = [], [], []
    page.get_by_role("radio", name="This run").click()
    field = page.get_by_label("Learning rate, exact value")
    resume = page.get_by_role("button", name="Resume")
    for number in range(rounds):
        wait_a_little()
        field.fill(str(0.05 + 0.001 * number))
        adjusts.append(wheel.adjusted(lambda: field.press("Enter")))
        wait_a_little()
        began = time.perf_counter()
        pauses.append(wheel.paused(page.get_by_role("button", name="Pause").click))
        resume.wait_for()
        shown.append(time.perf_counter() - began)
        resume.click()
        page.get_by_role("button", name="Pause").wait_for()
    yield figure("click on Pause to paused", pauses, "{:.2f} s", "<= 0.3 s")
    yield figure("click on Pause to the page offering Resume", shown, "{:.2f} s")
    yield figure("Enter in a field to changed learning rate", adjusts, "{:.2f} s", "<= 0.3 s")


def after_a_kill(store: RunStore, wheel: Wheel, page: Page, rounds: int) -> Iterator[Figure]:
    noticed, resumed = [], []
    for _ in range(rounds):
        wait_a_little()
        trainer = wheel.run().trainer
        assert trainer
        os.kill(trainer.pid, signal.SIGKILL)
        noticed.append(seconds_until(lambda: wheel.run().status is RunStatus.INTERRUPTED))
        resume = page.get_by_role("button", name="Resume")
        resume.wait_for()
        first, began = served.FirstStep(store), time.time()
        resume.click()
        first.join()
        resumed.append(first.at - began)
        page.get_by_role("button", name="Pause").wait_for()
    yield figure("SIGKILL of a trainer to `interrupted`", noticed, "{:.2f} s")
    yield figure("click on Resume to the first new batch", resumed, "{:.2f} s")


def checkpoints() -> Iterator[Figure]:
    """Every save of a run of one epoch, timed inside the process that trains."""
    from mnist_core.trainer import worker
    from mnist_core.trainer.saver import CheckpointSaver

    saves: list[float] = []
    save = CheckpointSaver.save

    def timed(self: CheckpointSaver, *facts: object) -> None:
        began = time.perf_counter()
        save(self, *facts)  # type: ignore[arg-type]
        saves.append(time.perf_counter() - began)

    CheckpointSaver.save = timed  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        run = store.commands.create_run(TrainConfig(epochs=2), trainer=own_identity())
        began = time.perf_counter()
        run = worker.train_run(store, run)
        seconds = time.perf_counter() - began
        store.close()
    yield figure("one checkpoint", [1000 * each for each in saves], "{:.0f} ms")
    share = 100 * sum(saves) / run.progress.elapsed_seconds
    basis = f"{len(saves)} in a run of 2 epochs, {seconds:.0f} s"
    yield Figure("checkpoints, share of the training time", f"{share:.2f} %", "< 2 %", basis)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    os.environ["MNIST_DATA_DIR"] = str(data_dir())
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("No Chromium or Chrome on the PATH.")
    random.seed(1)
    print_head()
    with served.server() as on, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=BROWSER_FLAGS).new_page()
        run = on.store.commands.create_run(TrainConfig(epochs=50))
        wheel = Wheel(on.store, run.id)
        seconds_until(lambda: wheel.run().progress.step)
        page.goto(on.address)
        page.get_by_role("button", name="Pause").wait_for()
        for rows in (
            from_another_process(wheel, rounds),
            from_a_terminal(wheel),
            from_the_page(wheel, page, rounds),
            after_a_kill(on.store, wheel, page, rounds // 2),
        ):
            for row in rows:
                print_row(row)
        served.end_run(on.store)
    for row in checkpoints():
        print_row(row)


if __name__ == "__main__":
    main()

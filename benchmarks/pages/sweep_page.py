"""Measure the Sweep page of a search with 1,000 trials, in a real browser. Prints one table.

    .venv/bin/python benchmarks/pages/sweep_page.py [--trials 1000] [--changes 200]

Needs Chromium or Chrome. Writes the trials into the store as controller and trainers would, with made-up results, so
that nothing trains meanwhile.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.browser import launch_browser  # noqa: E402
from benchmarks.lib.server import Server, running_server  # noqa: E402
from mnist_core.records import EvalMetrics, Progress, Run, RunStatus, Sweep, TrialRole, TrialStatus  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.sweeps.space import Range, Values  # noqa: E402
from mnist_core.sweeps.spec import SweepSpec  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402

EVALUATIONS = 6
"""Evaluations of each trial on validation."""

STEPS = 100
"""Steps from one evaluation to the next."""

ROUNDS = 7
"""How often the page is opened."""

NO_CONFUSION = tuple((0,) * 10 for _ in range(10))
STRIP = "[aria-label='Search status']"
LEADER = ".mt-board-leaders tbody tr[data-best]"


def begin_trial(store: RunStore, sweep: Sweep, spec: SweepSpec, chance: random.Random) -> tuple[int, Run]:
    """Add a trial with random values, and its run; returns its number and the run."""
    values = {"lr": 10 ** chance.uniform(-3, 0), "momentum": chance.uniform(0, 0.95), "batch_size": 32}
    trial = store.sweeps.add_trial(sweep, TrialRole.SEARCH, values, {})
    run = store.sweeps.begin_run(
        sweep.id,
        trial.number,
        attempt=sweep.attempt,
        config=spec.config(values),
        trainer=own_identity(),
        name=f"{sweep.name} trial {trial.number}",
    )
    assert run
    return trial.number, run


def evaluate(store: RunStore, run: Run, step: int, accuracy: float) -> None:
    """Record one evaluation of a run on 6,000 validation images."""
    predictions = np.zeros(6_000, np.uint8)
    measured = EvalMetrics(step, 1, "validation", 1 - accuracy, accuracy, NO_CONFUSION, predictions, step / 100)
    store.trainer_writes.append_steps(run, Progress(step=step), [], [measured])


def fill(store: RunStore, sweep: Sweep, spec: SweepSpec, trials: int, chance: random.Random) -> None:
    """Write this many ended trials, a third of them pruned."""
    by_number = {}
    for _ in range(trials):
        number, run = begin_trial(store, sweep, spec, chance)
        final = 1 - 10 ** chance.uniform(-2, -0.1)
        is_pruned = number % 3 == 0
        for index in range(1, 2 if is_pruned else EVALUATIONS + 1):
            evaluate(store, run, STEPS * index, final * (1 - 0.5**index))
        store.trainer_writes.finish_run(run, RunStatus.STOPPED if is_pruned else RunStatus.COMPLETED)
        by_number[number] = TrialStatus.PRUNED if is_pruned else TrialStatus.COMPLETED, final
    for trial in store.sweeps.list_trials(sweep.id):
        status, value = by_number[trial.number]
        store.sweeps.end_trial(sweep, trial, status, value=None if status is TrialStatus.PRUNED else value)


def print_row(name: str, aim: str, measured: str) -> None:
    print(f"{name:<60} {aim:<8} {measured}".rstrip(), flush=True)


def seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s ({max(values):.2f} s), {len(values)} times"


def heap(page: Page) -> float:
    """Return the memory of the page's scripts after a garbage collection, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: float = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used / 1e6


def measure_opening(page: Page, server: Server) -> None:
    reloads, visits, strips = [], [], []
    for _ in range(ROUNDS):
        page.goto(f"{server.address}/")
        page.get_by_text("Start training").first.wait_for()
        page.wait_for_timeout(1000)  # a person does not click before the page is quiet
        began = time.perf_counter()
        page.get_by_role("link", name="Sweep").click()
        page.wait_for_selector(STRIP)
        strips.append(time.perf_counter() - began)
        page.wait_for_selector(LEADER)
        visits.append(time.perf_counter() - began)
        began = time.perf_counter()
        page.goto(f"{server.address}/sweep?sweep=1")
        page.wait_for_selector(LEADER)
        reloads.append(time.perf_counter() - began)
    print_row("leaderboard shown after a click on Sweep", "1 s", seconds(visits))
    print_row("  its strip, which Python draws", "", seconds(strips))
    print_row("leaderboard shown after a reload", "", seconds(reloads))


def measure_changes(page: Page, server: Server, sweep: Sweep, spec: SweepSpec, changes: int) -> None:
    store, chance = server.store, random.Random(2)
    number, run = begin_trial(store, sweep, spec, chance)
    row = page.locator(".mt-board-leaders tbody tr", has=page.locator(f"[aria-label^='Trial {number},']"))
    row.wait_for()
    cpu, before, rss = server.cpu_seconds(), heap(page), server.process.memory_info().rss
    began_all, delays = time.perf_counter(), []
    for change in range(1, changes + 1):
        accuracy = round(0.5 + 0.4 * change / changes, 4)
        began = time.perf_counter()
        evaluate(store, run, change, accuracy)
        row.get_by_text(f"{100 * accuracy:.2f}", exact=False).wait_for()
        delays.append(time.perf_counter() - began)
    elapsed = time.perf_counter() - began_all
    print_row("evaluation shown after its commit", "", seconds(delays))
    print_row("  time between two changes on the page", "0.5 s", f"{elapsed / changes:.2f} s")
    print_row("  the server's share of a core meanwhile", "", f"{100 * (server.cpu_seconds() - cpu) / elapsed:.0f} %")
    print_row(f"memory of the page's scripts, {changes} changes later", "flat", f"{before:.1f} to {heap(page):.1f} MB")
    now = server.process.memory_info().rss
    print_row(f"memory of the server, {changes} changes later", "flat", f"{rss / 1e6:.0f} to {now / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=200, help="evaluations that are shown one after the other")
    options = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "playwright"))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}\n")
    parameters = (Range("lr", 0.001, 1, log=True), Range("momentum", 0, 0.95), Values("batch_size", (32, 64)))
    spec = SweepSpec(parameters=parameters, trials=2 * options.trials)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = RunStore.open(Path(folder))
        sweep = store.sweeps.claim_sweep(store.sweeps.create_sweep(spec.to_json()).id, own_identity())
        fill(store, sweep, spec, options.trials, random.Random(1))
        store.close()
        with running_server(Path(folder)) as server:
            browser = launch_browser(playwright)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            print_row(f"{options.trials:,} trials, median (slowest)", "aim", "measured")
            measure_opening(page, server)
            measure_changes(page, server, sweep, spec, options.changes)
            browser.close()


if __name__ == "__main__":
    main()

"""Measure what many viewers cost training and the server, and how long a batch takes to reach each of them.

    MNIST_DATA_DIR=... python benchmarks/viewers.py [--only speed,cpu,delay,join,churn] [--browsers 2] [--minutes 15]

Prints one table. The viewers are clients of the live feed in one process, `lib/clients/viewer_process.py`. See
`README.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the root of the repository, as with `python -m`

from benchmarks.lib.batch_latency import delays, format_percentiles, timed_trainer  # noqa: E402
from benchmarks.lib.browser import LOWEST_PRIORITY, launch_browser, lower_browser_priority  # noqa: E402
from benchmarks.lib.clients.viewer_process import Crowd  # noqa: E402
from benchmarks.lib.measure import (  # noqa: E402
    Figure,
    classic_config,
    measure_in_turns,
    median_figure,
    print_head,
    print_row,
    ratios,
)
from benchmarks.lib.server import Server, memory_gigabytes, stop_latest_run, warm_server  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import Run, RunStatus  # noqa: E402
from mnist_core.system.paths import ROOT, data_dir  # noqa: E402

CLASS_SIZE = 50
MAX_VIEWERS = 200
JOIN_SECONDS = 10.0
POLL_SECONDS = 0.1
MEMORY_INTERVAL_SECONDS = 2.0
STEPS_BEFORE_JOINING = 500
SETTLING_SHARE = 0.25
"""Share of the churn that the slope leaves out: until then the allocator fills its pools."""


class CrowdProcess:
    """A process with viewers of one run, who stay until `leave()`. Creating it waits until all have joined."""

    def __init__(self, server: Server, run_id: int, viewers: int, **options: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.lib.clients.viewer_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        crowd = Crowd(int(server.address.rpartition(":")[2]), run_id, viewers, **options)
        self._process.stdin.write(json.dumps(asdict(crowd)) + "\n")
        self._process.stdin.flush()
        self.join_seconds: list[float] = json.loads(self._process.stdout.readline())["joined"]
        """Seconds until each viewer had the history of the run; NaN if it failed."""

    def leave(self) -> dict[str, Any]:
        """End the process; returns the `errors`, and for each viewer the steps that `arrived`."""
        report: dict[str, Any] = json.loads(self._process.communicate()[0])
        return report


@contextmanager
def browser_pages(count: int) -> Iterator[list[Page]]:
    """Open pages of a real browser."""
    if not count:
        yield []
        return
    with sync_playwright() as playwright:
        browser = launch_browser(playwright)
        yield [browser.new_page() for _ in range(count)]
        browser.close()


def open_in_all(pages: list[Page], url: str) -> None:
    """Open a URL in all pages, at the lowest priority, like browsers on other machines."""
    for page in pages:
        page.goto(url, wait_until="commit")
    if pages:
        lower_browser_priority()


def wait_until_completed(server: Server, run: Run) -> Run:
    while not (run := server.store.queries.get_run(run.id)).status.is_finished:
        time.sleep(POLL_SECONDS)
    assert run.status is RunStatus.COMPLETED, run.reason
    return run


def wait_for_step(server: Server, run: Run, step: int) -> None:
    while server.store.queries.get_run(run.id).progress.step < step:
        time.sleep(POLL_SECONDS)


def speed(options: argparse.Namespace) -> Iterator[Figure]:
    """Measure the trainer's own rate, from its first batch to its last.

    Three sides: no viewers, viewers that read only after the run, and viewers that read on the same cores.
    """
    with warm_server() as server, browser_pages(options.browsers) as pages:

        def train(viewers: int, **crowd_options: Any) -> float:
            open_in_all(pages, "about:blank")
            run = server.store.commands.create_run(classic_config())
            crowd = None
            if viewers:
                crowd = CrowdProcess(server, run.id, viewers, niceness=LOWEST_PRIORITY, **crowd_options)
                open_in_all(pages, f"{server.address}/?run={run.id}")
            elapsed = server.store.queries.read_steps(wait_until_completed(server, run).id)["elapsed_seconds"]
            if crowd and (errors := crowd.leave()["errors"]):
                raise AssertionError(errors)
            return float((len(elapsed) - 1) * run.config.batch_size / (elapsed[-1] - elapsed[0]))

        sides = {
            "none": lambda: train(0),
            "elsewhere": lambda: train(CLASS_SIZE, reads_later=True),
            "same cores": lambda: train(CLASS_SIZE),
        }
        rates = measure_in_turns(sides, options.repeats)
    elsewhere, same_cores = (
        [100 * ratio for ratio in ratios(rates[side], rates["none"])] for side in ("elsewhere", "same cores")
    )
    watching = f"{CLASS_SIZE} viewers" + (f" and {options.browsers} browsers" if options.browsers else "")
    yield median_figure(f"training speed with {watching}, of that with none", elsewhere, "{:.1f} %", ">= 95 %")
    yield median_figure("  with viewers that read on the same cores", same_cores, "{:.1f} %")
    yield median_figure("  images/s, none", rates["none"], "{:.0f}")


def cpu(options: argparse.Namespace) -> Iterator[Figure]:
    """Measure the CPU of the server's process, without its trainers, after all viewers have joined."""

    def cpu_percent(viewers: int) -> float:
        run = server.store.commands.create_run(classic_config(epochs=2))
        crowd = CrowdProcess(server, run.id, viewers, niceness=LOWEST_PRIORITY)
        wait_for_step(server, run, 1)
        cpu_before, began = server.cpu_seconds(), time.perf_counter()
        wait_until_completed(server, run)
        percent = 100 * (server.cpu_seconds() - cpu_before) / (time.perf_counter() - began)
        crowd.leave()
        return percent

    with warm_server() as server:
        sides = {"one": lambda: cpu_percent(1), "many": lambda: cpu_percent(MAX_VIEWERS)}
        percents = measure_in_turns(sides, options.repeats)
    name = f"server while a run trains, {MAX_VIEWERS} viewers, of a core"
    yield median_figure(name, percents["many"], "{:.1f} %", "<= 10 %")
    yield median_figure("  with one viewer", percents["one"], "{:.1f} %")


def delay(_options: argparse.Namespace) -> Iterator[Figure]:
    """Measure from a batch trained to its arrival at each viewer."""
    with (
        warm_server() as server,
        tempfile.TemporaryDirectory() as folder,
        timed_trainer(server.runs, Path(folder) / "trainer.json") as trainer,
    ):
        crowd = CrowdProcess(server, trainer.run_id, CLASS_SIZE)
        batch_times = dict(trainer.wait().batch_times)
        arrivals_by_viewer = crowd.leave()["arrived"]
    waits = []
    for arrivals in arrivals_by_viewer:
        first_arrival_at = arrivals[0][1]  # earlier batches were history for this viewer
        live = {step: trained_at for step, trained_at in batch_times.items() if trained_at > first_arrival_at}
        waits += delays(live, arrivals)
    name = f"batch trained to received, {CLASS_SIZE} viewers, p50 / p95"
    yield Figure(name, format_percentiles(waits), "<= 0.5 s", f"{len(waits)} batches; drawing: page.py")


def join(_options: argparse.Namespace) -> Iterator[Figure]:
    """Measure errors, waiting time and the server's memory when many viewers join a run."""
    with warm_server() as server:
        run = server.store.commands.create_run(classic_config(epochs=50))
        first_viewer = CrowdProcess(server, run.id, 1)
        wait_for_step(server, run, STEPS_BEFORE_JOINING)
        memory_before = memory_gigabytes(server.process.pid)
        crowd = CrowdProcess(server, run.id, MAX_VIEWERS, join_seconds=JOIN_SECONDS)
        memory_after = memory_gigabytes(server.process.pid)
        errors = [*crowd.leave()["errors"], *first_viewer.leave()["errors"]]
        stop_latest_run(server.store)
    waits = [seconds for seconds in crowd.join_seconds if not math.isnan(seconds)]
    yield Figure(f"errors, {MAX_VIEWERS} viewers joining a run within {JOIN_SECONDS:.0f} s", str(len(errors)), "0")
    measured = f"{statistics.median(waits):.3f} / {max(waits):.3f} s"
    yield Figure("  until a viewer has the history, median / slowest", measured)
    for kind, name, aim in (
        ("Pss", "server memory per viewer (PSS)", "< 1 MB"),
        ("Rss", "  server memory per viewer (RSS)", ""),
    ):
        megabytes = 1000 * (memory_after[kind] - memory_before[kind]) / MAX_VIEWERS
        yield Figure(name, f"{megabytes:.3f} MB", aim)


def churn(options: argparse.Namespace) -> Iterator[Figure]:
    """Measure the growth of the server's memory while viewers come and go.

    Trains the slowest network with batches of 1,024, so that the run lasts and its own curve hardly grows.
    """
    config = TrainConfig(model="example", batch_size=1024, epochs=50, validation_fraction=0, device="cpu")
    with warm_server() as server:
        run = server.store.commands.create_run(config)
        crowd = CrowdProcess(server, run.id, MAX_VIEWERS, join_seconds=JOIN_SECONDS, is_churning=True)
        began, samples = time.perf_counter(), []
        while (minutes := (time.perf_counter() - began) / 60) < options.minutes:
            samples.append((minutes, 1e6 * memory_gigabytes(server.process.pid)["Rss"]))
            time.sleep(MEMORY_INTERVAL_SECONDS)
        errors = crowd.leave()["errors"]
        stop_latest_run(server.store)
    settled = np.array([sample for sample in samples if sample[0] >= SETTLING_SHARE * options.minutes])
    slope = float(np.polyfit(settled[:, 0], settled[:, 1], 1)[0])
    basis = f"{options.minutes:g} minutes, the slope of the last {1 - SETTLING_SHARE:.0%}"
    yield Figure(
        f"growth of the server, {MAX_VIEWERS} viewers coming and going", f"{slope:+.0f} kB/minute", "flat", basis
    )
    quarters = [float(np.interp(share * options.minutes, *np.array(samples).T)) for share in (0.25, 0.5, 0.75, 1)]
    megabytes = " / ".join(f"{kilobytes / 1000:.0f}" for kilobytes in quarters)
    yield Figure("  memory (RSS) at the end of each quarter", f"{megabytes} MB")
    yield Figure("  errors", str(len(errors)), "0")


PARTS = {"speed": speed, "cpu": cpu, "delay": delay, "join": join, "churn": churn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,...", help=f"parts to measure, of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of the parts speed and cpu")
    parser.add_argument("--browsers", type=int, default=0, help="real browsers that also watch, in the part speed")
    parser.add_argument("--minutes", type=float, default=15, help="how long the churn lasts")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}. Choose from {', '.join(PARTS)}")
    os.environ["MNIST_DATA_DIR"] = str(data_dir())
    print_head()
    for name in names:
        for row in PARTS[name](options):
            print_row(row)


if __name__ == "__main__":
    main()

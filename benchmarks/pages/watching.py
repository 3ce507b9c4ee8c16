"""Measure what open pages cost while a run trains on the same cores: the browser's CPU time, and the speed of training.

    python benchmarks/pages/watching.py [--repeats 7]

One long run trains. In each round no page shows it, then one, then two; the order is reversed every second round, and
speeds are compared within a round. Trains on the dataset in `MNIST_DATA_DIR`, else on MNIST-5k. Runs go to a temporary
folder. Needs Chromium or Chrome, which draws without a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.browser import launch_browser  # noqa: E402
from benchmarks.lib.measure import (  # noqa: E402
    Figure,
    classic_config,
    measure_in_turns,
    median_figure,
    print_head,
    print_row,
    ratios,
)
from benchmarks.lib.server import Server, stop_latest_run, warm_server  # noqa: E402

MAX_PAGES = 2
SETTLING_SECONDS = 4.0
"""Time for a page to open and draw the history of the run."""

MEASURED_SECONDS = 8.0
DRAWN = "() => document.querySelectorAll('.js-plotly-plot .xtick').length > 0"


def browser_cpu_seconds() -> float:
    """Return the CPU time of all processes of the browsers that this process has started."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                total += sum(process.cpu_times()[:2])
    return total


def trained(server: Server, run_id: int) -> tuple[int, float]:
    """Return the steps of the run so far, and the seconds that it has trained."""
    progress = server.store.queries.get_run(run_id).progress
    return progress.step, progress.elapsed_seconds


def watch(server: Server, pages: list[Page], run_id: int, count: int) -> tuple[float, float]:
    """Let `count` pages show the run, the others nothing. Return steps a second, and the browser's share of a core."""
    for number, page in enumerate(pages):
        page.goto(f"{server.address}/?run={run_id}" if number < count else "about:blank")
    for page in pages[:count]:
        page.wait_for_function(DRAWN)
    pages[0].wait_for_timeout(1000 * SETTLING_SECONDS)
    cpu_before, began = browser_cpu_seconds(), time.perf_counter()
    step_before, trained_before = trained(server, run_id)
    pages[0].wait_for_timeout(1000 * MEASURED_SECONDS)
    step, seconds = trained(server, run_id)
    share = (browser_cpu_seconds() - cpu_before) / (time.perf_counter() - began)
    return (step - step_before) / (seconds - trained_before), share


def open_windows(browser: Browser) -> list[Page]:
    """Return pages in windows of their own: a page behind another one does not draw."""
    return [browser.new_context(viewport={"width": 1440, "height": 900}).new_page() for _ in range(MAX_PAGES)]


def measure(repeats: int) -> list[Figure]:
    with warm_server() as server, sync_playwright() as playwright:
        browser = launch_browser(playwright)
        pages = open_windows(browser)
        run = server.store.commands.create_run(classic_config(epochs=50))
        while not trained(server, run.id)[0]:
            time.sleep(0.1)
        sides = {str(count): partial(watch, server, pages, run.id, count) for count in range(MAX_PAGES + 1)}
        results = measure_in_turns(sides, repeats)
        stop_latest_run(server.store)
        browser.close()
    speeds = {side: [speed for speed, _ in rounds] for side, rounds in results.items()}
    idle = statistics.median(share for _, share in results["0"])
    return [
        median_figure("CPU of one page, of a core", _percent(results["1"], idle), "{:.1f} %", "<= 10 %"),
        median_figure("training speed with one page, of that with none", _ratios(speeds, "1"), "{:.1f} %", ">= 92 %"),
        median_figure("training speed with two pages, of that with none", _ratios(speeds, "2"), "{:.1f} %", ">= 85 %"),
        median_figure("  batches a second with no page", speeds["0"], "{:.1f}"),
    ]


def _percent(rounds: list[tuple[float, float]], idle: float) -> list[float]:
    return [100 * (share - idle) for _, share in rounds]


def _ratios(speeds: dict[str, list[float]], side: str) -> list[float]:
    return [100 * ratio for ratio in ratios(speeds[side], speeds["0"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="number of rounds, about 40 seconds each")
    options = parser.parse_args()
    print_head()
    for row in measure(options.repeats):
        print_row(row)


if __name__ == "__main__":
    main()

"""Measures the Runs page over a store of many runs: a real server, a real browser. Prints one table.

    .venv/bin/python benchmarks/many_runs.py --keep FOLDER
    .venv/bin/python benchmarks/compare_page.py FOLDER [--rounds 7] [--visits 200]

Needs Chromium or Chrome. `--visits 0` leaves out the memory of the server, which takes several minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import BrowserContext, Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # as `python -m` would have it

from benchmarks.page import ADDRESS, BROWSER_FLAGS, server  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402

ACTS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
FIRST_ROW = ".mt-table tbody tr[data-run]"
COLUMNS = ("Test accuracy", "Learning rate", "Name", "Duration")
OVERLAID = 10
VISITED_RUNS = 3


def row(name: str, wanted: str, seconds: list[float]) -> tuple[str, str, str]:
    return name, wanted, f"{statistics.median(seconds):.2f} s ({max(seconds):.2f} s)"


def table_seconds(page: Page, rounds: int) -> tuple[list[float], list[float]]:
    """From a click on Runs, on the open Train page, and from the address: until the first row can be seen."""
    clicked, opened = [], []
    for _ in range(rounds):
        page.goto(ADDRESS)
        page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
        page.wait_for_timeout(1000)  # as a person would: the page is quiet
        began = time.perf_counter()
        page.get_by_role("link", name="Runs").click()
        page.wait_for_selector(FIRST_ROW)
        clicked.append(time.perf_counter() - began)
        began = time.perf_counter()
        page.goto(f"{ADDRESS}/runs")
        page.wait_for_selector(FIRST_ROW)
        opened.append(time.perf_counter() - began)
    return clicked, opened


def act_seconds(page: Page, rounds: int) -> dict[str, list[float]]:
    """Charts and repaints, of other runs in every round, so that nothing was read before."""
    page.goto(f"{ADDRESS}/runs")
    page.wait_for_selector(FIRST_ROW)
    page.wait_for_timeout(3000)
    page.evaluate(ACTS)
    found: dict[str, list[float]] = {"one": [], "ten": [], "sort": [], "search": []}
    for number in range(rounds):
        page.wait_for_timeout(500)
        found["one"].append(page.evaluate("(from) => measured.overlay(from, 1)", 100 + 50 * number))
        page.wait_for_timeout(500)
        found["ten"].append(
            page.evaluate("([from, count]) => measured.overlay(from, count)", [125 + 50 * number, OVERLAID])
        )
        page.wait_for_timeout(500)
        found["sort"].append(page.evaluate("(title) => measured.sort(title)", COLUMNS[number % len(COLUMNS)]))
        page.wait_for_timeout(1000)
        found["search"].append(page.evaluate("(text) => measured.search(text)", f"search-{number + 1}"))
        page.wait_for_timeout(1000)
        page.evaluate("() => measured.search('')")
    return found


def memory_growth(browser: BrowserContext, process: psutil.Process, runs: list[int], visits: int) -> tuple[float, str]:
    """Visit the page, each time with other runs ticked; kB that the server grows by a visit in the second half.

    In the first half its caches fill: the runs drawn last, and sessions that may yet come back (for two minutes).
    """
    choose = random.Random(1)
    megabytes = []
    for _ in range(visits):
        ticked = choose.sample(runs, VISITED_RUNS)
        page = browser.new_page()
        page.goto(f"{ADDRESS}/runs?runs={','.join(map(str, ticked))}")
        page.wait_for_selector(FIRST_ROW)
        page.wait_for_function("() => document.querySelector('.js-plotly-plot .scatterlayer path.js-line')")
        page.close()
        megabytes.append(process.memory_info().rss / 1e6)
    late = np.array(megabytes[visits // 2 :])
    slope = float(np.polyfit(np.arange(len(late)), late, 1)[0]) * 1000
    return slope, f"{megabytes[0]:.0f}, {megabytes[visits // 2]:.0f}, {megabytes[-1]:.0f} MB"


def measure(folder: Path, rounds: int, visits: int, out: Callable[[str, str, str], None]) -> None:
    store = RunStore.open(folder)
    runs = [run.id for run in store.queries.list_runs()]
    store.close()
    out(f"{len(runs):,} runs, median of {rounds} (slowest)", "wanted", "measured")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright, server(folder) as (process, _):
        launched = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        browser = launched.new_context(viewport={"width": 1440, "height": 900})
        if rounds:
            page = browser.new_page()
            page.goto(ADDRESS)
            page.wait_for_timeout(8000)  # a warm server: the trainer host has torch imported
            clicked, opened = table_seconds(page, rounds)
            acts = act_seconds(page, rounds)
            out(*row("table to be seen, from a click on Runs", "1 s", clicked))
            out(*row("  from its address, the whole page loaded", "", opened))
            out(*row("one run ticked to its curves drawn", "0.3 s", acts["one"]))
            out(*row(f"{OVERLAID} runs ticked at once to all curves drawn", "1 s", acts["ten"]))
            out(*row("sorted by a column, repainted", "0.2 s", acts["sort"]))
            out(*row("filtered by a word, repainted", "0.2 s", acts["search"]))
        if visits:
            slope, sizes = memory_growth(browser, process, runs, visits)
            out(f"server memory over {visits} visits, growth in the second half", "flat", f"{slope:+.0f} kB a visit")
            out("  at the first, the middle and the last visit", "", sizes)
        launched.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a runs folder, as many_runs.py --keep leaves it")
    parser.add_argument("--rounds", type=int, default=7, help="how often each act is timed; 0 leaves them out")
    parser.add_argument("--visits", type=int, default=200, help="of the page, while the server's memory is watched")
    options = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "plotly"))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}\n")

    def out(name: str, wanted: str, measured: str) -> None:
        print(f"{name:<60} {wanted:<8} {measured}".rstrip(), flush=True)

    measure(options.folder, options.rounds, options.visits, out)


if __name__ == "__main__":
    main()

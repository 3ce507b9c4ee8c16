"""Measure the Runs page with a store of many runs, in a real browser. Prints one table.

    .venv/bin/python benchmarks/many_runs.py --keep FOLDER
    .venv/bin/python benchmarks/pages/compare_page.py FOLDER [--rounds 7] [--visits 200]

For 10,000 runs: `many_runs.py --runs 10000 --steps 200 --keep FOLDER`, which takes two minutes.

Needs Chromium or Chrome. `--visits 0` leaves out the memory of the server, which takes several minutes.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import random
import statistics
import sys
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

import numpy as np
from playwright.sync_api import BrowserContext, Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.browser import launch_browser  # noqa: E402
from benchmarks.lib.server import Server, running_server  # noqa: E402

PAGE_ACTIONS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
FIRST_ROW = ".mt-table tbody tr[data-run]"
SORT_COLUMNS = ("Test accuracy", "Learning rate", "Name", "Duration")
FIRST_ROW_NUMBER = 100
ROWS_PER_ROUND = 50
"""Each round selects runs from its own part of the table, so that no curve is cached."""

OVERLAY_RUNS = 10
"""Number of runs whose curves are drawn at once."""

RUNS_PER_VISIT = 3
"""Number of runs that a visit selects while the server's memory is measured."""


def print_row(name: str, aim: str, measured: str) -> None:
    print(f"{name:<60} {aim:<8} {measured}".rstrip(), flush=True)


def print_seconds(name: str, aim: str, seconds: list[float]) -> None:
    print_row(name, aim, f"{statistics.median(seconds):.2f} s ({max(seconds):.2f} s)")


def table_seconds(page: Page, address: str, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds until the first row is visible: after a click on Runs, and after opening the page's URL."""
    after_click, after_opening = [], []
    for _ in range(rounds):
        page.goto(address)
        page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
        page.wait_for_timeout(1000)  # a person does not click before the page is quiet
        began = time.perf_counter()
        page.get_by_role("link", name="Runs").click()
        page.wait_for_selector(FIRST_ROW)
        after_click.append(time.perf_counter() - began)
        began = time.perf_counter()
        page.goto(f"{address}/runs")
        page.wait_for_selector(FIRST_ROW)
        after_opening.append(time.perf_counter() - began)
    return after_click, after_opening


def action_seconds(page: Page, address: str, rounds: int) -> dict[str, list[float]]:
    """Time each action once a round."""
    page.goto(f"{address}/runs")
    page.wait_for_selector(FIRST_ROW)
    page.wait_for_timeout(3000)
    page.evaluate(PAGE_ACTIONS)
    seconds: dict[str, list[float]] = {"overlay one": [], "overlay ten": [], "sort": [], "search": []}
    overlay = "([from, count]) => runsPage.overlay(from, count)"
    for number in range(rounds):
        row = FIRST_ROW_NUMBER + ROWS_PER_ROUND * number
        page.wait_for_timeout(500)
        seconds["overlay one"].append(page.evaluate(overlay, [row, 1]))
        page.wait_for_timeout(500)
        seconds["overlay ten"].append(page.evaluate(overlay, [row + ROWS_PER_ROUND // 2, OVERLAY_RUNS]))
        page.wait_for_timeout(500)
        title = SORT_COLUMNS[number % len(SORT_COLUMNS)]
        seconds["sort"].append(page.evaluate("(title) => runsPage.sort(title)", title))
        page.wait_for_timeout(1000)
        seconds["search"].append(page.evaluate("(text) => runsPage.search(text)", f"search-{number + 1}"))
        page.wait_for_timeout(1000)
        page.evaluate("() => runsPage.search('')")
    return seconds


def memory_growth(context: BrowserContext, server: Server, run_ids: list[int], visits: int) -> tuple[float, str]:
    """Visit the page, each time with other runs selected.

    Returns how many kB the server grows per visit in the second half, and its memory at the first, the middle and the
    last visit. During the first half its caches fill: runs drawn recently, and sessions that may come back.
    """
    chooser = random.Random(1)
    megabytes = []
    for _ in range(visits):
        selected = chooser.sample(run_ids, RUNS_PER_VISIT)
        page = context.new_page()
        page.goto(f"{server.address}/runs?runs={','.join(map(str, selected))}")
        page.wait_for_selector(FIRST_ROW)
        page.wait_for_function("() => document.querySelector('.js-plotly-plot .scatterlayer path.js-line')")
        page.close()
        megabytes.append(server.process.memory_info().rss / 1e6)
    second_half = np.array(megabytes[visits // 2 :])
    slope = float(np.polyfit(np.arange(len(second_half)), second_half, 1)[0]) * 1000
    return slope, f"{megabytes[0]:.0f}, {megabytes[visits // 2]:.0f}, {megabytes[-1]:.0f} MB"


def hyperparameter_seconds(context: BrowserContext, address: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds from opening the Hyperparameters view until its lines, and its importances, are on screen."""
    waits = {"lines": ".mt-parallel-lines polyline", "importance": "text=The settings explain"}
    seconds: dict[str, list[float]] = {name: [] for name in waits}
    for _ in range(rounds):
        page = context.new_page()
        began = time.perf_counter()
        page.goto(f"{address}/runs?show=Hyperparameters")
        for name, selector in waits.items():
            page.locator(selector).first.wait_for(state="attached")
            seconds[name].append(time.perf_counter() - began)
        page.close()
    return seconds


def list_bytes(address: str) -> str:
    """Return the bytes of the list of all runs, as sent and as read."""
    with urllib.request.urlopen(f"{address}/runs.json") as response:
        sent: bytes = response.read()
    return f"{len(sent) / 1e6:.2f} MB, {len(gzip.decompress(sent)) / 1e6:.1f} MB"


def measure(folder: Path, rounds: int, visits: int) -> None:
    with sync_playwright() as playwright, running_server(folder) as server:
        run_ids = [run.id for run in server.store.queries.list_runs()]
        needed = FIRST_ROW_NUMBER + ROWS_PER_ROUND * (rounds + 1)
        if rounds and len(run_ids) < needed:
            raise SystemExit(f"{rounds} rounds need a folder with at least {needed} runs, and it has {len(run_ids)}.")
        print_row(f"{len(run_ids):,} runs, median of {rounds} (slowest)", "aim", "measured")
        browser = launch_browser(playwright)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        if rounds:
            page = context.new_page()
            page.goto(server.address)
            page.wait_for_timeout(8000)  # lets the fork server import torch
            after_click, after_opening = table_seconds(page, server.address, rounds)
            actions = action_seconds(page, server.address, rounds)
            print_seconds("table visible, after a click on Runs", "1 s", after_click)
            print_seconds("  after opening its URL, the whole page loaded", "", after_opening)
            print_seconds("curves drawn, after selecting one run", "0.3 s", actions["overlay one"])
            print_seconds(f"curves drawn, after selecting {OVERLAY_RUNS} runs", "1 s", actions["overlay ten"])
            print_seconds("table repainted, after sorting by a column", "0.2 s", actions["sort"])
            print_seconds("table repainted, after filtering by a word", "0.2 s", actions["search"])
        if rounds:
            opened = hyperparameter_seconds(context, server.address, rounds)
            print_seconds("Hyperparameters drawn, after opening its URL", "2 s", opened["lines"])
            print_seconds("  with the importance of settings", "", opened["importance"])
            print_row("list of all runs, compressed and whole", "", list_bytes(server.address))
            print_row("memory of the server", "300 MB", f"{server.process.memory_info().rss / 1e6:.0f} MB")
        if visits:
            slope, sizes = memory_growth(context, server, run_ids, visits)
            name = f"growth of the server's memory, second half of {visits} visits"
            print_row(name, "flat", f"{slope:+.0f} kB a visit")
            print_row("  at the first, the middle and the last visit", "", sizes)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a runs folder made by many_runs.py --keep")
    parser.add_argument("--rounds", type=int, default=7, help="how often each action is timed; 0 leaves them out")
    parser.add_argument("--visits", type=int, default=200, help="visits while the server's memory is measured")
    options = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "plotly"))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}\n")
    measure(options.folder, options.rounds, options.visits)


if __name__ == "__main__":
    main()

"""Measure the view Mistakes of a run on MNIST, in a real browser. Prints one table.

    MNIST_DATA_DIR=data .venv/bin/python benchmarks/pages/mistakes_page.py [--rounds 15]

Needs Chromium or Chrome. First trains a small network for three epochs, as the view treats
the answers of all networks alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.browser import launch_browser  # noqa: E402
from benchmarks.lib.server import running_server  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402

SEED = 1

PAGE_ACTIONS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
TIME_ACTION = "([selector, key]) => mistakesPage.timeAction(selector, key)"

THUMBS = ".mt-gallery .mt-thumb:not([hidden]) canvas[width]"


def print_row(name: str, aim: str, measured: str) -> None:
    print(f"{name:<60} {aim:<8} {measured}".rstrip(), flush=True)


def print_seconds(name: str, aim: str, seconds: list[float | None]) -> None:
    known = [value for value in seconds if value is not None]
    print_row(name, aim, f"{statistics.median(known):.3f} s ({max(known):.3f} s), {len(known)} times")


def measure(page: Page, address: str, run: int, rounds: int) -> None:
    page.goto(f"{address}/?run={run}&view=mistakes")
    page.wait_for_selector(THUMBS)
    page.wait_for_timeout(4000)  # a person does not click before the page is quiet
    page.evaluate(PAGE_ACTIONS)
    cells = [
        f"[data-cell='{label}{predicted}']" for label in range(10) for predicted in range(10) if label != predicted
    ]
    print_row(f"median of {rounds} (slowest)", "aim", "measured")
    gallery = [page.evaluate(TIME_ACTION, [f".mt-mistakes-matrix {cell}", ""]) for cell in cells[:: 90 // rounds]]
    print_seconds("images of another cell drawn", "0.3 s", gallery)
    page.locator("select.mt-choice").select_option("")
    page.wait_for_timeout(1000)
    pages = [page.evaluate(TIME_ACTION, [".mt-pager:last-child", ""]) for _ in range(rounds)]
    print_seconds("next page of all mistakes drawn", "0.3 s", pages)
    steps = []
    for _ in range(rounds):
        at_start = page.locator(".mt-scrub-track").get_attribute("aria-valuenow") == "1"
        steps.append(page.evaluate(TIME_ACTION, [".mt-scrub-track", "End" if at_start else "ArrowLeft"]))
    print_seconds("matrix and images of another evaluation drawn", "0.2 s", steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="how often each action is timed, at most 90")
    rounds = parser.parse_args().rounds
    packages = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "torch"))
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}, seed {SEED}\n"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        running_server(Path(folder)) as server,
    ):
        run = server.store.commands.create_run(TrainConfig(model="softmax", epochs=3, seed=SEED))
        browser = launch_browser(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{server.address}/?run={run.id}")
        page.get_by_text("Finished", exact=True).wait_for(timeout=300_000)
        measure(page, server.address, run.id, rounds)
        browser.close()


if __name__ == "__main__":
    main()

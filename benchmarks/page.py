"""Measures the page as a person meets it: a real server, a real browser, a real run. Prints one table.

    python benchmarks/page.py [--clicks 9] [--epochs 1]

Trains on what `MNIST_DATA_DIR` holds, else on MNIST-5k. Runs go to a temporary folder. Needs Chromium or Chrome.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "http://localhost:8671"
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HAS_POINTS = "() => document.querySelector('.js-plotly-plot')?.data?.some((trace) => trace.x?.length > 0)"
POINTS_OF_RUN = """(revision) => {
  const chart = document.querySelector('.js-plotly-plot');
  return chart?.layout?.uirevision === revision && chart.data.some((trace) => trace.x?.length > 0);
}"""
WATCH_CHART = """() => {
  window.drawn = [];
  const chart = document.querySelector('.js-plotly-plot');
  window.chart = chart;
  chart.on('plotly_afterplot', () => {
    const steps = chart.data.map((trace) => trace.x?.at(-1) ?? 0);
    window.drawn.push([Math.max(0, ...steps), Date.now() / 1000]);
  });
}"""

LOWEST_PRIORITY = 19
"""See nice(1)."""


def have_browsers_yield() -> None:
    """Have the browsers that this process started leave the cores to others, as those on other machines do.

    Every thread of theirs: on Linux each has a priority of its own.
    """
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):  # each page has processes that come and go
            for thread in process.threads() if "chrom" in process.name() else []:
                os.setpriority(os.PRIO_PROCESS, thread.id, LOWEST_PRIORITY)


@contextmanager
def server(runs: Path) -> Iterator[tuple[psutil.Process, float]]:
    """The README's command; yields the process and the seconds until it answered."""
    began = time.perf_counter()
    streamlit = Path(sys.executable).with_name("streamlit")
    command = [
        str(streamlit),
        "run",
        "app.py",
        "--server.port",
        ADDRESS.rpartition(":")[2],
        "--server.headless",
        "true",
    ]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "MNIST_RUNS_DIR": str(runs)}, stdout=subprocess.DEVNULL
    ) as process:
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{ADDRESS}/_stcore/health", timeout=1):
                break
            time.sleep(0.02)
        try:
            yield psutil.Process(process.pid), time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGINT)


def open_page(browser: Browser | Any, path: str = "/") -> tuple[Page, float]:
    """A page, and the seconds until its charts are drawn and Start can be pressed."""
    page = browser.new_page()
    began = time.perf_counter()
    page.goto(ADDRESS + path)
    page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
    page.get_by_role("button", name="Start training").or_(page.get_by_role("button", name="Add to queue")).wait_for()
    return page, time.perf_counter() - began


def click_to_first_point(page: Page, run: int) -> float:
    """Start run number `run`, wait for its first point, stop it."""
    page.goto(ADDRESS)
    page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
    page.get_by_role("button", name="Start training").wait_for()
    began = time.perf_counter()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_function(POINTS_OF_RUN, arg=f"run-{run}", polling=10)
    seconds = time.perf_counter() - began
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Train again").wait_for()
    return seconds


def train_here(path: Path, epochs: int) -> None:
    """The body of `--trainer`: train through the worker, noting when each batch was done."""
    from mnist_core.config import TrainConfig
    from mnist_core.records import Event
    from mnist_core.store import RunStore
    from mnist_core.system.paths import runs_dir
    from mnist_core.system.processes import own_identity
    from mnist_core.trainer.worker import train_run

    store = RunStore.open(runs_dir())
    run = store.commands.create_run(TrainConfig(epochs=epochs, validation_fraction=0), trainer=own_identity())
    path.with_suffix(".run").write_text(str(run.id))
    done: list[tuple[int, float]] = []

    def note(event: Event) -> None:
        done.append((event.step, time.time()))

    ended = train_run(store, run, note)
    path.write_text(json.dumps({"done": done, "test_accuracy": ended.results.test_accuracy, "dataset": ended.dataset}))


def listen(run: int, arrived: list[tuple[int, float]]) -> None:
    """Follow the feed as a second, browserless viewer: when did each step arrive?"""
    with urllib.request.urlopen(f"{ADDRESS}/live?runs={run}&smoothing=0.9") as stream:
        for line in stream:
            if line.startswith(b'data: {"run":') and b'"first":' in line:
                steps = json.loads(line[6:])
                arrived.append((steps["first"] + len(steps["loss"]) - 1, time.time()))


def delays(done: dict[int, float], seen: list[tuple[int, float]]) -> list[float]:
    """For every step, the seconds from trained to first seen."""
    result, position = [], 0
    for step in sorted(done):
        while position < len(seen) and seen[position][0] < step:
            position += 1
        if position < len(seen):
            result.append(seen[position][1] - done[step])
    return result


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def watch_a_run(browser: Any, process: psutil.Process, runs: Path, epochs: int) -> list[tuple[str, str]]:
    """Train in a process of its own while a browser watches."""
    path = runs / "trainer.json"
    command = [sys.executable, str(Path(__file__)), "--trainer", str(path), "--epochs", str(epochs)]
    environment = {**os.environ, "MNIST_RUNS_DIR": str(runs), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as trainer:
        while not path.with_suffix(".run").exists():
            time.sleep(0.02)
        run = int(path.with_suffix(".run").read_text())
        arrived: list[tuple[int, float]] = []
        threading.Thread(target=listen, args=(run, arrived), daemon=True).start()
        page, _ = open_page(browser, f"/?run={run}")
        page.evaluate(WATCH_CHART)
        page.wait_for_function(HAS_POINTS)
        cpu, began = sum(process.cpu_times()[:2]), time.perf_counter()
        trainer.wait()
        share = (sum(process.cpu_times()[:2]) - cpu) / (time.perf_counter() - began)
        page.get_by_text("Finished").first.wait_for()
    report = json.loads(path.read_text())
    drawn = [tuple(pair) for pair in page.evaluate("() => window.drawn")]
    same = page.evaluate("() => window.chart === document.querySelector('.js-plotly-plot')")
    first = drawn[1][1]
    done = {step: at for step, at in report["done"] if at > first}
    to_feed, to_screen = delays(done, arrived), delays(done, drawn)
    page.close()
    return [
        ("batch trained to received by a viewer, p50 / p95", pair(to_feed)),
        ("batch trained to drawn on screen, p50 / p95", pair(to_screen)),
        ("  of which drawing, p50", f"{statistics.median(to_screen) - statistics.median(to_feed):.3f} s"),
        ("the chart's DOM node is the same over the run", "yes" if same else "NO"),
        ("frames without a curve, once it has begun", str(blank_frames(drawn))),
        ("frames drawn a second", f"{len(drawn) / (drawn[-1][1] - drawn[0][1]):.1f}"),
        ("server CPU while a run trains, 1 page + 1 feed client", f"{100 * share:.1f} % of a core"),
        (f"test accuracy, {report['dataset']}, {epochs} epoch(s), classic settings", f"{report['test_accuracy']:.4f}"),
    ]


def blank_frames(drawn: list[tuple[int, float]]) -> int:
    steps = [step for step, _ in drawn]
    return steps.count(0) - next(index for index, step in enumerate(steps) if step)


def pair(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} / {percentile(values, 0.95):.3f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=9, help="how many times Start is pressed")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of the run that is watched")
    parser.add_argument("--trainer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trainer:
        train_here(options.trainer, options.epochs)
        return
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        server(Path(folder)) as (process, ready),
    ):
        launched = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        browser = launched.new_context(viewport={"width": 1440, "height": 900})
        page, first_opening = open_page(browser)
        page.close()
        next_openings = []
        for _ in range(3):
            page, seconds = open_page(browser)
            next_openings.append(seconds)
            page.close()
        time.sleep(5)  # the trainer host has torch imported: a warm server
        page, _ = open_page(browser)
        clicks = [click_to_first_point(page, run) for run in range(1, options.clicks + 1)]
        page.close()
        rows = [
            ("server ready, from the command", f"{ready:.2f} s"),
            ("page usable, first opening", f"{first_opening:.2f} s"),
            ("page usable, next openings, median of 3", f"{statistics.median(next_openings):.2f} s"),
            (
                f"click to first point, median of {len(clicks)} (slowest)",
                f"{statistics.median(clicks):.2f} s ({max(clicks):.2f})",
            ),
            *watch_a_run(browser, process, Path(folder), options.epochs),
        ]
        launched.close()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "streamlit", "plotly"))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}, seed 1")
    for label, value in rows:
        print(f"{label:<56} {value}")


if __name__ == "__main__":
    main()

"""Measure the page as a user meets it: a real server, a real browser, a real run. Prints one table.

    python benchmarks/pages/page.py [--clicks 9] [--epochs 1]

Trains on the dataset in `MNIST_DATA_DIR`, else on MNIST-5k. Runs go to a temporary folder. Needs Chromium or Chrome.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.batch_latency import delays, format_percentiles, timed_trainer  # noqa: E402
from benchmarks.lib.browser import open_profile  # noqa: E402
from benchmarks.lib.server import Server, running_server  # noqa: E402

OPENINGS = 9
HAS_POINTS = "() => document.querySelector('.js-plotly-plot')?.data?.some((trace) => trace.x?.length > 0)"
RUN_HAS_POINTS = """(revision) => {
  const chart = document.querySelector('.js-plotly-plot');
  return chart?.layout?.uirevision === revision && chart.data.some((trace) => trace.x?.length > 0);
}"""
RECORD_FRAMES = """() => {
  window.frames = [];
  const chart = document.querySelector('.js-plotly-plot');
  window.chart = chart;
  new MutationObserver(() => {
    const steps = chart.data.map((trace) => trace.x?.at(-1) ?? 0);
    window.frames.push([Math.max(0, ...steps), Date.now() / 1000]);
  }).observe(chart, { subtree: true, attributeFilter: ['d'] });
}"""
"""Records the last visible step and the Unix time of each frame of the loss chart."""


def open_page(browser: BrowserContext, url: str) -> tuple[Page, float]:
    """Open a page; returns it and the seconds until its charts are drawn and its button can be pressed."""
    page = browser.new_page()
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
    page.get_by_role("button", name="Start training").or_(page.get_by_role("button", name="Add to queue")).wait_for()
    return page, time.perf_counter() - began


def click_to_first_point(page: Page, address: str, run_id: int) -> float:
    """Start the next run, which gets the number `run_id`, wait for its first point, and stop it."""
    page.goto(address)
    page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
    page.get_by_role("button", name="Start training").wait_for()
    began = time.perf_counter()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_function(RUN_HAS_POINTS, arg=f"run-{run_id}", polling=10)
    seconds = time.perf_counter() - began
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Train again").wait_for()
    return seconds


def record_arrivals(address: str, run_id: int, arrivals: list[tuple[int, float]]) -> None:
    """Follow the live feed as a viewer without a browser; notes the last step of each event and its Unix time."""
    with urllib.request.urlopen(f"{address}/live?runs={run_id}&smoothing=0.9") as stream:
        for line in stream:
            if line.startswith(b'data: {"run":') and b'"first":' in line:
                event = json.loads(line[6:])
                arrivals.append((event["first"] + len(event["loss"]) - 1, time.time()))


def watch_a_run(browser: BrowserContext, server: Server, epochs: int) -> list[tuple[str, str]]:
    """Train in a process of its own while a browser and a second viewer watch."""
    arrivals: list[tuple[int, float]] = []
    with timed_trainer(server.runs, server.runs / "trainer.json", epochs) as trainer:
        listener = threading.Thread(
            target=record_arrivals, args=(server.address, trainer.run_id, arrivals), daemon=True
        )
        listener.start()
        page, _ = open_page(browser, f"{server.address}/?run={trainer.run_id}")
        page.evaluate(RECORD_FRAMES)
        page.wait_for_function(HAS_POINTS)
        cpu_before, began = server.cpu_seconds(), time.perf_counter()
        report = trainer.wait()
        cpu_share = (server.cpu_seconds() - cpu_before) / (time.perf_counter() - began)
        page.get_by_text("Finished").first.wait_for()
    frames = [tuple(frame) for frame in page.evaluate("() => window.frames")]
    is_same_node = page.evaluate("() => window.chart === document.querySelector('.js-plotly-plot')")
    page.close()
    first_frame_at = frames[1][1]
    trained = {step: trained_at for step, trained_at in report.batch_times if trained_at > first_frame_at}
    to_viewer, to_screen = delays(trained, arrivals), delays(trained, frames)
    drawing = statistics.median(to_screen) - statistics.median(to_viewer)
    return [
        ("batch trained to received by a viewer, p50 / p95", format_percentiles(to_viewer)),
        ("batch trained to drawn on screen, p50 / p95", format_percentiles(to_screen)),
        ("  of which drawing, p50", f"{drawing:.3f} s"),
        ("the chart keeps its DOM node during the run", "yes" if is_same_node else "NO"),
        ("frames without a curve, after the first with one", str(blank_frames(frames))),
        ("frames drawn a second", f"{len(frames) / (frames[-1][1] - frames[0][1]):.1f}"),
        ("server CPU while a run trains, 1 page + 1 feed client", f"{100 * cpu_share:.1f} % of a core"),
        (f"test accuracy, {report.dataset}, {epochs} epoch(s), classic settings", f"{report.test_accuracy:.4f}"),
    ]


def blank_frames(frames: list[tuple[int, float]]) -> int:
    """Count the frames without a curve after the first frame with one."""
    steps = [step for step, _ in frames]
    return steps.count(0) - next(index for index, step in enumerate(steps) if step)


def measure(clicks: int, epochs: int) -> list[tuple[str, str]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        running_server(Path(folder)) as server,
    ):
        context = open_profile(playwright, Path(folder) / "profile")
        page, first_opening = open_page(context, server.address)
        page.close()
        time.sleep(5)  # lets the fork server import torch
        later_openings = []
        for _ in range(OPENINGS):
            page, seconds = open_page(context, server.address)
            later_openings.append(seconds)
            time.sleep(1)  # the browser stores the compiled scripts once the page is quiet
            page.close()
        page, _ = open_page(context, server.address)
        click_times = [click_to_first_point(page, server.address, run_id) for run_id in range(1, clicks + 1)]
        page.close()
        rows = [
            ("server ready, from the command", f"{server.ready_seconds:.2f} s"),
            ("page usable, first opening", f"{first_opening:.2f} s"),
            (f"page usable, later openings, median of {OPENINGS}", f"{statistics.median(later_openings):.2f} s"),
            (
                f"click to first point, median of {clicks} (slowest)",
                f"{statistics.median(click_times):.2f} s ({max(click_times):.2f})",
            ),
            *watch_a_run(context, server, epochs),
        ]
        context.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=9, help="how many times Start is pressed")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of the run that the browser watches")
    options = parser.parse_args()
    rows = measure(options.clicks, options.epochs)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "streamlit", "plotly"))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}, seed 1")
    for label, value in rows:
        print(f"{label:<56} {value}")


if __name__ == "__main__":
    main()

"""Measure a race of three lanes on MNIST with its page open: how late the page is, the lanes' shares, and the bits.

    python benchmarks/pages/race_page.py [--repeats 3] [--fraction 0.2]

Three learning rates train the classic network for two epochs on a share of MNIST, in one trainer of a server, while a
browser that was there before shows the race. The store and the page are read in turns, so times are known to about
20 ms. After each race its lanes are trained alone. Takes MNIST from `MNIST_DATA_DIR`. Needs Chromium or Chrome, which
draws without a GPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.browser import launch_browser  # noqa: E402
from benchmarks.lib.measure import Figure, classic_config, median_figure, print_head, print_row  # noqa: E402
from benchmarks.lib.server import Server, train_on_server, warm_server  # noqa: E402
from mnist_core.records import Run, RunStatus  # noqa: E402
from mnist_core.runs.races import race_name, start_race  # noqa: E402

RATES = (0.003, 0.01, 0.03)
READ = """() => ({
  name: document.querySelector('.mt-strip-name')?.textContent ?? '',
  step: Number(document.querySelectorAll('.mt-strip-value span')[0]?.textContent.replace(/\\D/g, '') || 0),
  moments: document.querySelectorAll('.mt-race-gap .mt-race-dot').length / 3,
})"""
POLL_SECONDS = 0.01


@dataclass
class Seen:
    """What one race showed."""

    steps: list[float] = field(default_factory=list)
    """Seconds from steps in the store to the page that has them."""
    moments: list[float] = field(default_factory=list)
    """Seconds from an evaluation of the last lane in the store to the page that says who leads."""
    apart: int = 0
    """Most steps between two lanes in the store."""
    shares: list[float] = field(default_factory=list)
    """Of the training time of all lanes, by lane."""
    is_same: bool = True
    """Whether lanes that train alone have the same losses to the last bit."""


def follow(server: Server, page: Page, lanes: Sequence[Run]) -> Seen:
    """Read store and page in turns until the race has ended and the page says so."""
    seen, ids = Seen(), [lane.id for lane in lanes]
    name = race_name(lanes[0].race_id or 0)
    reached: dict[int, float] = {}
    evaluated: list[float] = []
    shown_step = shown_moments = 0
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        runs = [server.store.queries.get_run(run_id) for run_id in ids]
        now = time.monotonic()
        steps = [run.progress.step for run in runs]
        reached.setdefault(max(steps), now)
        if not any(run.status.is_finished for run in runs):
            seen.apart = max(seen.apart, max(steps) - min(steps))
        counts = [len(validations(server, run_id)) for run_id in ids]
        evaluated += [now] * (min(counts) - len(evaluated))
        shown = page.evaluate(READ)
        if shown["name"] != name:
            continue  # the page has yet to move on to this race
        now = time.monotonic()
        if shown["step"] > shown_step:
            shown_step = shown["step"]
            seen.steps += [now - at for step, at in reached.items() if step <= shown_step]
            reached = {step: at for step, at in reached.items() if step > shown_step}
        moments = max(shown_moments, min(int(shown["moments"]), len(evaluated)))
        seen.moments += [now - at for at in evaluated[shown_moments:moments]]
        shown_moments = moments
        if all(run.status.is_finished for run in runs) and shown_moments == len(evaluated):
            assert all(run.status is RunStatus.COMPLETED for run in runs), [run.reason for run in runs]
            seconds = [run.progress.elapsed_seconds for run in runs]
            seen.shares = [lane / sum(seconds) for lane in seconds]
            return seen
        time.sleep(POLL_SECONDS)
    raise SystemExit("The race did not end within 15 minutes.")


def validations(server: Server, run_id: int) -> list[int]:
    heads = server.store.queries.list_stored_evaluations(run_id)
    return [head.id for head in heads if head.split == "validation"]


def losses(server: Server, run_id: int) -> list[float]:
    return list(server.store.queries.read_steps(run_id)["loss"].tolist())


def measure(repeats: int, fraction: float) -> list[Figure]:
    configs = [classic_config(lr=rate, epochs=2, train_fraction=fraction, validation_fraction=0.1) for rate in RATES]
    races: list[Seen] = []
    with warm_server() as server, sync_playwright() as playwright:
        browser = launch_browser(playwright)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        for _ in range(repeats):
            page.goto(f"{server.address}/sweep?tab=race")
            page.get_by_role("button", name="Start race").wait_for()
            lanes = start_race(server.store, configs)
            seen = follow(server, page, lanes)
            page.goto("about:blank")
            alone = train_on_server(server, *configs).runs
            by_rate = {run.config.lr: losses(server, run.id) for run in alone}
            seen.is_same = all(by_rate[lane.config.lr] == losses(server, lane.id) for lane in lanes)
            races.append(seen)
        browser.close()
    same = all(race.is_same for race in races)
    return [
        median_figure(
            "new steps on the page, seconds", [at for race in races for at in race.steps], "{:.2f}", "<= 0.5"
        ),
        median_figure(
            "who leads on the page, seconds", [at for race in races for at in race.moments], "{:.2f}", "<= 1"
        ),
        median_figure(
            "share of a lane in the training time", [s for race in races for s in race.shares], "{:.3f}", "1/3"
        ),
        Figure("most steps between two lanes in the store", str(max(race.apart for race in races))),
        Figure("three lanes and three single runs", "same bits" if same else "DIFFERENT", "same", f"{repeats} races"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="number of races")
    parser.add_argument("--fraction", type=float, default=0.2, help="share of the training images")
    options = parser.parse_args()
    print_head()
    for row in measure(options.repeats, options.fraction):
        print_row(row)


if __name__ == "__main__":
    main()

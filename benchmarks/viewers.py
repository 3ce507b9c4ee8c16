"""Measures what a class that watches costs: training, the server, and the way of a batch to each of many viewers.

    MNIST_DATA_DIR=... python benchmarks/viewers.py [--only speed,cpu,delay,join,churn] [--browsers 2] [--minutes 15]

Prints one table. The viewers are clients of the live feed in one process, `lib/viewer_process.py`. See `README.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
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

ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[0] = ROOT  # as `python -m` would have it
os.environ["PYTHONPATH"] = ROOT

from benchmarks.lib.measure import Figure, classic, figure, in_turn, print_head, print_row, ratios  # noqa: E402
from benchmarks.lib.server import Server, end_run, gigabytes, server  # noqa: E402
from benchmarks.lib.viewer_process import Order  # noqa: E402
from benchmarks.page import BROWSER_FLAGS, LOWEST_PRIORITY, delays, have_browsers_yield, pair  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import Run, RunStatus  # noqa: E402
from mnist_core.system.paths import data_dir  # noqa: E402

CLASS = 50
MANY = 200
JOINING_SECONDS = 10.0
LOOK_SECONDS = 0.1
SAMPLE_SECONDS = 2.0
STEPS_BEFORE_JOINING = 500
SETTLING = 0.25
"""Share of the churn that the slope leaves out: until then the allocator fills its pools."""


class Crowd:
    """Viewers of one run, who stay until `leave()`. Being created waits until all have joined."""

    def __init__(self, on: Server, run: Run, viewers: int, **wishes: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.lib.viewer_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        order = Order(int(on.address.rpartition(":")[2]), run.id, viewers, **wishes)
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        self.joined: list[float] = said["joined"]
        """Seconds until each had the run's history."""

    def leave(self) -> dict[str, Any]:
        """What they report: `errors`, and for each the steps that `arrived`."""
        report: dict[str, Any] = json.loads(self._process.communicate()[0])
        return report


@contextmanager
def browsers(count: int) -> Iterator[list[Any]]:
    """Pages of a real browser, which leaves the cores to the others, as one on another machine would."""
    if not count:
        yield []
        return
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield [launched.new_page() for _ in range(count)]
        launched.close()


def show(pages: list[Any], address: str) -> None:
    for page in pages:
        page.goto(address, wait_until="commit")
    if pages:
        have_browsers_yield()


def cpu_seconds(on: Server) -> float:
    return float(sum(on.process.cpu_times()[:2]))


def to_the_end(on: Server, run: Run) -> Run:
    while not (run := on.store.queries.get_run(run.id)).status.is_finished:
        time.sleep(LOOK_SECONDS)
    assert run.status is RunStatus.COMPLETED, run.reason
    return run


def steps_done(on: Server, run: Run, steps: int) -> None:
    """Wait until a run has got so far."""
    while on.store.queries.get_run(run.id).progress.step < steps:
        time.sleep(LOOK_SECONDS)


# ---------------------------------------------------------------------- what watching costs


def speed(options: argparse.Namespace) -> Iterator[Figure]:
    """The trainer's own rate, from its first batch to its last: without a class, with one that costs these cores
    nothing of its own, and with one that reads on them."""
    with server() as on, browsers(options.browsers) as pages:

        def train(viewers: int, **wishes: Any) -> float:
            show(pages, "about:blank")
            run = on.store.commands.create_run(classic())
            crowd = Crowd(on, run, viewers, niceness=LOWEST_PRIORITY, **wishes) if viewers else None
            if crowd:
                show(pages, f"{on.address}/?run={run.id}")
            elapsed = on.store.queries.read_steps(to_the_end(on, run).id)["elapsed_seconds"]
            if crowd and (errors := crowd.leave()["errors"]):
                raise AssertionError(errors)
            return float((len(elapsed) - 1) * run.config.batch_size / (elapsed[-1] - elapsed[0]))

        sides = {
            "alone": lambda: train(0),
            "apart": lambda: train(CLASS, elsewhere=True),
            "watched": lambda: train(CLASS),
        }
        rates = in_turn(sides, options.repeats)
    apart, watched = ([100 * ratio for ratio in ratios(rates[side], rates["alone"])] for side in ("apart", "watched"))
    beside = f" and {options.browsers} browsers" if options.browsers else ""
    yield figure(f"training speed with {CLASS} viewers{beside}, of that with none", apart, "{:.1f} %", ">= 95 %")
    yield figure("  with viewers that read on the same cores", watched, "{:.1f} %")
    yield figure("  images/s, none", rates["alone"], "{:.0f}")


def cpu(options: argparse.Namespace) -> Iterator[Figure]:
    """Only the server's process: its trainers are others. Joining is over before the clock starts."""

    def share(viewers: int) -> float:
        run = on.store.commands.create_run(classic(epochs=2))
        crowd = Crowd(on, run, viewers, niceness=LOWEST_PRIORITY)
        steps_done(on, run, 1)
        used, began = cpu_seconds(on), time.perf_counter()
        to_the_end(on, run)
        result = 100 * (cpu_seconds(on) - used) / (time.perf_counter() - began)
        crowd.leave()
        return result

    with server() as on:
        shares = in_turn({"one": lambda: share(1), "many": lambda: share(MANY)}, options.repeats)
    yield figure(f"server while a run trains, {MANY} viewers, of a core", shares["many"], "{:.1f} %", "<= 10 %")
    yield figure("  with one viewer", shares["one"], "{:.1f} %")


def delay(_options: argparse.Namespace) -> Iterator[Figure]:
    """As in `page.py`: the trainer is a process of its own that notes when each batch was done."""
    with server() as on, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "trainer.json"
        with subprocess.Popen([sys.executable, "benchmarks/page.py", "--trainer", str(report)], cwd=ROOT) as trainer:
            while not report.with_suffix(".run").exists():
                time.sleep(LOOK_SECONDS)
            crowd = Crowd(on, on.store.queries.get_run(int(report.with_suffix(".run").read_text())), CLASS)
            trainer.wait()
        done = dict(json.loads(report.read_text())["done"])
        seen = crowd.leave()["arrived"]
    waits = [wait for arrived in seen for wait in delays(after(done, arrived), arrived)]
    yield Figure(
        f"batch trained to received, {CLASS} viewers, p50 / p95",
        pair(waits),
        "<= 0.5 s",
        f"{len(waits)} batches; drawing: page.py",
    )


def after(done: dict[int, float], arrived: list[tuple[int, float]]) -> dict[int, float]:
    """The batches trained since a viewer got its first event: those before were history for it."""
    return {step: at for step, at in done.items() if at > arrived[0][1]}


# ---------------------------------------------------------------------- a class that comes and goes


def join(_options: argparse.Namespace) -> Iterator[Figure]:
    with server() as on:
        run = on.store.commands.create_run(classic(epochs=50))
        first = Crowd(on, run, 1)
        steps_done(on, run, STEPS_BEFORE_JOINING)
        before = gigabytes(on.process.pid)
        crowd = Crowd(on, run, MANY, within=JOINING_SECONDS)
        now = gigabytes(on.process.pid)
        errors = [*crowd.leave()["errors"], *first.leave()["errors"]]
        end_run(on.store)
    waits = [seconds for seconds in crowd.joined if not math.isnan(seconds)]
    yield Figure(f"errors, {MANY} viewers joining a run within {JOINING_SECONDS:.0f} s", str(len(errors)), "0")
    yield Figure(
        "  until a viewer has the history, median / worst", f"{statistics.median(waits):.3f} / {max(waits):.3f} s"
    )
    for kind, wanted in (("Pss", "< 1 MB"), ("Rss", "")):
        per_viewer = 1000 * (now[kind] - before[kind]) / MANY
        yield Figure(
            f"{'' if wanted else '  '}server memory per viewer ({kind.upper()})", f"{per_viewer:.3f} MB", wanted
        )


def churn(options: argparse.Namespace) -> Iterator[Figure]:
    """Batches of 1,024 of the slowest network, so that the run lasts, and its own curve hardly grows."""
    config = TrainConfig(model="example", batch_size=1024, epochs=50, validation_fraction=0, device="cpu")
    with server() as on:
        run = on.store.commands.create_run(config)
        crowd = Crowd(on, run, MANY, within=JOINING_SECONDS, churn=True)
        began, samples = time.perf_counter(), []
        while (minutes := (time.perf_counter() - began) / 60) < options.minutes:
            samples.append((minutes, 1e6 * gigabytes(on.process.pid)["Rss"]))
            time.sleep(SAMPLE_SECONDS)
        errors = crowd.leave()["errors"]
        end_run(on.store)
    settled = np.array([sample for sample in samples if sample[0] >= SETTLING * options.minutes])
    slope = float(np.polyfit(settled[:, 0], settled[:, 1], 1)[0])
    basis = f"{options.minutes:g} minutes, the slope of the last {1 - SETTLING:.0%}"
    yield Figure(f"growth of the server, {MANY} viewers coming and going", f"{slope:+.0f} kB/minute", "flat", basis)
    quarters = [float(np.interp(share * options.minutes, *np.array(samples).T)) for share in (0.25, 0.5, 0.75, 1)]
    yield Figure("  memory (RSS) at each quarter of them", " / ".join(f"{kb / 1000:.0f}" for kb in quarters) + " MB")
    yield Figure("  errors", str(len(errors)), "0")


PARTS = {"speed": speed, "cpu": cpu, "delay": delay, "join": join, "churn": churn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,...", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of the parts that compare")
    parser.add_argument("--browsers", type=int, default=0, help="real browsers beside the viewers, in the part speed")
    parser.add_argument("--minutes", type=float, default=15, help="how long the churn lasts")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    os.environ["MNIST_DATA_DIR"] = str(data_dir())
    print_head()
    for name in names:
        for row in PARTS[name](options):
            print_row(row)


if __name__ == "__main__":
    main()

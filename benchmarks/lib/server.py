"""The figures that need a server: a real `streamlit run app.py`, its trainers, and a client on its live feed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.lib.measure import ROOT, Figure, Options, classic, figure, in_turn, ratios, train_bare
from mnist_core.config import TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.trainer import speed

LOOK_SECONDS = 0.002
"""How often the store is asked for the first step; asking takes 0.1 ms."""

SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    address: str
    store: RunStore
    process: psutil.Process


@dataclass
class Seen:
    """What a client of the live feed saw of some runs."""

    first_step: float = 0.0
    last_evaluation: float = 0.0
    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.last_evaluation - self.first_step

    @property
    def images_per_second(self) -> float:
        return sum(run.train_images * run.config.epochs for run in self.runs) / self.seconds


@contextmanager
def server(max_runs: int = 1) -> Iterator[Server]:
    """A server over an empty store, that has trained once: its trainer host has torch imported."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        speed.save_speeds(
            {}, "cpu"
        )  # else an idle server would measure the machine's speed while something else is timed
        streamlit = str(Path(sys.executable).with_name("streamlit"))
        command = [streamlit, "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
        environment = {**os.environ, "MNIST_MAX_RUNS": str(max_runs)}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
            try:
                while True:
                    with suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                        break
                    time.sleep(0.02)
                started = Server(address, RunStore.open(Path(folder)), psutil.Process(process.pid))
                train_served(started, classic(model="softmax"))
                yield started
                started.store.close()
            finally:
                process.send_signal(signal.SIGTERM)


def train_served(on: Server, *configs: TrainConfig) -> Seen:
    """Queue runs, follow them through the live feed until all have ended."""
    seen = Seen()
    going = {on.store.commands.create_run(config).id for config in configs}
    with urllib.request.urlopen(f"{on.address}/live?runs={','.join(map(str, going))}&smoothing=0.9") as stream:
        kind = ""
        for line in stream:
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                data = json.loads(line[6:])
                if kind == "steps" or (kind == "history" and data["step"]):
                    seen.first_step = seen.first_step or time.perf_counter()
                elif kind == "evaluation":
                    seen.last_evaluation = time.perf_counter()
                elif kind == "run" and data["id"] in going and RunStatus(data["status"]).is_finished:
                    going.remove(data["id"])
                    seen.runs.append(on.store.queries.get_run(data["id"]))
                    assert seen.runs[-1].status is RunStatus.COMPLETED, seen.runs[-1].reason
            if not going:
                return seen
    raise AssertionError("the live feed ended before the run")


# ---------------------------------------------------------------------- cost of metrics, storing and streaming


def streaming(options: Options) -> list[Figure]:
    shares: list[float] = []
    recording: list[float] = []

    with server() as on:

        def served() -> float:
            cpu, began = sum(on.process.cpu_times()[:2]), time.perf_counter()
            seen = train_served(on, classic())
            shares.append((sum(on.process.cpu_times()[:2]) - cpu) / (time.perf_counter() - began))
            table = on.store.queries.read_steps(seen.runs[0].id)
            trained = seen.runs[0].progress.elapsed_seconds - float(table["elapsed_seconds"][0])
            recording.append(seen.seconds / trained - 1)
            return seen.images_per_second

        def bare() -> float:
            return train_bare().images_per_second

        rates = in_turn({"bare": bare, "served": served}, options.repeats)
    cost = [100 * (ratio - 1) for ratio in ratios(rates["bare"], rates["served"])]
    return [
        figure("metrics, storing, streaming to 1 client, against bare train()", cost, "{:+.1f} %", "<= 3 %"),
        figure("  images/s, bare", rates["bare"], "{:.0f}"),
        figure("  images/s, stored and streamed", rates["served"], "{:.0f}"),
        figure("  of which between two steps in the trainer", [100 * share for share in recording], "{:+.1f} %"),
        figure("  CPU of the server, on the cores that train", [100 * share for share in shares], "{:.1f} % of one"),
    ]


# ---------------------------------------------------------------------- click to first trained batch


class FirstStep(threading.Thread):
    """Looks into the store until a step is there; `at` says when."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._cursor = store.queries.latest_cursor()
        self.at = 0.0
        self.start()

    def run(self) -> None:
        watch = self._store.queries.watch()
        while not self.at:
            if watch.moved() and self._store.queries.read_changes(self._cursor).steps:
                self.at = time.time()
            time.sleep(LOOK_SECONDS)
        watch.close()


def click(options: Options) -> list[Figure]:
    name = "click to first trained batch, warm"
    with server() as on:
        rows = []
        if browser := next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None):
            rows.append(figure(name, clicks(on, browser, options.repeats), "{:.2f} s", "<= 0.3 s"))
            apart = clicks(on, browser, options.repeats, browser_yields=True)
            rows.append(figure("  with a browser that leaves the cores to the trainer", apart, "{:.2f} s"))
        else:
            rows.append(Figure(name, "no Chromium", "<= 0.3 s"))
        waits, starts = [], []
        for _ in range(options.repeats):
            first = FirstStep(on.store)
            run = on.store.commands.create_run(classic(epochs=50))
            committed = time.time()
            first.join()
            claimed = end_run(on.store)
            waits.append(first.at - committed)
            starts.append(first.at - claimed)
            time.sleep(0.1 * (run.id % 5))  # meets the supervisor at different moments of its half second
    return [
        *rows,
        figure("  of which from taken by a trainer to first batch", starts, "{:.2f} s"),
        figure("  put in the queue by another process, found within 0.5 s", waits, "{:.2f} s"),
    ]


def clicks(on: Server, browser: str, times: int, *, browser_yields: bool = False) -> list[float]:
    """Press Start in a page; seconds from the browser's click until the first step is in the store.

    A browser without a GPU draws the page of the new run on the same cores, just when the first batch is trained; one
    that yields them takes part like a browser on another machine.
    """
    from playwright.sync_api import sync_playwright

    from benchmarks.page import BROWSER_FLAGS, have_browsers_yield

    seconds = []
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser, args=BROWSER_FLAGS)
        page = launched.new_page()
        for _ in range(times):
            page.goto(on.address)
            if browser_yields:
                have_browsers_yield()
            page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
            button = page.get_by_role("button", name="Start training")
            button.wait_for()
            time.sleep(1)  # as a person would: the page is quiet
            page.evaluate(
                "addEventListener('click', () => { window.clickedAt = Date.now() / 1000 }, { capture: true })"
            )
            first = FirstStep(on.store)
            button.click()
            first.join()
            seconds.append(first.at - page.evaluate("clickedAt"))
            end_run(on.store)
        launched.close()
    return seconds


def end_run(store: RunStore) -> float:
    """Stop the latest run and wait for that; returns when a trainer took it."""
    run = store.queries.latest_run()
    assert run
    store.commands.request_stop(run.id)
    while not (run := store.queries.get_run(run.id)).status.is_finished:
        time.sleep(0.02)
    assert run.started_at
    return run.started_at.timestamp()


# ---------------------------------------------------------------------- memory, and two runs at once


def memory(options: Options) -> list[Figure]:
    peaks = [peak_memory() for _ in range(options.repeats)]
    return [
        figure(
            "peak memory of a trainer on full MNIST (PSS)", [each["Pss"] for each in peaks], "{:.2f} GB", "< 1.1 GB"
        ),
        figure("  counting in full what it shares with its host (RSS)", [each["Rss"] for each in peaks], "{:.2f} GB"),
    ]


def peak_memory() -> dict[str, float]:
    """GB of a trainer over a run of one epoch with the page's default settings, validation and test included."""
    highest = {"Pss": 0.0, "Rss": 0.0}
    with server() as on:
        thread = threading.Thread(target=train_served, args=(on, TrainConfig(epochs=1)))
        thread.start()
        while thread.is_alive():
            run = on.store.queries.latest_run()
            if run and run.trainer and run.status.is_active:
                now = gigabytes(run.trainer.pid)
                highest = {kind: max(highest[kind], now.get(kind, 0)) for kind in highest}
            time.sleep(SAMPLE_SECONDS)
    return highest


def gigabytes(pid: int) -> dict[str, float]:
    """Memory of a process, by kind: `Pss` divides among its users what is shared. Empty if it is gone. Linux only."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        return {kind.rstrip(":"): int(kilobytes) * 1024 / 1e9 for kind, kilobytes, *_ in map(str.split, lines)}
    return {}


def two_runs(options: Options) -> list[Figure]:
    with server(max_runs=1) as one, server(max_runs=2) as two:
        rates = in_turn(
            {
                "one": lambda: train_served(one, classic()).images_per_second,
                "two": lambda: train_served(two, classic(), classic()).images_per_second,
                "1 thread": lambda: train_bare(threads=1).images_per_second,
                "2 threads": lambda: train_bare(threads=2).images_per_second,
            },
            options.repeats,
        )
        threads = two.store.queries.list_runs()[-1].threads
    return [
        figure(
            "two runs at once against one, images/s in all", ratios(rates["two"], rates["one"]), "{:.2f}x", ">= 1.15x"
        ),
        Figure("  images/s: one run / two at once", f"{median(rates['one'])} / {median(rates['two'])}"),
        Figure("  threads of each of two", str(threads)),
        figure("  one run: 2 threads against 1", ratios(rates["2 threads"], rates["1 thread"]), "{:.2f}x"),
    ]


def median(values: list[float]) -> str:
    return f"{statistics.median(values):.0f}"

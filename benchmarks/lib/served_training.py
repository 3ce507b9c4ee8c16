"""The parts of `engine.py` that need a server: what storing and streaming cost, a click, memory, two runs at once."""

from __future__ import annotations

import statistics
import threading
import time

from benchmarks.lib.browser import find_browser, launch_browser, lower_browser_priority
from benchmarks.lib.measure import (
    Figure,
    Options,
    classic_config,
    measure_in_turns,
    median_figure,
    ratios,
    train_bare,
)
from benchmarks.lib.server import (
    FirstStepWatcher,
    Server,
    memory_gigabytes,
    stop_latest_run,
    train_on_server,
    warm_server,
)
from mnist_core.config import TrainConfig

MEMORY_POLL_SECONDS = 0.05


def streaming(options: Options) -> list[Figure]:
    """Measure what recording metrics, storing and streaming cost, against the bare engine."""
    cpu_shares: list[float] = []
    recording_costs: list[float] = []

    with warm_server() as server:

        def served() -> float:
            cpu_before, began = server.cpu_seconds(), time.perf_counter()
            times = train_on_server(server, classic_config())
            cpu_shares.append((server.cpu_seconds() - cpu_before) / (time.perf_counter() - began))
            (run,) = times.runs
            first_step_seconds = float(server.store.queries.read_steps(run.id)["elapsed_seconds"][0])
            recording_costs.append(times.seconds / (run.progress.elapsed_seconds - first_step_seconds) - 1)
            return times.images_per_second

        def bare() -> float:
            return train_bare().images_per_second

        rates = measure_in_turns({"bare": bare, "served": served}, options.repeats)
    costs = [100 * (ratio - 1) for ratio in ratios(rates["bare"], rates["served"])]
    return [
        median_figure("metrics, storing, streaming to 1 client, against bare train()", costs, "{:+.1f} %", "<= 3 %"),
        median_figure("  images/s, bare", rates["bare"], "{:.0f}"),
        median_figure("  images/s, stored and streamed", rates["served"], "{:.0f}"),
        median_figure("  of which between steps in the trainer", [100 * cost for cost in recording_costs], "{:+.1f} %"),
        median_figure(
            "  CPU of the server, on the cores that train", [100 * share for share in cpu_shares], "{:.1f} % of one"
        ),
    ]


def click(options: Options) -> list[Figure]:
    """Measure from a click on Start to the first trained batch, and the same without a browser."""
    name, aim = "click to first trained batch, warm", "<= 0.3 s"
    with warm_server() as server:
        rows = []
        if find_browser():
            rows.append(median_figure(name, click_seconds(server, options.repeats), "{:.2f} s", aim))
            yielding = click_seconds(server, options.repeats, browser_yields=True)
            rows.append(median_figure("  with a browser that leaves the cores to the trainer", yielding, "{:.2f} s"))
        else:
            rows.append(Figure(name, "no Chromium", aim))
        from_queued, from_claimed = [], []
        for _ in range(options.repeats):
            watcher = FirstStepWatcher(server.store)
            run = server.store.commands.create_run(classic_config(epochs=50))
            queued_at = time.time()
            watcher.join()
            claimed_at = stop_latest_run(server.store)
            from_queued.append(watcher.seen_at - queued_at)
            from_claimed.append(watcher.seen_at - claimed_at)
            time.sleep(0.1 * (run.id % 5))  # varies the moment within the supervisor's interval of half a second
    return [
        *rows,
        median_figure("  of which from claimed by a trainer to first batch", from_claimed, "{:.2f} s"),
        median_figure("  queued by another process, found within 0.5 s, to first batch", from_queued, "{:.2f} s"),
    ]


def click_seconds(server: Server, clicks: int, *, browser_yields: bool = False) -> list[float]:
    """Press Start in a page; returns the seconds from each click until the first step is in the store.

    A browser without a GPU draws the page of the new run on the cores that train the first batch. With
    `browser_yields` it leaves them to the trainer, like a browser on another machine.
    """
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as playwright:
        browser = launch_browser(playwright)
        page = browser.new_page()
        for _ in range(clicks):
            page.goto(server.address)
            if browser_yields:
                lower_browser_priority()
            page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
            button = page.get_by_role("button", name="Start training")
            button.wait_for()
            time.sleep(1)  # a person does not click before the page is quiet
            page.evaluate(
                "addEventListener('click', () => { window.clickedAt = Date.now() / 1000 }, { capture: true })"
            )
            watcher = FirstStepWatcher(server.store)
            button.click()
            watcher.join()
            seconds.append(watcher.seen_at - page.evaluate("clickedAt"))
            stop_latest_run(server.store)
        browser.close()
    return seconds


def memory(options: Options) -> list[Figure]:
    """Measure the peak memory of a trainer."""
    peaks = [peak_memory() for _ in range(options.repeats)]
    pss, rss = ([peak[kind] for peak in peaks] for kind in ("Pss", "Rss"))
    return [
        median_figure("peak memory of a trainer on full MNIST (PSS)", pss, "{:.2f} GB", "< 1.1 GB"),
        median_figure("  with all that it shares with its fork server (RSS)", rss, "{:.2f} GB"),
    ]


def peak_memory() -> dict[str, float]:
    """Return the peak memory in GB, `Pss` and `Rss`, of a trainer that trains one epoch with the default settings."""
    peak = {"Pss": 0.0, "Rss": 0.0}
    with warm_server() as server:
        thread = threading.Thread(target=train_on_server, args=(server, TrainConfig(epochs=1)))
        thread.start()
        while thread.is_alive():
            run = server.store.queries.latest_run()
            if run and run.trainer and run.status.is_active:
                current = memory_gigabytes(run.trainer.pid)
                peak = {kind: max(peak[kind], current.get(kind, 0)) for kind in peak}
            time.sleep(MEMORY_POLL_SECONDS)
    return peak


def two_runs(options: Options) -> list[Figure]:
    """Measure the total speed of two runs at once, against one run."""
    with warm_server(max_runs=1) as single, warm_server(max_runs=2) as double:
        rates = measure_in_turns(
            {
                "one": lambda: train_on_server(single, classic_config()).images_per_second,
                "two": lambda: train_on_server(double, classic_config(), classic_config()).images_per_second,
                "1 thread": lambda: train_bare(threads=1).images_per_second,
                "2 threads": lambda: train_bare(threads=2).images_per_second,
            },
            options.repeats,
        )
        threads = double.store.queries.list_runs()[-1].threads
    speedups = ratios(rates["two"], rates["one"])
    thread_speedups = ratios(rates["2 threads"], rates["1 thread"])
    one, two = (f"{statistics.median(rates[side]):.0f}" for side in ("one", "two"))
    return [
        median_figure("two runs at once against one, images/s of both", speedups, "{:.2f}x", ">= 1.15x"),
        Figure("  images/s: one run / two at once", f"{one} / {two}"),
        Figure("  threads of each of two", str(threads)),
        median_figure("  one run: 2 threads against 1", thread_speedups, "{:.2f}x"),
    ]

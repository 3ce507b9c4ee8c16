"""Measure a store of 2,000 runs of 10,000 steps: the size of its database, and the time to read from it.

    .venv/bin/python benchmarks/many_runs.py [--runs 2000] [--steps 10000] [--keep FOLDER]

The runs are synthetic (`lib/synthetic_runs.py`). `--keep` leaves the runs folder for a server:
`MNIST_RUNS_DIR=FOLDER streamlit run app.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the root of the repository, as with `python -m`

from benchmarks.lib.synthetic_runs import fill_store  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.store.codecs import prediction_codec  # noqa: E402
from mnist_core.store.run_store import DATABASE_NAME  # noqa: E402
from mnist_core.system.machine import cores, processor_name  # noqa: E402
from mnist_dashboard.feed.hub import LiveHub  # noqa: E402

ROUNDS = 5
SMOOTHING = 0.95


def call_seconds(call: Callable[[], object]) -> list[float]:
    """Return how long a call takes in each round."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds


async def feed_seconds(store: RunStore, run_ids: list[int]) -> float:
    """Return the seconds until a new live feed has sent the curves of all these runs."""
    hub = LiveHub(store)
    following = asyncio.create_task(hub.follow())
    await asyncio.sleep(0.2)
    began, missing = time.perf_counter(), len(run_ids)
    async for message in hub.stream(run_ids, SMOOTHING):
        missing -= b"event: history" in message
        if not missing:
            break
    seconds = time.perf_counter() - began
    following.cancel()
    return seconds


def print_row(name: str, aim: str, seconds: list[float]) -> None:
    print(f"| {name} | {aim} | {statistics.median(seconds):.3f} s ({max(seconds):.3f} s) |")


def probability_bytes(store: RunStore, run_ids: Sequence[int]) -> float:
    """Return the mean size of all stored probabilities of a run, from some of the runs."""
    sample = run_ids[:: max(1, len(run_ids) // 200)]
    evaluations = [e for run_id in sample for e in store.queries.list_evaluations(run_id, probabilities=True)]
    packed = [prediction_codec.pack(e.probabilities) for e in evaluations if e.probabilities is not None]
    return sum(map(len, packed)) / len(sample)


def measure(folder: Path, steps: int) -> None:
    """Measure the store in a runs folder whose runs have so many steps each, and print the table."""
    store = RunStore.open(folder)
    run_ids = [run.id for run in store.queries.list_runs()]
    size = sum(path.stat().st_size for path in folder.glob(f"{DATABASE_NAME}*"))
    print(f"{cores()} cores of {processor_name()}, {platform.machine()}, Python {platform.python_version()}")
    print(f"{len(run_ids):,} runs of {steps:,} steps, median of {ROUNDS} (slowest)\n")
    print("| figure | aim | measured |\n|---|---|---|")
    per_step, probabilities = size / (len(run_ids) * steps), probability_bytes(store, run_ids) / steps
    print(f"| database | | {per_step:.1f} bytes a step, {size / 1e6:,.0f} MB |")
    print(f"| without the probabilities of its evaluations | 60 bytes a step | {per_step - probabilities:.1f} |")
    print_row("list all runs", "1 s", call_seconds(store.queries.list_runs))
    middle = run_ids[len(run_ids) // 2]
    print_row("steps of one run", "", call_seconds(lambda: store.queries.read_steps(middle)))
    random = np.random.default_rng(2)
    for count, name, aim in ((1, "one run's", "0.3 s"), (10, "ten runs'", "1 s")):
        samples = [random.choice(run_ids, count, replace=False).tolist() for _ in range(ROUNDS)]
        seconds = [asyncio.run(feed_seconds(store, sample)) for sample in samples]
        print_row(f"{name} curves from the live feed", aim, seconds)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=10_000)
    keep_help = "create the runs in this folder and keep them; measure the runs that are in it already"
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help=keep_help)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        if not (folder / DATABASE_NAME).exists():
            began = time.perf_counter()
            store = RunStore.open(folder)
            fill_store(store, options.runs, options.steps)
            store.close()
            print(f"created the runs in {time.perf_counter() - began:.0f} s")
        measure(folder, options.steps)


if __name__ == "__main__":
    main()

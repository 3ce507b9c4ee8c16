"""Two thousand runs of ten thousand steps: how large their database is, and how long reading from it takes.

    .venv/bin/python benchmarks/many_runs.py [--runs 2000] [--steps 10000] [--keep FOLDER]

The runs are made up, with noise in everything that is noisy in a real one (the loss of a batch, its speed), and written
through the store. `--keep` leaves the runs folder for a server: `MNIST_RUNS_DIR=FOLDER streamlit run app.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # as `python -m` would have it

from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.records import EvalMetrics, History, Progress, Provenance, Results, Run, RunStatus  # noqa: E402
from mnist_core.store import RunStore, step_codec  # noqa: E402
from mnist_core.store.run_store import DATABASE_NAME  # noqa: E402
from mnist_core.system.machine import cores, processor_name  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402
from mnist_core.trainer.metrics_buffer import LossCurve  # noqa: E402
from mnist_dashboard.feed.hub import LiveHub  # noqa: E402

TRAIN_IMAGES, VALIDATION_IMAGES, TEST_IMAGES = 54_000, 6_000, 10_000
EVALUATIONS_PER_EPOCH = 2
ROUNDS = 5
SMOOTHING = 0.95


def made_up_config(number: int) -> TrainConfig:
    """Hyperparameters as in a search, three seeds of each."""
    choice = np.random.default_rng(number // 3)
    return TrainConfig(
        batch_size=int(choice.choice([32, 64, 128])),
        lr=float(f"{10 ** choice.uniform(-3, -0.5):.2g}"),
        momentum=float(choice.choice([0.0, 0.5, 0.9])),
        weight_decay=float(choice.choice([0.0, 0.0001, 0.001])),
        epochs=int(choice.integers(5, 20)),
        seed=number % 3 + 1,
    )


def made_up_steps(random: np.random.Generator, config: TrainConfig, steps: int) -> np.ndarray:
    """A loss that falls and levels out, float32 as torch computes it, and the times of a machine that others share."""
    table = np.empty(steps, step_codec.STEP_COLUMNS)
    at = np.arange(1, steps + 1)
    level = 0.03 + 2.3 / (1 + at * config.lr / (1 - config.momentum) / 3) ** 0.8
    table["loss"] = (level * random.lognormal(0, 0.45, steps)).astype(np.float32)
    right = random.binomial(config.batch_size, np.clip(np.exp(-level * 0.8), 0.1, 0.999))
    table["accuracy"] = right / config.batch_size
    rate = (9000 * random.lognormal(0, 0.12, steps)).astype(np.float32)
    table["examples_per_second"] = rate
    table["elapsed_seconds"] = np.cumsum(config.batch_size / rate.astype(float))
    table["epoch"] = 1 + (at - 1) * config.batch_size // TRAIN_IMAGES
    table["lr"], table["momentum"] = config.lr, config.momentum
    return table


def made_up_evaluation(
    random: np.random.Generator, row: np.void, step: int, split: str, labels: np.ndarray
) -> EvalMetrics:
    wrong = random.random(len(labels)) < 0.01 + 0.1 * min(float(row["loss"]), 9.0) / 9
    predictions = np.where(wrong, random.integers(0, 10, len(labels)), labels).astype(np.uint8)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (labels, predictions), 1)
    return EvalMetrics(
        step=step,
        epoch=int(row["epoch"]),
        split=split,
        loss=float(row["loss"]),
        accuracy=float((predictions == labels).mean()),
        confusion=tuple(map(tuple, confusion.tolist())),
        predictions=predictions,
        elapsed_seconds=float(row["elapsed_seconds"]),
    )


def made_up_history(random: np.random.Generator, config: TrainConfig, steps: int) -> History:
    labels = np.random.default_rng(28)
    validation, test = labels.integers(0, 10, VALIDATION_IMAGES), labels.integers(0, 10, TEST_IMAGES)
    table = made_up_steps(random, config, steps)
    epoch_steps = TRAIN_IMAGES // config.batch_size
    at = range(epoch_steps // EVALUATIONS_PER_EPOCH, steps + 1, epoch_steps // EVALUATIONS_PER_EPOCH)
    evaluations = [made_up_evaluation(random, table[step - 1], step, "validation", validation) for step in at]
    evaluations.append(made_up_evaluation(random, table[-1], steps, "test", test))
    return History(table, tuple(evaluations), test.astype(np.uint8))


def made_up_run(template: Run, config: TrainConfig, history: History, number: int) -> Run:
    last = history.steps[-1]
    *validations, test = history.evaluations
    began = template.created_at + timedelta(minutes=number)
    return replace(
        template,
        name=f"search-{number + 1}",
        status=RunStatus.COMPLETED,
        config=config,
        attempt=1,
        created_at=began,
        started_at=began,
        finished_at=began + timedelta(seconds=float(last["elapsed_seconds"])),
        dataset="MNIST",
        train_images=TRAIN_IMAGES,
        validation_images=VALIDATION_IMAGES,
        test_images=TEST_IMAGES,
        total_steps=len(history.steps),
        device="cpu",
        threads=2,
        tags=("search",),
        provenance=replace(PROVENANCE, seed=config.seed, command=f"python -m mnist_core train --seed {config.seed}"),
        curve=tuple(LossCurve().with_losses(history.steps["loss"]).points().tolist()),
        progress=Progress(
            step=len(history.steps),
            epoch=int(last["epoch"]),
            loss=float(last["loss"]),
            accuracy=float(last["accuracy"]),
            examples_per_second=float(last["examples_per_second"]),
            elapsed_seconds=float(last["elapsed_seconds"]),
            live_confusion=test.confusion,
        ),
        results=Results(
            validation_accuracy=validations[-1].accuracy if validations else None,
            best_validation_accuracy=max((one.accuracy for one in validations), default=None),
            test_accuracy=test.accuracy,
            test_loss=test.loss,
        ),
    )


PROVENANCE = Provenance(
    commit="0" * 40,
    is_dirty=False,
    python="3.11.7",
    packages={"torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6"},
    platform="Linux",
    processor="made up",
    device="cpu",
    precision="fp32",
    threads=2,
    seed=1,
    dataset="MNIST",
    dataset_checksum="1" * 64,
    test_checksum="2" * 64,
    command="",
)


def fill(store: RunStore, runs: int, steps: int) -> None:
    random = np.random.default_rng(1)
    template = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.finish_run(template, RunStatus.STOPPED)
    for number in range(runs):
        config = made_up_config(number)
        history = made_up_history(random, config, steps)
        store.commands.import_run(made_up_run(template, config, history, number), history)
    store.commands.delete_runs([template.id])
    store.commands.purge_runs([template.id])


def seconds(act: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return taken


async def feed_seconds(store: RunStore, run_ids: list[int]) -> float:
    """From asking the live feed for runs it has not read yet to the last of their curves."""
    hub = LiveHub(store.queries)
    feed = asyncio.create_task(hub.follow())
    await asyncio.sleep(0.2)
    began, waiting = time.perf_counter(), len(run_ids)
    async for message in hub.stream(run_ids, SMOOTHING):
        waiting -= b"event: history" in message
        if not waiting:
            break
    taken = time.perf_counter() - began
    feed.cancel()
    return taken


def told(title: str, limit: str, taken: list[float]) -> None:
    print(f"| {title} | {limit} | {statistics.median(taken):.3f} s ({max(taken):.3f} s) |")


def measure(folder: Path, runs: int, steps: int) -> None:
    store = RunStore.open(folder)
    listed = [run.id for run in store.queries.list_runs()]
    size = sum(path.stat().st_size for path in folder.glob(f"{DATABASE_NAME}*"))
    print(f"{cores()} cores of {processor_name()}, {platform.machine()}, Python {platform.python_version()}")
    print(f"{len(listed):,} runs of {steps:,} steps, median of {ROUNDS} (slowest)\n")
    print("| figure | wanted | measured |\n|---|---|---|")
    print(f"| database | 60 bytes a step | {size / (len(listed) * steps):.1f} bytes a step, {size / 1e6:,.0f} MB |")
    told("list all runs", "1 s", seconds(store.queries.list_runs))
    told("steps of one run", "", seconds(lambda: store.queries.read_steps(listed[len(listed) // 2])))
    some = np.random.default_rng(2)
    ones = [asyncio.run(feed_seconds(store, some.choice(listed, 1).tolist())) for _ in range(ROUNDS)]
    told("one run's curves from the live feed", "0.3 s", ones)
    tens = [asyncio.run(feed_seconds(store, some.choice(listed, 10, replace=False).tolist())) for _ in range(ROUNDS)]
    told("ten runs' curves from the live feed", "1 s", tens)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="put the runs there, or measure those that are there"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        if not (folder / DATABASE_NAME).exists():
            began = time.perf_counter()
            store = RunStore.open(folder)
            fill(store, options.runs, options.steps)
            store.close()
            print(f"made in {time.perf_counter() - began:.0f} s")
        measure(folder, options.runs, options.steps)


if __name__ == "__main__":
    main()

"""Measure what keeping the probabilities of every evaluation takes: bytes, the coding error, and time of training.

    MNIST_DATA_DIR=... python benchmarks/training/predictions.py [--epochs 3] [--rounds 15]

Trains the classic network in this process, and evaluates it on the test images on the way. All times are CPU times of
one thread, which other programs on the machine change less than those of a clock.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.measure import Figure, classic_config, measure_in_turns, median_figure, print_head, print_row  # noqa: E402
from mnist_core.analysis.predictions.calibration import calibrate  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.data.datasets import Dataset, load_dataset  # noqa: E402
from mnist_core.records import EvalMetrics, ProcessIdentity, Progress, StepMetrics, decode_probabilities  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.store.codecs import prediction_codec  # noqa: E402
from mnist_core.training import engine  # noqa: E402
from mnist_core.training.batches import Images  # noqa: E402
from mnist_core.training.metrics import probability_levels  # noqa: E402
from mnist_core.training.train_state import TrainState  # noqa: E402

SHOWN_STEPS = (0, 50, 422, 844)
"""Untrained, when the network is sure of least, after half an epoch, after one; the last step is shown, too."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=15, help="evaluations with and without probabilities")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print_head()
    data = load_dataset("mnist")
    config = classic_config(epochs=options.epochs, device="cpu", validation_fraction=0.1)
    state = TrainState.initial(config)
    test = Images.on_device(data.test, state.device)
    training_images, cpu_seconds, evaluated_images = 0, 0.0, 0
    sizes: list[int] = []
    show(state, test, data)
    began = time.process_time()
    for event in engine.train(config, data, state=state):
        cpu_seconds += time.process_time() - began
        if isinstance(event, StepMetrics):
            training_images += sum(map(sum, event.confusion))
            if event.step in SHOWN_STEPS:
                show(state, test, data)
        else:
            evaluated_images += len(event.predictions)
            sizes += [] if event.probabilities is None else [len(prediction_codec.pack(event.probabilities))]
        began = time.process_time()
    if state.step not in SHOWN_STEPS:
        show(state, test, data)
    name = f"bytes for a run of {options.epochs} epochs"
    print_row(Figure(name, f"{sum(sizes):,}", "", f"{len(sizes)} evaluations, {evaluated_images:,} images"))
    print_costs(config, state, test, options.rounds)
    alone = [1000 * time_added_work(state, test) for _ in range(options.rounds)]
    print_row(median_figure("  the added work alone: levels and packing", alone, "{:.2f} ms"))
    evaluations = evaluated_images / len(test)
    share = evaluations * statistics.median(alone) / 1000 / cpu_seconds
    basis = f"{evaluations:.1f} evaluations of {len(test):,} images"
    print_row(Figure("the added work as a share of a run's time", f"{share:.3%}", "<= 1 %", basis))
    per_image = 1e6 * cpu_seconds / training_images
    print_row(Figure("  training and its evaluations", f"{cpu_seconds:.1f} s", "", f"{per_image:.0f} us an image"))


def show(state: TrainState, test: Images, data: Dataset) -> None:
    """Print the size and the error of the probabilities of all test images."""
    _, confusion, predictions, levels = engine.evaluate(state.model, test)
    exact = exact_probabilities(state, test)
    error = np.abs(decode_probabilities(levels) - exact).max()
    accuracy = sum(confusion[digit][digit] for digit in range(10)) / len(test)
    size = len(prediction_codec.pack(levels))
    basis = f"{accuracy:.2%} right, largest error {error:.5f}"
    print_row(Figure(f"bytes for {len(test):,} images, step {state.step:,}", f"{size:,}", "<= 120,000", basis))
    coded = calibrate(levels, predictions, data.test.labels).ece
    difference = abs(coded - exact_ece(exact, predictions, data.test.labels))
    print_row(Figure("  its calibration error, and what coding changes", f"{coded:.5f}", "", f"{difference:.6f}"))


@torch.inference_mode()
def exact_probabilities(state: TrainState, test: Images) -> np.ndarray:
    """Return the probabilities of all test images as the network computes them, float64 (N, 10)."""
    state.model.eval()
    batches = [state.model(test[slice(start, start + 200)][0]).exp() for start in range(0, len(test), 200)]
    state.model.train()
    return np.asarray(torch.cat(batches).numpy().astype(np.float64))


def exact_ece(probabilities: np.ndarray, predictions: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error without coding, in 15 bins."""
    confidence = probabilities[np.arange(len(labels)), predictions]
    bins = np.clip(np.ceil(15 * confidence).astype(int) - 1, 0, 14)
    gaps = np.bincount(bins, (predictions == labels) - confidence, 15)
    return float(np.abs(gaps).sum() / len(labels))


def print_costs(config: TrainConfig, state: TrainState, test: Images, rounds: int) -> None:
    """Print the time of an evaluation that is stored with probabilities, and of one without, measured in turns."""
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore.open(Path(folder))
        run = store.commands.create_run(config, trainer=ProcessIdentity(1, 1, "boot"))

        def evaluate_and_store(*, keeps: bool) -> float:
            began = time.process_time()
            loss, confusion, predictions, levels = engine.evaluate(state.model, test)
            probabilities = levels if keeps else None
            evaluation = EvalMetrics(1, 1, "test", loss, 0.9, confusion, predictions, 1.0, probabilities)
            store.trainer_writes.append_steps(run, Progress(), [], [evaluation])
            return time.process_time() - began

        def evaluate_without() -> float:
            nothing = torch.zeros((), dtype=torch.uint8)
            with mock.patch("mnist_core.training.engine.probability_levels", return_value=nothing):
                return evaluate_and_store(keeps=False)

        sides = {"with": lambda: evaluate_and_store(keeps=True), "without": evaluate_without}
        seconds = measure_in_turns(sides, rounds)
        store.close()
    kept, bare = seconds["with"], seconds["without"]
    differences = [1000 * (one - other) for one, other in zip(kept, bare, strict=True)]
    print_row(median_figure("an evaluation with them, and stored", [1000 * one for one in kept], "{:.1f} ms"))
    print_row(median_figure("  more than without, in turns", differences, "{:.1f} ms"))


@torch.inference_mode()
def time_added_work(state: TrainState, test: Images) -> float:
    """Return the CPU seconds of computing and packing the levels of all test images, without the network."""
    batches = [state.model(test[slice(start, start + 200)][0]) for start in range(0, len(test), 200)]
    levels = torch.empty((len(test), 10), dtype=torch.uint8)
    began = time.process_time()
    for number, batch in enumerate(batches):
        levels[200 * number : 200 * number + len(batch)] = probability_levels(batch)
    prediction_codec.pack(levels.numpy())
    return time.process_time() - began


if __name__ == "__main__":
    main()

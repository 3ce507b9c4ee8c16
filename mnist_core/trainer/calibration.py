"""Measures how fast this machine trains each network, for the time estimates in `speed`."""

from __future__ import annotations

import statistics

import numpy as np
import torch

from mnist_core.config import MODELS, PRECISIONS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import Split
from mnist_core.errors import ConfigError
from mnist_core.records import StepMetrics
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.trainer import speed
from mnist_core.training.devices import check_precision, choose_device
from mnist_core.training.engine import train

WARM_UP_STEPS = 3
"""Number of steps at the start that are not measured."""

MEASURED_SECONDS = 0.25
"""Time to measure each combination of network, precision and batch size. All 20 take about seven seconds."""


def calibrate(threads: int) -> None:
    """Measure all networks on this machine's device and save the speeds in the runs folder."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    device = choose_device("auto")
    speeds: speed.Speeds = {}
    for precision in PRECISIONS:
        try:
            check_precision(precision, device)
        except ConfigError:
            continue
        for model in MODELS:
            speeds[speed.speed_key(model, precision)] = [
                _step_seconds(TrainConfig(model=model, precision=precision, batch_size=batch_size, epochs=50))
                for batch_size in speed.BATCH_SIZES
            ]
    speed.save_speeds(speeds, device.type)


def _step_seconds(config: TrainConfig) -> float:
    """Return the median duration of a step, measured on noise: the duration does not depend on the images."""
    noise = np.random.default_rng(1).integers(0, 256, (2048, 28, 28), np.uint8)
    split = Split(noise, np.zeros(len(noise), np.uint8))
    unused_test_split = Split(noise[:1], np.zeros(1, np.uint8))
    seconds: list[float] = []
    for event in train(config, Dataset("noise", split, unused_test_split)):
        if not isinstance(event, StepMetrics):
            continue
        if event.step > WARM_UP_STEPS:
            seconds.append(sum(map(sum, event.confusion)) / event.examples_per_second)
        if sum(seconds) > MEASURED_SECONDS:
            break
    return statistics.median(seconds)

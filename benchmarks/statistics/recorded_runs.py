"""The runs that the training doctor is tested on: healthy ones of many settings, and one or more for each rule.

`record` trains one of them; `write` and `read` keep the curves in one small file.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.analysis.doctor import Evaluated, Evidence
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import split_validation
from mnist_core.presets import PRESETS
from mnist_core.records import Adjustment, EvalMetrics, Event, Intervention, Progress, Run, RunStatus
from mnist_core.training.engine import train

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CURVES = ("losses", "accuracies", "rates")
BASE = TrainConfig(dataset="mnist-5k", device="cpu")


def _config(**settings: Any) -> TrainConfig:
    return replace(BASE, **settings)


def _preset(name: str, **settings: Any) -> TrainConfig:
    return TrainConfig(**{**asdict(BASE), **PRESETS[name], **settings})


HEALTHY: dict[str, TrainConfig] = {
    "momentum 0.9": _config(momentum=0.9, epochs=5),
    "lr 0.05": _config(lr=0.05, epochs=5),
    "no momentum": _config(lr=0.1, momentum=0.0, epochs=4),
    "batch 128": _config(lr=0.05, momentum=0.9, batch_size=128, epochs=5),
    "batch 256": _config(lr=0.05, momentum=0.9, batch_size=256, epochs=8),
    "ten epochs": _config(lr=0.02, momentum=0.9, epochs=10),
    "batch 32": _config(lr=0.01, momentum=0.9, batch_size=32, epochs=3),
    "batch 16, lr 0.02": _config(lr=0.02, momentum=0.5, batch_size=16, epochs=2),
    "nesterov": _config(optimizer="nesterov", lr=0.02, momentum=0.9, epochs=4),
    "adam": _config(optimizer="adam", lr=0.001, epochs=3),
    "adam 0.002": _config(optimizer="adam", lr=0.002, batch_size=128, epochs=5),
    "adam 0.0005": _config(optimizer="adam", lr=0.0005, batch_size=32, epochs=4),
    "adadelta": _config(optimizer="adadelta", lr=1.0, schedule="step", epochs=5),
    "example": _config(model="example", optimizer="adadelta", lr=1.0, schedule="step", epochs=4),
    "fast 99": _preset("Fast 99", epochs=3),
    "fast 99.5": _preset("Fast 99.5"),
    "compact, adam": _config(model="compact", optimizer="adam", lr=0.003, epochs=5),
    "mlp": _config(model="mlp", lr=0.1, epochs=10),
    "mlp, momentum 0.9": _config(model="mlp", lr=0.02, momentum=0.9, epochs=6),
    "mlp, adam": _config(model="mlp", optimizer="adam", lr=0.001, epochs=8),
    "softmax": _config(model="softmax", lr=0.1, momentum=0.0, epochs=8),
    "softmax, adam": _config(model="softmax", optimizer="adam", lr=0.003, epochs=10),
    "one-cycle": _config(lr=0.1, momentum=0.9, schedule="one-cycle", epochs=3),
    "bf16": _config(lr=0.02, momentum=0.9, precision="bf16", epochs=3),
    "all images": _config(lr=0.05, momentum=0.9, validation_fraction=0.0, epochs=3),
    "mlp, all images": _config(model="mlp", optimizer="adam", lr=0.001, validation_fraction=0.0, epochs=3),
    "smoothed labels": _config(lr=0.02, momentum=0.9, weight_decay=0.0005, label_smoothing=0.1, epochs=5),
    "MNIST, defaults": _config(dataset="mnist"),
    "MNIST, fast 99": _preset("Fast 99", dataset="mnist"),
    "MNIST, mlp": _config(dataset="mnist", model="mlp", optimizer="adam", lr=0.001, batch_size=128, epochs=4),
}
"""Thirty settings with which a person would be content."""


@dataclass(frozen=True)
class Sick:
    """A run with one fault. `rules` are those that may speak of it; the first is the usual one."""

    config: TrainConfig
    rules: tuple[str, ...]
    change: tuple[int, Adjustment] | None = None
    """A change after this many steps."""


TOO_HIGH = ("diverging", "chance", "dead_start", "oscillating")
"""Rules of which chance decides which one names a rate that is too high, and when."""

SICK: dict[str, Sick] = {
    "lr 1, weight decay 0.1": Sick(_config(lr=1.0, momentum=0.99, weight_decay=0.1), ("diverged",)),
    "raised to lr 1": Sick(
        _config(lr=0.02, momentum=0.9, weight_decay=0.02, epochs=4),
        ("diverged", "diverging"),
        change=(120, Adjustment(lr=1.0, momentum=0.99)),
    ),
    "lr 1, momentum 0.99": Sick(_config(lr=1.0, momentum=0.99), ("chance", *TOO_HIGH)),
    "compact, lr 1, momentum 0.99": Sick(_config(model="compact", lr=1.0, momentum=0.99), ("chance", *TOO_HIGH)),
    "softmax, lr 1, momentum 0.99": Sick(_config(model="softmax", lr=1.0, momentum=0.99), ("diverging",)),
    "lr 0.5, momentum 0.9": Sick(_config(lr=0.5, momentum=0.9, epochs=6), ("dead_start", *TOO_HIGH)),
    "batch 256, lr 0.3": Sick(
        _config(lr=0.3, momentum=0.9, batch_size=256, epochs=8),
        ("dead_start", "plateau", *TOO_HIGH),
    ),
    "lr 0.0001": Sick(_config(lr=0.0001, momentum=0.0, epochs=6), ("chance",)),
    "lr 0.001": Sick(_config(lr=0.001, momentum=0.5, epochs=4), ("slow", "chance")),
    "lr 0.06, momentum 0.95": Sick(_config(lr=0.06, momentum=0.95, epochs=6), ("oscillating", "plateau", *TOO_HIGH)),
    "adam 0.1": Sick(_config(model="mlp", optimizer="adam", lr=0.1, epochs=6), ("chance", *TOO_HIGH)),
    "defaults on few images": Sick(_config(), ("falling",)),
    "gamma 0.1": Sick(_config(lr=0.01, momentum=0.5, schedule="step", gamma=0.1, epochs=10), ("plateau",)),
    "mlp by heart": Sick(_config(model="mlp", optimizer="adam", lr=0.003, epochs=40), ("overfitting", "plateau")),
    "last batch of 16": Sick(_config(last_batch="keep", epochs=3), ("tiny_batch",)),
}
"""Settings with one fault each."""


@dataclass(frozen=True)
class RecordedRun:
    """The curves of a run."""

    name: str
    config: TrainConfig
    train_images: int
    losses: np.ndarray
    accuracies: np.ndarray
    rates: np.ndarray
    """Learning rate of every step."""
    evaluations: tuple[Evaluated, ...]
    interventions: tuple[Intervention, ...] = ()

    @property
    def steps(self) -> int:
        return len(self.losses)

    def evidence(self, steps: int | None = None) -> Evidence:
        """What the doctor sees after so many steps while the run trains; None means when it has ended."""
        ended = steps is None
        steps = self.steps if steps is None else steps
        status = RunStatus.RUNNING
        if ended:
            status = RunStatus.COMPLETED if np.isfinite(self.losses[-1]) else RunStatus.DIVERGED
        is_seen = [
            evaluated.step <= steps and (ended or evaluated.split == "validation" or self.is_classic)
            for evaluated in self.evaluations
        ]
        evaluations = tuple(itertools.compress(self.evaluations, is_seen))
        run = Run(
            id=1,
            name=self.name,
            status=status,
            config=self.config,
            attempt=1,
            created_at=NOW,
            dataset="MNIST-5k",
            train_images=self.train_images,
            validation_images=round(self.train_images * self.config.validation_fraction / 0.9),
            test_images=1000,
            total_steps=self.config.total_steps(self.train_images),
            interventions=tuple(change for change in self.interventions if change.step <= steps),
            progress=Progress(step=steps),
        )
        curves = (values[:steps] for values in (self.losses, self.accuracies, self.rates))
        checkpoints = tuple(dict.fromkeys(evaluated.step for evaluated in evaluations)) if ended else ()
        losses, accuracies, rates = curves
        return Evidence(run, losses, accuracies, rates, evaluations, checkpoints)

    @property
    def is_classic(self) -> bool:
        """Whether test is evaluated after every epoch."""
        return self.config.validation_fraction == 0


def record(name: str, config: TrainConfig, data: Dataset, change: tuple[int, Adjustment] | None = None) -> RecordedRun:
    """Train, until the loss is no longer finite. `change` is made after so many steps."""
    steps: list[tuple[float, float, float]] = []
    evaluations: list[Evaluated] = []
    interventions: list[Intervention] = []
    events = train(config, data)
    event: Event | None = next(events)
    while event is not None:
        adjustment = None
        if isinstance(event, EvalMetrics):
            evaluations.append(Evaluated.from_metrics(event))
        else:
            steps.append((event.loss, event.accuracy, event.lr))
            if change and change[0] == event.step:
                adjustment = change[1]
                interventions = [
                    Intervention(event.step, field, getattr(config, field), value, NOW, "page")
                    for field, value in adjustment.settings().items()
                ]
        if not np.isfinite(event.loss):
            break
        try:
            event = events.send(adjustment)
        except StopIteration:
            break
    images = len(split_validation(len(data.train), config.validation_fraction)[0])
    losses, accuracies, rates = map(np.array, zip(*steps, strict=True))
    return RecordedRun(name, config, images, losses, accuracies, rates, tuple(evaluations), tuple(interventions))


def write(path: Path, runs: Mapping[str, RecordedRun]) -> None:
    """Write the curves with three significant digits, which is more than the doctor needs."""
    arrays: dict[str, Any] = {}
    for number, run in enumerate(runs.values()):
        facts = {
            "name": run.name,
            "config": asdict(run.config),
            "train_images": run.train_images,
            "interventions": [change.to_json() for change in run.interventions],
            "evaluations": [
                [e.step, e.epoch, e.split, round(e.loss, 4) if np.isfinite(e.loss) else None, round(e.accuracy, 4)]
                for e in run.evaluations
            ],
        }
        arrays[f"{number}-facts"] = np.array(json.dumps(facts))
        for name in CURVES:
            with np.errstate(over="ignore"):
                arrays[f"{number}-{name}"] = getattr(run, name).astype(np.float16)
    np.savez_compressed(path, **arrays)


def read(path: Path) -> dict[str, RecordedRun]:
    """Return the runs that `write` wrote, by name."""
    runs = {}
    with np.load(path) as arrays:
        for number in range(len(arrays.files) // (1 + len(CURVES))):
            facts = json.loads(str(arrays[f"{number}-facts"]))
            losses, accuracies, rates = (arrays[f"{number}-{name}"].astype(np.float64) for name in CURVES)
            runs[facts["name"]] = RecordedRun(
                facts["name"],
                TrainConfig.from_stored(facts["config"]),
                facts["train_images"],
                losses,
                accuracies,
                rates,
                tuple(
                    Evaluated(step, epoch, split, math.nan if loss is None else loss, accuracy)
                    for step, epoch, split, loss, accuracy in facts["evaluations"]
                ),
                tuple(map(Intervention.from_json, facts["interventions"])),
            )
    return runs

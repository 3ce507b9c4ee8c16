"""What `engine.py` and `steering.py` use: rows of a table, rounds of several sides in turn, programs that are timed."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.system.machine import cores, processor_name, threads_per_trainer

ROOT = Path(__file__).resolve().parents[2]
RIVAL = str(ROOT / "benchmarks" / "lib" / "classic_script.py")

CLASSIC_SETTINGS: dict[str, Any] = {
    "batch_size": 64,
    "lr": 0.01,
    "momentum": 0.5,
    "seed": 1,
    "test_batch_size": 1000,
    "validation_fraction": 0.0,
    "epochs": 1,
    "device": "cpu",
}


@dataclass(frozen=True)
class Figure:
    """One row of the table. `wanted` is empty for what only explains another row."""

    name: str
    measured: str
    wanted: str = ""
    basis: str = ""
    """What it was taken from: repeats, and the smallest and largest of them."""


@dataclass(frozen=True)
class Options:
    """How a part is measured."""

    repeats: int
    full: bool = False


def in_turn(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Any]]:
    """What each side returned in each round. Sides take turns, every second round in reverse order (A B, B A, ...).

    A machine whose speed drifts slows all sides of a round alike: compare within rounds.
    """
    results: dict[str, list[Any]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            results[name].append(sides[name]())
    return results


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


def figure(name: str, values: Sequence[float], form: str, wanted: str = "") -> Figure:
    """The median of `values`, each written as `form` says, such as `{:.1f} s`; with their number and range."""
    low, high = form.format(min(values)), form.format(max(values))
    return Figure(name, form.format(statistics.median(values)), wanted, f"median of {len(values)}, {low} to {high}")


def print_head() -> None:
    """What it was measured on, and the head of the table."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "streamlit"))
    print(f"{cores()} cores of {processor_name()}, {platform.machine()}, {platform.system()}")
    print(f"Python {platform.python_version()}, {packages}; {threads_per_trainer(1)} threads, seed 1 unless said")
    print_row(Figure("figure", "measured", "wanted", "basis"))


def print_row(row: Figure) -> None:
    print(f"{row.name:<64} {row.wanted:<9} {row.measured:<18} {row.basis}".rstrip(), flush=True)


def python(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a Python program from the repository to its end; returns what it printed."""
    command = [sys.executable, *arguments]
    whole = {**os.environ, **(environment or {})}
    return subprocess.run(command, cwd=ROOT, env=whole, check=True, stdout=subprocess.PIPE, text=True).stdout


def shell_seconds(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """How long a Python program takes from start to end, as a person at a terminal waits for it."""
    began = time.perf_counter()
    python(*arguments, environment={**(environment or {}), "PYTHONUNBUFFERED": ""})
    return time.perf_counter() - began


@dataclass(frozen=True)
class BareRun:
    """What `lib/bare_training.py` printed."""

    seconds: float
    """From reading the dataset to the last evaluation."""
    images_per_second: float
    """Over the time from the first step to the last evaluation."""
    accuracies: list[float]
    """On test, at each evaluation."""


@dataclass(frozen=True)
class RivalRun:
    """What `lib/classic_script.py` printed."""

    seconds: float
    """From opening the dataset to the last test, imports apart."""
    accuracies: list[float]
    """On test, after each epoch."""


def train_bare(threads: int = 0, until: float = 1.0, **settings: Any) -> BareRun:
    """Train in a fresh process, without store or server; classic settings but for `settings`."""
    config = json.dumps(CLASSIC_SETTINGS | settings)
    arguments = ["-m", "benchmarks.lib.bare_training", config, "--threads", str(threads), "--until", str(until)]
    return BareRun(**json.loads(python(*arguments)))


def train_rival(*arguments: str) -> RivalRun:
    """Have the classic script train in a fresh process, with its defaults but for `arguments`."""
    printed = python(RIVAL, *arguments)
    accuracies = [int(right) / int(images) for right, images in re.findall(r"Accuracy: (\d+)/(\d+)", printed)]
    return RivalRun(float(printed.splitlines()[-1].split()[0]), accuracies)


def classic(**settings: Any) -> TrainConfig:
    return TrainConfig(**CLASSIC_SETTINGS | settings)

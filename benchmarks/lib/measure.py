"""The table that a benchmark prints, measurements in turns, and timed programs."""

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
from mnist_core.system.paths import ROOT

CLASSIC_SCRIPT = str(Path(__file__).with_name("classic_script.py"))

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
    """One row of the table."""

    name: str
    measured: str
    aim: str = ""
    """Empty for a row that only explains another one."""
    basis: str = ""
    """Number of rounds, with the smallest and the largest value."""


@dataclass(frozen=True)
class Options:
    """How a part of `engine.py` is measured."""

    repeats: int


def measure_in_turns(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Any]]:
    """Call each side once a round, in reverse order every second round (A B, B A, ...); returns the results by side.

    A machine whose speed drifts slows all sides of a round alike, so compare within rounds.
    """
    results: dict[str, list[Any]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            results[name].append(sides[name]())
    return results


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def median_figure(name: str, values: Sequence[float], form: str, aim: str = "") -> Figure:
    """Return a row with the median of `values`; `form` formats a value, such as `{:.1f} s`."""
    low, high = form.format(min(values)), form.format(max(values))
    return Figure(name, form.format(statistics.median(values)), aim, f"median of {len(values)}, {low} to {high}")


def print_machine() -> None:
    """Print machine, versions and seed."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "streamlit"))
    print(f"{cores()} cores of {processor_name()}, {platform.machine()}, {platform.system()}")
    print(
        f"Python {platform.python_version()}, {packages}; {threads_per_trainer(1)} threads; seed 1, except where noted"
    )


def print_head() -> None:
    """Print machine, versions and the head of the table."""
    print_machine()
    print_row(Figure("figure", "measured", "aim", "basis"))


def print_row(row: Figure) -> None:
    print(f"{row.name:<64} {row.aim:<9} {row.measured:<18} {row.basis}".rstrip(), flush=True)


def run_python(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a Python program from the root of the repository; returns what it printed."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, **(environment or {})}
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def shell_seconds(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Run a Python program; returns the seconds that a user in a shell waits for it."""
    began = time.perf_counter()
    run_python(*arguments, environment={**(environment or {}), "PYTHONUNBUFFERED": ""})
    return time.perf_counter() - began


@dataclass(frozen=True)
class BareTraining:
    """What `bare_training.py` printed."""

    seconds: float
    """From reading the dataset to the last evaluation."""
    training_seconds: float
    """The steps alone, without dataset and evaluations."""
    images_per_second: float
    """From the first step to the last evaluation."""
    accuracies: list[float]
    """Test accuracy at each evaluation."""


@dataclass(frozen=True)
class ClassicTraining:
    """What `classic_script.py` printed."""

    seconds: float
    """From opening the dataset to the last test, without imports."""
    accuracies: list[float]
    """Test accuracy after each epoch."""


def train_bare(threads: int = 0, until: float = 1.0, **settings: Any) -> BareTraining:
    """Train in a new process without store or server; `settings` replace classic settings."""
    config = json.dumps(CLASSIC_SETTINGS | settings)
    arguments = [config, "--threads", str(threads), "--until", str(until)]
    return BareTraining(**json.loads(run_python("-m", "benchmarks.lib.bare_training", *arguments)))


def train_classic_script(*arguments: str) -> ClassicTraining:
    """Run the classic script in a new process; `arguments` replace its defaults."""
    output = run_python(CLASSIC_SCRIPT, *arguments)
    accuracies = [int(correct) / int(images) for correct, images in re.findall(r"Accuracy: (\d+)/(\d+)", output)]
    return ClassicTraining(float(output.splitlines()[-1].split()[0]), accuracies)


def classic_config(**settings: Any) -> TrainConfig:
    """Return the classic settings; `settings` replace some of them."""
    return TrainConfig(**CLASSIC_SETTINGS | settings)

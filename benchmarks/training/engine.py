"""Measure the engine: against the classic PyTorch script, against this machine's peak, and inside the dashboard.

    MNIST_DATA_DIR=... python benchmarks/training/engine.py [--quick] [--only epoch,peak]

Prints one table. Both sides of every ratio are measured in turns. See `README.md` in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib import served_training  # noqa: E402
from benchmarks.lib.measure import (  # noqa: E402
    CLASSIC_SCRIPT,
    Figure,
    Options,
    classic_config,
    measure_in_turns,
    median_figure,
    print_head,
    print_row,
    ratios,
    run_python,
    shell_seconds,
    train_bare,
    train_classic_script,
)
from mnist_core.config import SETTINGS  # noqa: E402
from mnist_core.system.machine import has_bf16  # noqa: E402
from mnist_core.system.paths import data_dir  # noqa: E402

LISTED_OPERATORS = 16


def epoch(options: Options) -> Iterator[Figure]:
    """Measure one epoch and one test, without imports, each in a new process."""
    sides: dict[str, Callable[[], float]] = {"fp32": lambda: train_bare().seconds}
    if has_bf16():
        sides["bf16"] = lambda: train_bare(precision="bf16").seconds
    sides["classic script"] = lambda: train_classic_script("--epochs", "1").seconds
    seconds = measure_in_turns(sides, options.repeats)
    for precision, aim in (("fp32", ">= 2.5x"), ("bf16", ">= 3.5x")):
        if precision in seconds:
            speedups = ratios(seconds["classic script"], seconds[precision])
            yield median_figure(f"one epoch, {precision}, faster than the classic script", speedups, "{:.2f}x", aim)
    for side, values in seconds.items():
        yield median_figure(f"  seconds, {side}", values, "{:.2f} s")


def program(options: Options) -> Iterator[Figure]:
    """Measure whole programs from the shell, with imports."""
    config = classic_config()
    flags = [
        word
        for name in ("epochs", "validation_fraction", "batch_size", "lr", "momentum", "seed", "test_batch_size")
        for word in (SETTINGS[name].flag, str(getattr(config, name)))
    ]
    with tempfile.TemporaryDirectory() as runs:
        environment = {"MNIST_RUNS_DIR": runs}
        seconds = measure_in_turns(
            {
                "classic script": lambda: shell_seconds(CLASSIC_SCRIPT, "--epochs", "1"),
                "engine": lambda: shell_seconds("-m", "mnist_core", "train", *flags, environment=environment),
            },
            options.repeats,
        )
    speedups = ratios(seconds["classic script"], seconds["engine"])
    yield median_figure("whole program, one epoch, imports included", speedups, "{:.2f}x", ">= 2.2x")
    yield median_figure("  seconds, classic script", seconds["classic script"], "{:.2f} s")
    yield median_figure("  seconds, python -m mnist_core train", seconds["engine"], "{:.2f} s")


def peak(options: Options) -> Iterator[Figure]:
    """Measure training's share of the machine's fp32 matrix-multiply peak."""
    output = run_python("-m", "benchmarks.lib.training_step", "peak", "--rounds", str(options.repeats))
    rates: dict[str, list[float]] = json.loads(output)
    for training, aim in (("batch 64", ">= 45 %"), ("batch 256", ">= 60 %")):
        torch_shares, onednn_shares = (
            [100 * share for share in ratios(rates[training], rates[product])] for product in ("torch", "onednn")
        )
        yield median_figure(f"training, {training}, of the fp32 peak of torch.matmul", torch_shares, "{:.0f} %", aim)
        yield median_figure(f"  training, {training}, of the fp32 peak of oneDNN", onednn_shares, "{:.0f} %")
    labels = {
        "torch": "torch.matmul, fp32",
        "onednn": "oneDNN, fp32",
        "bf16": "torch.matmul, bf16",
        "batch 64": "training, batch 64",
        "batch 256": "training, batch 256",
        "batch 64 bf16": "training, batch 64, bf16",
    }
    for name, label in labels.items():
        if name in rates:
            yield median_figure(f"  GFLOP/s, {label}", [rate / 1e9 for rate in rates[name]], "{:.0f}")


def profile(_options: Options) -> Iterator[Figure]:
    """Measure where a step spends its time: the convolutions' products alone, then operators under torch.profiler."""
    for product in json.loads(run_python("-m", "benchmarks.lib.training_step", "products")):
        name, milliseconds = f"{product['name']}, batch 64, alone", f"{1e3 * product['seconds']:.2f} ms"
        yield Figure(name, milliseconds, basis=_format_rate(product))
    operators = json.loads(run_python("-m", "benchmarks.lib.training_step", "profile").splitlines()[-1])
    step_seconds = sum(operator["seconds"] for operator in operators)
    yield Figure("one step under torch.profiler, batch 64", f"{1e3 * step_seconds:.2f} ms", basis="mean of 200 steps")
    for operator in operators[:LISTED_OPERATORS]:
        shapes = " ".join("x".join(map(str, shape)) for shape in operator["shapes"][:2])
        share = f"{1e3 * operator['seconds']:.2f} ms, {100 * operator['seconds'] / step_seconds:.1f} %"
        basis = _format_rate(operator) if operator["flop"] else ""
        yield Figure(f"  {operator['name'].removeprefix('aten::')} {shapes}", share, basis=basis)


def _format_rate(work: dict[str, Any]) -> str:
    return f"{work['flop'] / 1e6:.0f} MFLOP at {work['flop'] / work['seconds'] / 1e9:.0f} GFLOP/s"


@dataclass(frozen=True)
class Part:
    """One part of the benchmark, and how many rounds it takes, also with `--quick`."""

    measure: Callable[[Options], Iterator[Figure] | list[Figure]]
    repeats: int
    quick: int


PARTS = {
    "epoch": Part(epoch, repeats=5, quick=1),
    "program": Part(program, repeats=3, quick=1),
    "peak": Part(peak, repeats=7, quick=2),
    "streaming": Part(served_training.streaming, repeats=9, quick=2),
    "click": Part(served_training.click, repeats=9, quick=3),
    "memory": Part(served_training.memory, repeats=1, quick=1),
    "two-runs": Part(served_training.two_runs, repeats=5, quick=1),
    "profile": Part(profile, repeats=1, quick=1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds: to check that it works, not to quote")
    parser.add_argument("--only", metavar="NAME,...", help=f"parts to measure, of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, help="rounds of each part (default: depends on the part)")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}. Choose from {', '.join(PARTS)}")
    os.environ["MNIST_DATA_DIR"] = str(data_dir())

    print_head()
    for name in names:
        part = PARTS[name]
        repeats = options.repeats or (part.quick if options.quick else part.repeats)
        for row in part.measure(Options(repeats)):
            print_row(row)


if __name__ == "__main__":
    main()

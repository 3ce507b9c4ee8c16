"""Measures the engine: against the classic PyTorch script, against this machine's peak, and inside the dashboard.

    MNIST_DATA_DIR=... python benchmarks/engine.py [--quick] [--only epoch,peak] [--full]

Prints one table. The other side of every ratio is measured in turn with it, in the same run; see `README.md` here.
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

ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[0] = ROOT  # as `python -m` would have it
os.environ["PYTHONPATH"] = ROOT

from benchmarks.lib import server as served  # noqa: E402
from benchmarks.lib.measure import (  # noqa: E402
    RIVAL,
    Figure,
    Options,
    classic,
    figure,
    in_turn,
    print_head,
    print_row,
    python,
    ratios,
    shell_seconds,
    train_bare,
    train_rival,
)
from mnist_core.config import SETTINGS  # noqa: E402
from mnist_core.presets import PRESETS  # noqa: E402
from mnist_core.system.machine import has_bf16  # noqa: E402
from mnist_core.system.paths import data_dir  # noqa: E402

GOAL = 0.99
MOST_EPOCHS = 30
LISTED_OPERATORS = 16


def epoch(options: Options) -> Iterator[Figure]:
    """One epoch and one test, imports apart, each in a fresh process."""
    sides: dict[str, Callable[[], float]] = {"fp32": lambda: train_bare().seconds}
    if has_bf16():
        sides["bf16"] = lambda: train_bare(precision="bf16").seconds
    seconds = in_turn({**sides, "rival": lambda: train_rival("--epochs", "1").seconds}, options.repeats)
    for precision, wanted in (("fp32", ">= 2.5x"), ("bf16", ">= 3.5x")):
        if precision in seconds:
            times = ratios(seconds["rival"], seconds[precision])
            yield figure(f"one epoch, {precision}, faster than the classic script", times, "{:.2f}x", wanted)
    for name, values in seconds.items():
        yield figure(f"  seconds, {'classic script' if name == 'rival' else name}", values, "{:.2f} s")


def program(options: Options) -> Iterator[Figure]:
    """Whole programs from the shell, imports included."""
    settings = [
        word
        for name in ("epochs", "validation_fraction", "batch_size", "lr", "momentum", "seed", "test_batch_size")
        for word in (SETTINGS[name].flag, str(getattr(classic(), name)))
    ]
    with tempfile.TemporaryDirectory() as runs:
        environment = {"MNIST_RUNS_DIR": runs}
        seconds = in_turn(
            {
                "rival": lambda: shell_seconds(RIVAL, "--epochs", "1"),
                "engine": lambda: shell_seconds("-m", "mnist_core", "train", *settings, environment=environment),
            },
            options.repeats,
        )
    times = ratios(seconds["rival"], seconds["engine"])
    yield figure("whole program, one epoch, imports included", times, "{:.2f}x", ">= 2.2x")
    yield figure("  seconds, classic script", seconds["rival"], "{:.2f} s")
    yield figure("  seconds, python -m mnist_core train", seconds["engine"], "{:.2f} s")


def peak(options: Options) -> Iterator[Figure]:
    """Training's share of the machine's fp32 matrix-multiply peak."""
    measured = json.loads(python("-m", "benchmarks.lib.training_step", "peak", "--rounds", str(options.repeats)))
    for name, wanted in (("batch 64", ">= 45 %"), ("batch 256", ">= 60 %")):
        for of, label, goal in (("torch", "torch.matmul", wanted), ("onednn", "oneDNN", "")):
            shares = [100 * share for share in ratios(measured[name], measured[of])]
            prefix = "" if goal else "  "
            yield figure(f"{prefix}training, {name}, of the fp32 peak of {label}", shares, "{:.0f} %", goal)
    labels = {
        "torch": "torch.matmul, fp32",
        "onednn": "oneDNN, fp32",
        "bf16": "torch.matmul, bf16",
        "batch 64": "training, batch 64",
        "batch 256": "training, batch 256",
        "batch 64 bf16": "training, batch 64, bf16",
    }
    for name, label in labels.items():
        if name in measured:
            yield figure(f"  GFLOP/s, {label}", [rate / 1e9 for rate in measured[name]], "{:.0f}")


def fast(options: Options) -> Iterator[Figure]:
    """Time to 99 % on test: the preset against the classic script. One round a seed."""
    seconds: list[float] = []
    rival_seconds: list[float] = []
    rival_epochs: list[float] = []
    accuracies: dict[str, list[float]] = {"classic script": [], "fp32": []}
    missed = 0
    for seed in range(1, options.repeats + 1):
        run = train_bare(
            until=GOAL,
            **{"validation_fraction": SETTINGS["validation_fraction"].default} | PRESETS["Fast 99"] | {"seed": seed},
        )
        missed += run.accuracies[-1] < GOAL
        seconds.append(run.seconds)
        if options.full:
            rival = train_rival("--epochs", str(MOST_EPOCHS), "--until", str(GOAL), "--seed", str(seed))
            rival_seconds.append(rival.seconds)
            continue
        rival = train_rival("--epochs", "1", "--seed", str(seed))
        curve = train_bare(until=GOAL, epochs=MOST_EPOCHS, seed=seed).accuracies
        accuracies["classic script"].append(100 * rival.accuracies[0])
        accuracies["fp32"].append(100 * curve[0])
        rival_epochs.append(len(curve))
        rival_seconds.append(rival.seconds * len(curve))
    note = f"  (!) {missed} of {len(seconds)} seeds did not reach it" if missed else ""
    yield figure(
        f"time to 99 % on test, preset Fast 99, faster{note}", ratios(rival_seconds, seconds), "{:.1f}x", ">= 20x"
    )
    yield figure("  seconds, Fast 99", seconds, "{:.2f} s")
    yield figure("  seconds, classic script", rival_seconds, "{:.0f} s")
    if rival_epochs:
        yield figure("  its epochs, counted on the engine, which learns alike", rival_epochs, "{:.0f}")
        for side, values in accuracies.items():
            yield figure(f"  test accuracy after one classic epoch, {side}", values, "{:.2f} %")


def profile(_options: Options) -> Iterator[Figure]:
    """Where a step goes: the convolutions' products alone, then operators under torch.profiler."""
    for row in json.loads(python("-m", "benchmarks.lib.training_step", "products")):
        rate = f"{row['flop'] / 1e6:.0f} MFLOP at {row['flop'] / row['seconds'] / 1e9:.0f} GFLOP/s"
        yield Figure(f"{row['name']}, batch 64, alone", f"{1e3 * row['seconds']:.2f} ms", "", rate)
    rows = json.loads(python("-m", "benchmarks.lib.training_step", "profile").splitlines()[-1])
    step = sum(row["seconds"] for row in rows)
    yield Figure("one step under torch.profiler, batch 64", f"{1e3 * step:.2f} ms", "", "mean of 200 steps")
    for row in rows[:LISTED_OPERATORS]:
        shapes = " ".join("x".join(map(str, shape)) for shape in row["shapes"][:2])
        share = f"{1e3 * row['seconds']:.2f} ms, {100 * row['seconds'] / step:.1f} %"
        rate = f"{row['flop'] / 1e6:.0f} MFLOP at {row['flop'] / row['seconds'] / 1e9:.0f} GFLOP/s"
        yield Figure(f"  {row['name'].removeprefix('aten::')} {shapes}", share, "", rate if row["flop"] else "")


@dataclass(frozen=True)
class Part:
    measure: Callable[[Options], Iterator[Figure] | list[Figure]]
    repeats: int
    quick: int


PARTS = {
    "epoch": Part(epoch, repeats=5, quick=1),
    "program": Part(program, repeats=3, quick=1),
    "peak": Part(peak, repeats=7, quick=2),
    "streaming": Part(served.streaming, repeats=9, quick=2),
    "click": Part(served.click, repeats=9, quick=3),
    "memory": Part(served.memory, repeats=1, quick=1),
    "two-runs": Part(served.two_runs, repeats=5, quick=1),
    "fast": Part(fast, repeats=5, quick=1),
    "profile": Part(profile, repeats=1, quick=1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few repeats: to see that it works, not to quote")
    parser.add_argument("--only", metavar="NAME,...", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, help="instead of each part's own number")
    parser.add_argument(
        "--full", action="store_true", help="have the classic script itself train to 99 %% (half an hour)"
    )
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    os.environ["MNIST_DATA_DIR"] = str(data_dir())

    print_head()
    for name in names:
        part = PARTS[name]
        repeats = options.repeats or (part.quick if options.quick else part.repeats)
        for row in part.measure(Options(repeats, options.full)):
            print_row(row)


if __name__ == "__main__":
    main()

"""Measure small runs in turns in one process, against one after another and against a process each; a race for bits.

    python benchmarks/training/turns.py [--rounds 5] [--models softmax,mlp,classic]

Eight runs of one epoch on MNIST-5k, single-threaded, on two processes at a time, through the code of a trainer:

- **each**: a process forked for each run, as the fork server does,
- **after**: two processes that train four runs each, one after another,
- **turns**: two processes that train four runs each in turns, as a race does.

The three ways take turns within a round, and a ratio is that of one round. `wall` is the time until all have ended,
`CPU` that of all processes together, which a busy machine changes less. Both are per run, relative to `each`. All ways
must give the same results to the last bit, and so must a race of three, with other batch sizes, and its lanes alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

import torch  # noqa: E402

from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.sweeps.race import train_race  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402
from mnist_core.trainer.worker import train_run  # noqa: E402

RUNS, PROCESSES = 8, 2
WAYS = ("each", "after", "turns")
MAX_ACTIVE = 64


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default="softmax,mlp,classic")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        is_same = True
        for model in options.models.split(","):
            config = TrainConfig(model=model, dataset="mnist-5k", epochs=1, device="cpu")
            rounds = [measure_round(Path(folder), config, number) for number in range(options.rounds + 1)][1:]
            print_rounds(model, rounds)
            is_same &= all(same for *_, same in rounds)
        is_same &= race_repeats_alone(Path(folder))
    print("All results were the same to the last bit." if is_same else "RESULTS DIFFERED.")
    return 0 if is_same else 1


Round = tuple[dict[str, float], dict[str, float], bool]
"""Seconds until all runs had ended, and CPU seconds, by way; and whether all ways had the same results."""


def measure_round(folder: Path, config: TrainConfig, number: int) -> Round:
    """Train the same runs in each way."""
    configs = [replace(config, lr=0.01 * (trial + 1)) for trial in range(RUNS)]
    wall, cpu, losses = {}, {}, []
    for way in WAYS if number % 2 else reversed(WAYS):
        ids = create(folder, configs)
        started = time.monotonic()
        batches = [[run_id] for run_id in ids] if way == "each" else [ids[part::PROCESSES] for part in range(PROCESSES)]
        cpu[way] = run_processes(folder, batches, in_turns=way == "turns")
        wall[way] = time.monotonic() - started
        losses.append(read_losses(folder, ids))
    return wall, cpu, all(other == losses[0] for other in losses)


def create(folder: Path, configs: Sequence[TrainConfig]) -> list[int]:
    store = RunStore.open(folder)
    ids = [store.commands.create_run(config).id for config in configs]
    store.close()
    return ids


def read_losses(folder: Path, ids: Sequence[int]) -> list[list[float]]:
    store = RunStore.open(folder)
    losses = [store.queries.read_steps(run_id)["loss"].tolist() for run_id in ids]
    store.close()
    assert all(losses)
    return losses


def run_processes(folder: Path, batches: Sequence[Sequence[int]], *, in_turns: bool) -> float:
    """Train batches of runs in forked processes, `PROCESSES` at a time. Returns their CPU seconds.

    This process computes nothing with torch, so its children may start threads.
    """
    waiting, running, seconds = list(batches), 0, 0.0
    while waiting or running:
        while waiting and running < PROCESSES:
            batch = waiting.pop(0)
            if os.fork() == 0:
                train_in_child(folder, batch, in_turns=in_turns)
            running += 1
        _pid, status, usage = os.wait4(-1, 0)
        assert status == 0, "A trainer failed; its message is above."
        running -= 1
        seconds += usage.ru_utime + usage.ru_stime
    return seconds


def train_in_child(folder: Path, batch: Sequence[int], *, in_turns: bool) -> None:
    code = 1
    try:
        torch.set_num_threads(1)
        store = RunStore.open(folder)
        claimed = [store.trainer_writes.claim_run(run_id, own_identity(), MAX_ACTIVE) for run_id in batch]
        runs = [run for run in claimed if run]
        if in_turns:
            train_race(store, runs)
        else:
            for run in runs:
                train_run(store, run)
        code = 0
    finally:
        os._exit(code)


def print_rounds(model: str, rounds: Sequence[Round]) -> None:
    each = statistics.median(wall["each"] for wall, _, _ in rounds) / RUNS
    print(f"{model}: {each:.2f} s a run with a process each, {60 / each:.0f} runs a minute")
    for way in WAYS[1:]:
        walls = sorted(wall[way] / wall["each"] for wall, _, _ in rounds)
        cpus = sorted(cpu[way] / cpu["each"] for _, cpu, _ in rounds)
        print(
            f"  {way:5}  wall {statistics.median(walls):.2f} ({walls[0]:.2f} to {walls[-1]:.2f})"
            f"  CPU {statistics.median(cpus):.2f} ({cpus[0]:.2f} to {cpus[-1]:.2f})  of each, {len(rounds)} rounds"
        )


def race_repeats_alone(folder: Path) -> bool:
    """Return whether a race of three with other batch sizes has the results of its lanes alone."""
    base = TrainConfig(dataset="mnist-5k", epochs=2, device="cpu", model="compact")
    configs = [base, replace(base, batch_size=100, optimizer="adam", lr=0.001), replace(base, batch_size=32, lr=0.1)]
    raced, alone = create(folder, configs), create(folder, configs)
    run_processes(folder, [raced], in_turns=True)
    run_processes(folder, [[run_id] for run_id in alone], in_turns=False)
    is_same = read_losses(folder, raced) == read_losses(folder, alone)
    print(f"A race of three and its lanes alone: {'the same' if is_same else 'DIFFERENT'} losses.")
    return is_same


if __name__ == "__main__":
    sys.exit(main())

"""Examine healthy and sick runs with the training doctor, and print what it says of each.

    python benchmarks/statistics/doctor.py                   # the recorded runs of the tests
    python benchmarks/statistics/doctor.py --seed 2          # train them anew with another seed
    python benchmarks/statistics/doctor.py --seed 1 --record tests/analysis/recorded_runs.npz

Each run is examined at up to 200 moments while it trained, and at its end. A healthy run must have no finding at any of
them. A sick one must have one of the rules that describe its fault, and no other. Needs `MNIST_DATA_DIR` with MNIST.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.statistics import recorded_runs  # noqa: E402
from benchmarks.statistics.recorded_runs import HEALTHY, SICK, RecordedRun  # noqa: E402
from mnist_core.analysis.doctor import diagnose  # noqa: E402
from mnist_core.data.datasets import Dataset, load_dataset  # noqa: E402
from mnist_core.system.paths import runs_dir  # noqa: E402

RECORDED = Path(sys.path[0]) / "tests" / "analysis" / "recorded_runs.npz"
MOMENTS = 200


def train_all(seed: int) -> Iterator[RecordedRun]:
    """Train every run with this seed, one after the other."""
    torch.set_num_threads(1)
    datasets: dict[str, Dataset] = {}
    cases = {name: (sick.config, sick.change) for name, sick in SICK.items()}
    for name, (config, change) in (cases | {name: (config, None) for name, config in HEALTHY.items()}).items():
        if config.dataset not in datasets:
            datasets[config.dataset] = load_dataset(config.dataset, runs_dir=runs_dir())
        yield recorded_runs.record(name, replace(config, seed=seed), datasets[config.dataset], change)


def findings(run: RecordedRun) -> dict[str, int]:
    """Return the rules that spoke while the run trained or at its end, with the number of moments."""
    found: dict[str, int] = {}
    for steps in [*range(1, run.steps, max(1, run.steps // MOMENTS)), None]:
        if finding := diagnose(run.evidence(steps)):
            found[finding.rule] = found.get(finding.rule, 0) + 1
    return found


def print_row(run: RecordedRun) -> bool:
    """Print one line of the table; returns whether the run was judged as expected."""
    found, last = findings(run), diagnose(run.evidence())
    if run.name in HEALTHY:
        is_right, kind = not found, "healthy"
    else:
        rules = SICK[run.name].rules
        is_right, kind = bool(found) and found.keys() <= set(rules), f"sick: {rules[0]}"
    says = ", ".join(f"{rule} ({moments})" for rule, moments in found.items()) or "nothing"
    remedy = f" [{last.remedy.label}]" if last and last.remedy else ""
    end = f"{last.text}{remedy}" if last else ""
    print(f"| {run.name} | {kind} | {'yes' if is_right else 'NO'} | {says} | {end} |", flush=True)
    return is_right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="train the runs with this seed (default: read the recorded ones)")
    parser.add_argument("--record", type=Path, help="write the curves to this file")
    options = parser.parse_args()
    print("| run | kind | as expected | rules that spoke, at how many moments | at the end |\n|---|---|---|---|---|")
    runs: dict[str, RecordedRun] = {}
    right: dict[bool, list[bool]] = {True: [], False: []}
    trained = recorded_runs.read(RECORDED).values() if options.seed is None else train_all(options.seed)
    for run in trained:
        runs[run.name] = run
        right[run.name in HEALTHY].append(print_row(run))
    healthy, sick = right[True], right[False]
    print(
        f"\n{healthy.count(False)} false alarms on {len(healthy)} healthy runs; {sum(sick)} of {len(sick)} sick found."
    )
    if options.record:
        recorded_runs.write(options.record, runs)


if __name__ == "__main__":
    main()

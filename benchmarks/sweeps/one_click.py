"""Measure whether one click on Start search finds better settings, for somebody who set the sliders badly.

    MNIST_DATA_DIR=... python benchmarks/sweeps/one_click.py [--repeats 3]

Carries out the search that the form of the page Sweep begins with, on real MNIST, into stores in temporary folders. The
sliders have a learning rate that hardly learns, then one that diverges. Prints the wall time, the trials, and the
verdict, which is that of the page. The load of the machine is printed, too: trials share the cores with other programs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.records import TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.progress import find_progress
from mnist_core.sweeps.verdict import conclude
from mnist_dashboard.sweep import search_draft
from mnist_dashboard.train.settings.draft import Draft

BAD_SLIDERS = {
    "hardly learns": TrainConfig(lr=0.0003, momentum=0.1, batch_size=512),
    "diverges": TrainConfig(lr=1.0, momentum=0.95, batch_size=16),
}


def search(sliders: TrainConfig, seed: int) -> str:
    """Carry out the search, and return a line with what it found."""
    values = {name: getattr(sliders, name) for name in SETTINGS} | {"seed": seed}
    draft = Draft(values, {}, {}, TrainConfig(**values), "")
    spec = search_draft.build_spec(search_draft.first_values(), draft)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        started = time.monotonic()
        for _event in control.sweep(spec, store=store):
            pass
        seconds = time.monotonic() - started
        [sweep] = store.sweeps.list_sweeps()
        progress = find_progress(sweep, store.sweeps.list_trials(sweep.id), conclude(store, sweep))
        store.close()
    pruned = progress.counts[TrialStatus.PRUNED]
    load = os.getloadavg()[0]
    return f"{seconds:5.0f} s, {progress.ended} trials, {pruned} pruned, load {load:.1f}. {progress.sentence}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    for seed in range(1, parser.parse_args().repeats + 1):
        for name, sliders in BAD_SLIDERS.items():
            print(f"{name:13} seed {seed} {search(sliders, seed)}", flush=True)


if __name__ == "__main__":
    main()

"""The command that trains a run again in a terminal."""

from __future__ import annotations

from dataclasses import fields

from mnist_core.config import DATASETS, SETTINGS, TrainConfig
from mnist_core.records import Run
from mnist_core.system.paths import PROGRAM


def train_command(run: Run) -> str:
    """Return the command that trains a run again. It names the dataset that `auto` stood for.

    It is made of checked settings alone, since people copy it into a terminal: a run may have been imported.
    """
    threads = run.provenance.threads if run.provenance else run.threads
    words = [f"OMP_NUM_THREADS={threads}"] if threads else []
    words += [*PROGRAM.split(), "train"]
    for field in fields(TrainConfig):
        setting, value = SETTINGS[field.name], getattr(run.config, field.name)
        if field.name == "dataset" and run.dataset.lower() in DATASETS:
            value = run.dataset.lower()
        if setting.kind is bool:
            words += [setting.flag] if value else []
        elif value != setting.default:
            words += [setting.flag, str(value)]
    return " ".join(words)

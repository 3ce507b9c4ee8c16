"""Checks that a run from an archive, its steps and its evaluations fit together.

`field_readers` has checked each field by itself. Together they must be what a trainer could have recorded, since
everything that reads runs relies on that. All functions raise `ValueError` or `ConfigError` with what does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mnist_core.config import DATASETS, SETTINGS, check_batch_fits
from mnist_core.network_names import DIGEST_LENGTH, OwnNetwork
from mnist_core.records import ROUNDING, EvalMetrics, LayerNorms, Provenance, Run, check_levels
from mnist_core.training.epoch_ends import epoch_ends

MAX_SECONDS = 1e9
"""Longest plausible training time: 30 years."""

_CHECKSUM = re.compile(r"[0-9a-f]{64}")


def check_run(run: Run, steps: np.ndarray, evaluations: Sequence[EvalMetrics]) -> Run:
    """Return the run with the total steps that follow from its settings. Raises as the module says."""
    run = _check_settings(run)
    if run.provenance:
        _check_provenance(run, run.provenance)
    if run.progress.step != len(steps):
        raise ValueError(f"it should have {run.progress.step:,} steps, but has {len(steps):,}")
    if run.train_images and len(steps) > run.total_steps:
        raise ValueError(f"it has {len(steps):,} steps, but its settings give {run.total_steps:,}")
    if run.progress.epoch > run.config.epochs:
        raise ValueError(f"epoch {run.progress.epoch} of {run.config.epochs}")
    if run.parent_step is not None and run.parent_step > len(steps):
        raise ValueError(f"it continues from step {run.parent_step:,}, but has {len(steps):,} steps")
    _check_times(run)
    _check_steps(run, steps)
    _check_evaluations(run, evaluations)
    return run


def check_norms(norms: Sequence[LayerNorms], steps: int) -> None:
    """Raise `ValueError` unless the norms by layer can be those of a run with this many steps."""
    measured_at = [entry.step for entry in norms]
    if measured_at != sorted(set(measured_at)) or (norms and not 1 <= measured_at[0] <= measured_at[-1] <= steps):
        raise ValueError("the norms by layer are not those of ascending steps of the run")
    for entry in norms:
        if not entry.layers == norms[0].layers or not len(entry.layers) == len(entry.weights) == len(entry.gradients):
            raise ValueError(f"the norms at step {entry.step:,} are not those of its layers")
        if any(value < 0 for value in (*entry.weights, *entry.gradients)):
            raise ValueError(f"a norm at step {entry.step:,} is negative")


def _check_settings(run: Run) -> Run:
    if run.train_images:
        for batch_size in (run.config.batch_size, *(c.new for c in run.interventions if c.field == "batch_size")):
            check_batch_fits(int(batch_size), run.train_images)
        run = replace(run, total_steps=epoch_ends(run.config, run.train_images, run.interventions)[-1])
    changed_at = [change.step for change in run.interventions]
    if changed_at != sorted(changed_at):
        raise ValueError("its changes are not in the order of their steps")
    if changed_at and changed_at[-1] > max(run.total_steps, run.progress.step):
        raise ValueError(f"a change after step {changed_at[-1]:,} of {run.total_steps:,}")
    if run.dataset and run.dataset.lower() not in DATASETS:
        raise ValueError(f"dataset {run.dataset[:50]!r} is unknown to this program")
    return run


def _check_provenance(run: Run, provenance: Provenance) -> None:
    if provenance.seed != run.config.seed:
        raise ValueError(f"its seed is {run.config.seed}, but it was made with {provenance.seed}")
    if provenance.dataset != run.dataset:
        raise ValueError(f"its dataset is {run.dataset!r}, but it was made with {provenance.dataset[:50]!r}")
    checksums = [provenance.dataset_checksum, provenance.test_checksum]
    network = OwnNetwork.parse(run.config.model)
    if network or provenance.network_checksum:
        checksums.append(provenance.network_checksum)
    for checksum in checksums:
        if not _CHECKSUM.fullmatch(checksum):
            raise ValueError(f"{checksum[:50]!r} is no SHA-256 checksum")
    if provenance.network_checksum[:DIGEST_LENGTH] != (network.digest if network else ""):
        raise ValueError(f"its network is {run.config.model!r}, but it was made with another one")


def _check_times(run: Run) -> None:
    times = [time for time in (run.created_at, run.started_at, run.finished_at) if time]
    if times != sorted(times):
        raise ValueError("it ended before it started, or started before it was created")
    if not 0 <= run.progress.elapsed_seconds <= MAX_SECONDS:
        raise ValueError(f"it trained for {run.progress.elapsed_seconds:g} s")


def _check_steps(run: Run, steps: np.ndarray) -> None:
    if not len(steps):
        return
    epochs = steps["epoch"]
    if epochs.min() < 1 or epochs.max() > run.config.epochs or (epochs[1:] < epochs[:-1]).any():
        raise ValueError("the epochs of its steps do not ascend from 1 to the number of epochs")
    limits = {
        "accuracy": 1.0,
        "lr": SETTINGS["lr"].high,
        "momentum": 1.0,
        "elapsed_seconds": MAX_SECONDS,
        "examples_per_second": np.inf,
    }
    for name, high in limits.items():
        if not ((steps[name] >= 0) & (steps[name] <= high)).all():  # false for NaN, too
            raise ValueError(f"{name} of a step is not between 0 and {high:g}")


def _check_evaluations(run: Run, evaluations: Sequence[EvalMetrics]) -> None:
    evaluated_at = [evaluation.step for evaluation in evaluations]
    if evaluated_at != sorted(evaluated_at):
        raise ValueError("its evaluations are not in the order of their steps")
    if evaluated_at and evaluated_at[-1] > max(run.total_steps, run.progress.step):
        raise ValueError(f"an evaluation after step {evaluated_at[-1]:,} of {run.total_steps:,}")
    for evaluation in evaluations:
        if evaluation.epoch > run.config.epochs:
            raise ValueError(f"an evaluation in epoch {evaluation.epoch} of {run.config.epochs}")
        if not 0 <= evaluation.elapsed_seconds <= MAX_SECONDS:
            raise ValueError(f"an evaluation after {evaluation.elapsed_seconds:g} s")
        images = run.test_images if evaluation.split == "test" else run.validation_images
        if images and len(evaluation.predictions) not in (0, images):
            raise ValueError(f"{len(evaluation.predictions):,} predictions for {images:,} {evaluation.split} images")
        _check_confusion(evaluation)
        if evaluation.probabilities is not None:
            check_levels(evaluation.probabilities, evaluation.predictions)


def _check_confusion(evaluation: EvalMetrics) -> None:
    """Check the matrix against the accuracy and the predictions; one of zeros was not recorded."""
    confusion = np.array(evaluation.confusion)
    total = int(confusion.sum())
    if not total:
        return
    if abs(float(np.trace(confusion)) / total - evaluation.accuracy) > ROUNDING:
        raise ValueError("an accuracy does not follow from its confusion matrix")
    predicted = np.bincount(evaluation.predictions, minlength=10)
    if len(evaluation.predictions) and (predicted != confusion.sum(axis=0)).any():
        raise ValueError("a confusion matrix does not follow from its predictions")

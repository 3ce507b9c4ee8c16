"""The command `mistakes`: what a run gets wrong, class by class, and how far its probabilities can be believed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from mnist_core.analysis.predictions.calibration import BINS, accuracy_kept, calibrate
from mnist_core.analysis.predictions.per_class import PerClassReport, count_confusion, report_classes
from mnist_core.analysis.predictions.true_labels import true_labels
from mnist_core.cli.command_setup import Subparsers, add_command, open_store
from mnist_core.data.run_images import RunImages
from mnist_core.errors import DatasetError, RunStateError
from mnist_core.formatting import MISSING, format_percent
from mnist_core.records import EvalMetrics, Run
from mnist_core.store.queries import Queries
from mnist_core.system.terminal_text import display_width, pad

HEADINGS = ("Class", "Precision", "Recall", "F1", "Images", "Most read as")

SET_ASIDE = 0.1
"""Share of the images whose predictions are least certain, which are set aside for one of the lines."""


def add_mistakes_command(subparsers: Subparsers) -> None:
    """Add `mistakes` to `subparsers`."""
    parser = add_command(subparsers, "mistakes", "tell what a run gets wrong, class by class", _mistakes)
    parser.add_argument("run", help="name or number of the run")
    split_help = "images to judge it by (default: test, or validation if the run was not tested)"
    parser.add_argument("--split", choices=("validation", "test"), help=split_help)


def _mistakes(options: argparse.Namespace) -> int:
    queries = open_store().queries
    run = queries.find_run(options.run)
    evaluation = _last_evaluation(queries, run, options.split)
    confusion, labels, problem = np.array(evaluation.confusion), None, ""
    try:
        labels = true_labels(queries, RunImages(), run, evaluation.split)
    except DatasetError as error:
        problem = str(error)
    if not confusion.any():  # an imported run may lack the matrix
        if labels is None:
            raise DatasetError(problem)
        confusion = count_confusion(labels, evaluation.predictions)
    images = f"{len(evaluation.predictions):,} {evaluation.split} images"
    accuracy = format_percent(evaluation.accuracy)
    print(f"{run.name} gets {accuracy} of {images} right after step {evaluation.step:,}.\n")
    _print_table(_table(report_classes(confusion)))
    for line in _calibration_lines(evaluation, labels, problem):
        print(f"\n{line}")
    return 0


def _last_evaluation(queries: Queries, run: Run, split: str | None) -> EvalMetrics:
    """Return the last evaluation on a split, or on the best one there is. Raises `RunStateError` without any."""
    evaluations = queries.list_stored_evaluations(run.id)
    for wanted in (split,) if split else ("test", "validation"):
        if found := [evaluation for evaluation in evaluations if evaluation.split == wanted]:
            return queries.get_evaluation(run.id, found[-1].id)
    where = f" on {split} images" if split else ""
    raise RunStateError(f"{run.name} is {run.status.word} and has no evaluation{where}. Choose a run that has one.")


def _table(report: PerClassReport) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [HEADINGS]
    for found in report.classes:
        confusion = MISSING if found.confused_with is None else f"{found.confused_with} ({found.confused:,} times)"
        shares = [format_percent(share) for share in (found.precision, found.recall, found.f1)]
        rows.append([str(found.label), *shares, f"{found.support:,}", confusion])
    total = sum(found.support for found in report.classes)
    for name, mean in (("Mean", report.macro), ("Weighted mean", report.weighted)):
        rows.append([name, *map(format_percent, (mean.precision, mean.recall, mean.f1)), f"{total:,}", ""])
    return rows


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            pad(cell, width, right=0 < column < len(widths) - 1)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"  {'  '.join(cells)}".rstrip())


def _calibration_lines(evaluation: EvalMetrics, labels: np.ndarray | None, problem: str) -> list[str]:
    """Say how far the probabilities can be believed, or why that is not known."""
    if evaluation.probabilities is None:
        return ["Its probabilities are unknown: it was recorded before runs kept them."]
    if labels is None:
        return [f"How far its probabilities can be believed is unknown. {problem}"]
    arrays = evaluation.probabilities, evaluation.predictions, labels
    (kept,) = accuracy_kept(*arrays, shares=(1 - SET_ASIDE,))
    return [
        f"Its confidence differs from its accuracy by {format_percent(calibrate(*arrays).ece)} on average "
        f"(expected calibration error, {BINS} bins).",
        f"Without the {100 * SET_ASIDE:.0f} % of the images that it is least certain about, it gets "
        f"{format_percent(kept.accuracy)} right.",
    ]

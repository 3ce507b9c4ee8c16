"""What there is to know of a run, as rows of small tables: pure functions of a run."""

from __future__ import annotations

from dataclasses import asdict

from mnist_core.config import SETTINGS
from mnist_core.records import Provenance, Run
from mnist_dashboard.ui.formatting import format_count, format_duration, format_loss, format_percent, format_time

Rows = list[dict[str, str]]

COMMIT_DIGITS, CHECKSUM_DIGITS = 12, 16
"""So many tell commits and datasets apart; an export has all of them."""


def settings(run: Run) -> Rows:
    """As the run began; what was changed on the way is in `interventions`."""
    values = asdict(run.config)
    return [{"Setting": one.label, "Value": str(values[name]), "Unit": one.unit} for name, one in SETTINGS.items()]


def results(run: Run) -> Rows:
    """What was measured so far, and when."""
    step = (
        f"{format_count(run.progress.step)} of {format_count(run.total_steps)}"
        if run.total_steps
        else format_count(run.progress.step)
    )
    return _rows(
        "Result",
        {
            "Test accuracy": format_percent(run.results.test_accuracy),
            "Test loss": format_loss(run.results.test_loss),
            "Best validation accuracy": format_percent(run.results.best_validation_accuracy),
            "Validation accuracy, last": format_percent(run.results.validation_accuracy),
            "Training loss, last": format_loss(run.progress.loss),
            "Training accuracy, last": format_percent(run.progress.accuracy),
            "Step": step,
            "Images a second": format_count(run.progress.examples_per_second),
            "Time spent training": format_duration(run.progress.elapsed_seconds),
            "Created": format_time(run.created_at),
            "Started": format_time(run.started_at),
            "Ended": format_time(run.finished_at),
        },
    )


def interventions(run: Run) -> Rows:
    """What was changed while it was going, in order."""
    return [
        {
            "After step": format_count(one.step),
            "Setting": SETTINGS[one.field].label,
            "From": f"{one.old:g}",
            "To": f"{one.new:g}",
            "By": one.by,
            "At": format_time(one.at),
        }
        for one in run.interventions
    ]


def provenance(made: Provenance) -> Rows:
    """Code, packages, machine and data that a run was made with."""
    commit = f"{made.commit[:COMMIT_DIGITS]}{', with changes that are in no commit' if made.is_dirty else ''}"
    return _rows(
        "What",
        {
            "Code": commit if made.commit else "not from a git checkout",
            "Python": made.python,
            **made.packages,
            "System": made.platform,
            "Processor": made.processor,
            "Device": f"{made.device}, {made.precision}",
            "Threads": str(made.threads),
            "Seed": str(made.seed),
            "Dataset": made.dataset,
            "Dataset checksum": made.dataset_checksum[:CHECKSUM_DIGITS],
            "Test set checksum": made.test_checksum[:CHECKSUM_DIGITS],
        },
    )


def _rows(heading: str, values: dict[str, str]) -> Rows:
    return [{heading: name, "Value": value} for name, value in values.items()]

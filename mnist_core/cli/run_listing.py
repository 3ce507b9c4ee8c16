"""Format a list of runs as a table or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from mnist_core import labels
from mnist_core.exports.train_command import train_command
from mnist_core.formatting import MISSING, format_duration, format_percent
from mnist_core.records import NOT_IN_TERMINAL, Run, encode_json, json_value, run_values
from mnist_core.system.paths import PROGRAM
from mnist_core.system.terminal_text import display_width, pad


def format_runs_json(runs: Sequence[Run]) -> str:
    """Return a JSON array with one object per run, in the given order; times are ISO 8601 in UTC."""
    return encode_json([_run_to_json(run) for run in runs], indent=2)


def _run_to_json(run: Run) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: value.isoformat() if isinstance(value, datetime) else json_value(value)
        for name, value in run_values(run, NOT_IN_TERMINAL).items()
    }
    if values["provenance"] and not run.damage:
        values["provenance"]["command"] = train_command(run)
    return values


_COLUMNS: dict[str, Callable[[Run], str]] = {
    "Run": lambda run: run.name,
    "Status": lambda run: run.shown_status.label.lower() + (", unverified" if run.unverified else ""),
    "Dataset": lambda run: run.dataset or MISSING,
    "Batch": lambda run: str(run.config.batch_size),
    "LR": lambda run: f"{run.config.lr:g}",
    "Momentum": lambda run: f"{run.config.momentum:g}",
    "Epochs": lambda run: str(run.config.epochs),
    labels.STEP: lambda run: f"{run.progress.step}/{run.total_steps}" if run.total_steps else MISSING,
    labels.BEST_VALIDATION: lambda run: format_percent(run.results.best_validation_accuracy),
    labels.TEST_ACCURACY: lambda run: format_percent(run.results.test_accuracy),
    labels.TEST_LOSS: lambda run: MISSING if run.results.test_loss is None else f"{run.results.test_loss:.4f}",
    labels.SPEED_WITH_UNIT: lambda run: f"{rate:.0f}" if (rate := run.progress.examples_per_second) else MISSING,
    labels.DURATION: lambda run: format_duration(run.progress.elapsed_seconds),
}
_TEXT_COLUMNS = ("Run", "Status", "Dataset")


def format_runs_table(runs: Sequence[Run]) -> str:
    """Return a table with one line per run, or how to start a run if there is none."""
    if not runs:
        return f"No runs yet. Start one with: {PROGRAM} train"
    rows = [list(_COLUMNS), *map(_table_cells, runs)]
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_table_line(row, widths) for row in rows)


def _table_cells(run: Run) -> list[str]:
    """Return the cells of a run. Of a damaged one only name and status are certain."""
    return [cell(run) if title in ("Run", "Status") or not run.damage else MISSING for title, cell in _COLUMNS.items()]


def _table_line(cells: list[str], widths: list[int]) -> str:
    padded_cells = [
        pad(cell, width, right=title not in _TEXT_COLUMNS)
        for title, cell, width in zip(_COLUMNS, cells, widths, strict=True)
    ]
    return "  ".join(padded_cells).rstrip()

"""How events and runs are written in a terminal: the classic script's lines, JSON, and a table of runs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Self

from tqdm import tqdm

from mnist_core.config import MODELS
from mnist_core.records import EvalMetrics, Event, Run, StepMetrics
from mnist_core.store.queries import Queries
from mnist_core.system.paths import PROGRAM
from mnist_core.trainer.speed import epoch_seconds
from mnist_core.training.networks import PARAMETER_COUNTS

_SPLIT_TITLES = {"test": "Test set", "validation": "Validation set"}


class _Printer:
    """What both printers share: at the first event, when the dataset is known, standard error says what is trained."""

    def __init__(self, queries: Queries, run: Run) -> None:
        self._queries = queries
        self._run = run
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Leave the terminal as it was found."""

    def show(self, event: Event) -> None:
        if not self._begun:
            self._begun = True
            self._run = self._queries.get_run(self._run.id)
            if self._run.notice:
                print(self._run.notice, file=sys.stderr)
            print(_network_line(self._run), file=sys.stderr)
        self._print(event)

    def _print(self, event: Event) -> None:
        raise NotImplementedError


class ClassicPrinter(_Printer):
    """Prints what the classic PyTorch script prints, above a progress bar if standard error is a terminal."""

    def __init__(self, queries: Queries, run: Run, log_interval: int) -> None:
        super().__init__(queries, run)
        self._log_interval = log_interval
        self._bar: tqdm[Any] | None = None

    def __exit__(self, *_exc: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _print(self, event: Event) -> None:
        if self._bar is None:
            self._bar = tqdm(total=self._run.total_steps, unit="batch", disable=not sys.stderr.isatty(), leave=False)
        if isinstance(event, EvalMetrics):
            self._bar.write(_evaluation_line(event))
            return
        self._bar.update()
        batches = math.ceil(self._run.train_images / self._run.config.batch_size)
        batch_index = (event.step - 1) % batches
        if batch_index % self._log_interval == 0:
            self._bar.write(self._step_line(event, batch_index, batches))

    def _step_line(self, event: StepMetrics, batch_index: int, batches: int) -> str:
        seen = batch_index * self._run.config.batch_size
        share = 100 * batch_index / batches
        return f"Train Epoch: {event.epoch} [{seen}/{self._run.train_images} ({share:.0f}%)] Loss: {event.loss:.6f}"


def _evaluation_line(event: EvalMetrics) -> str:
    images = sum(map(sum, event.confusion))
    correct = sum(event.confusion[digit][digit] for digit in range(10))
    return (
        f"\n{_SPLIT_TITLES[event.split]}: Average loss: {event.loss:.4f}, "
        f"Accuracy: {correct}/{images} ({100 * correct / images:.0f}%)\n"
    )


class JsonPrinter(_Printer):
    """Prints one JSON object per event and line; `event` says which kind. Predictions are left out, NaN is null."""

    def _print(self, event: Event) -> None:
        fields = {name: getattr(event, name) for name in event.__slots__ if name != "predictions"}
        if not math.isfinite(event.loss):
            fields["loss"] = None
        kind = "step" if isinstance(event, StepMetrics) else "evaluation"
        print(json.dumps({"event": kind, **fields}), flush=True)


def _network_line(run: Run) -> str:
    """The network, its size, and how long an epoch takes if that was measured on this machine."""
    model = run.config.model
    seconds = epoch_seconds(run.config, run.train_images)
    estimate = "" if seconds is None else f", about {_clock(max(1, round(seconds)))} per epoch here"
    return f"{MODELS[model]}: {PARAMETER_COUNTS[model]:,} parameters{estimate}."


def format_runs_json(runs: Sequence[Run]) -> str:
    """A JSON array, one object per run, oldest first; times in ISO 8601, UTC."""
    return json.dumps([_run_to_json(run) for run in runs], indent=2)


def _run_to_json(run: Run) -> dict[str, Any]:
    numbers = {**asdict(run.progress), **asdict(run.results)}
    del numbers["live_confusion"]
    numbers |= {name: None for name, number in numbers.items() if number is not None and not math.isfinite(number)}
    times = {name: getattr(run, name) for name in ("created_at", "started_at", "finished_at")}
    return {
        **{name: getattr(run, name) for name in ("id", "name", "status", "attempt", "reason", "notice", "dataset")},
        **{name: getattr(run, name) for name in ("train_images", "validation_images", "test_images", "total_steps")},
        **{name: moment and moment.isoformat() for name, moment in times.items()},
        **{name: getattr(run, name) for name in ("notes", "tags", "starred", "archived", "device", "threads")},
        "parent_id": run.parent_id,
        "model_file": run.model_file,
        "config": asdict(run.config),
        "provenance": asdict(run.provenance) if run.provenance else None,
        **numbers,
    }


_COLUMNS: dict[str, Callable[[Run], str]] = {
    "Run": lambda run: run.name,
    "Status": lambda run: run.status.label.lower(),
    "Dataset": lambda run: run.dataset or "–",
    "Batch": lambda run: str(run.config.batch_size),
    "LR": lambda run: f"{run.config.lr:g}",
    "Momentum": lambda run: f"{run.config.momentum:g}",
    "Epochs": lambda run: str(run.config.epochs),
    "Step": lambda run: f"{run.progress.step}/{run.total_steps}" if run.total_steps else "–",
    "Best val.": lambda run: _percent(run.results.best_validation_accuracy),
    "Test acc.": lambda run: _percent(run.results.test_accuracy),
    "Test loss": lambda run: "–" if run.results.test_loss is None else f"{run.results.test_loss:.4f}",
    "Img/s": lambda run: "–" if not run.progress.examples_per_second else f"{run.progress.examples_per_second:.0f}",
    "Time": lambda run: _clock(run.progress.elapsed_seconds),
}
_TEXT_COLUMNS = ("Run", "Status", "Dataset")


def format_runs_table(runs: Sequence[Run]) -> str:
    """One line per run under a line of headings, columns aligned."""
    if not runs:
        return f"No runs yet. Start one with: {PROGRAM} train"
    rows = [list(_COLUMNS), *[[cell(run) for cell in _COLUMNS.values()] for run in runs]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_table_line(row, widths) for row in rows)


def _table_line(cells: list[str], widths: list[int]) -> str:
    padded = [
        cell.ljust(width) if title in _TEXT_COLUMNS else cell.rjust(width)
        for title, cell, width in zip(_COLUMNS, cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

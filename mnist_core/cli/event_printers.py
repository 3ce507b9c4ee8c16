"""Print the events of a training run: as the classic script prints them, or as JSON."""

from __future__ import annotations

import math
import sys
from typing import Any, Self

from tqdm import tqdm

from mnist_core.config import MODELS
from mnist_core.formatting import format_duration
from mnist_core.records import EvalMetrics, Event, Run, StepMetrics, encode_json, json_value
from mnist_core.store.queries import Queries
from mnist_core.trainer.speed import epoch_seconds
from mnist_core.training.parameter_counts import PARAMETER_COUNTS

_SPLIT_TITLES = {"test": "Test set", "validation": "Validation set"}


class _Printer:
    """Prints the events of one run, after a description of the run on standard error.

    The description waits for the first event, because the dataset is not known earlier.
    """

    def __init__(self, queries: Queries, run: Run) -> None:
        self._queries = queries
        self._run = run
        self._is_described = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Do nothing. Subclasses close what they opened."""

    def show(self, event: Event) -> None:
        if not self._is_described:
            self._is_described = True
            self._run = self._queries.get_run(self._run.id)
            if self._run.notice:
                print(self._run.notice, file=sys.stderr)
            print(_network_line(self._run), file=sys.stderr)
        self._print(event)

    def _print(self, event: Event) -> None:
        raise NotImplementedError


class ClassicPrinter(_Printer):
    """Prints the lines of the classic PyTorch script, above a progress bar if standard error is a terminal."""

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
        batches_per_epoch = math.ceil(self._run.train_images / self._run.config.batch_size)
        batch_index = (event.step - 1) % batches_per_epoch
        if batch_index % self._log_interval == 0:
            self._bar.write(self._step_line(event, batch_index, batches_per_epoch))

    def _step_line(self, event: StepMetrics, batch_index: int, batches_per_epoch: int) -> str:
        images = batch_index * self._run.config.batch_size
        percent = 100 * batch_index / batches_per_epoch
        return f"Train Epoch: {event.epoch} [{images}/{self._run.train_images} ({percent:.0f}%)] Loss: {event.loss:.6f}"


def _evaluation_line(event: EvalMetrics) -> str:
    images = sum(map(sum, event.confusion))
    correct = sum(event.confusion[digit][digit] for digit in range(10))
    return (
        f"\n{_SPLIT_TITLES[event.split]}: Average loss: {event.loss:.4f}, "
        f"Accuracy: {correct}/{images} ({100 * correct / images:.0f}%)\n"
    )


class JsonPrinter(_Printer):
    """Prints each event as one line of JSON whose `event` is `step` or `evaluation`.

    Leaves out the predictions, and writes a number that is not finite as null.
    """

    def _print(self, event: Event) -> None:
        fields = {name: json_value(getattr(event, name)) for name in event.__slots__ if name != "predictions"}
        kind = "step" if isinstance(event, StepMetrics) else "evaluation"
        print(encode_json({"event": kind, **fields}), flush=True)


def _network_line(run: Run) -> str:
    """Describe the network: its size and, if this machine's speed is known, the time of an epoch."""
    model = run.config.model
    seconds = epoch_seconds(run.config, run.train_images)
    estimate = "" if seconds is None else f", about {format_duration(max(1, round(seconds)))} per epoch here"
    return f"{MODELS[model]}: {PARAMETER_COUNTS[model]:,} parameters{estimate}."

"""Print the events of a training run: as the classic script prints them, or as JSON."""

from __future__ import annotations

import math
import sys
from typing import Any, Self

from tqdm import tqdm

from mnist_core.config import choice_label
from mnist_core.formatting import format_duration
from mnist_core.records import EvalMetrics, Event, Run, StepMetrics, encode_json, json_value
from mnist_core.store.queries import Queries
from mnist_core.trainer.speed import epoch_seconds
from mnist_core.training.epoch_ends import batch_size_at, position_in_epoch
from mnist_core.training.networks.parameter_counts import PARAMETER_COUNTS

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
    """Prints the lines of the classic PyTorch script, above a progress bar if standard error is a terminal.

    The position in an epoch counts images, because the batch size can change during a run.
    """

    def __init__(self, queries: Queries, run: Run, log_interval: int) -> None:
        super().__init__(queries, run)
        self._log_interval = log_interval
        self._bar: tqdm[Any] | None = None
        self._epoch = 0
        self._batches = self._images = 0
        """Batches and images of the epoch trained on so far."""
        self._batch_size = 0
        """Size of the latest batch, apart from the last one of an epoch, which may be smaller."""

    def __exit__(self, *_exc: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _print(self, event: Event) -> None:
        bar = self._bar = self._bar or self._start(event)
        if isinstance(event, EvalMetrics):
            self._write(_evaluation_line(event))
            return
        if event.epoch != self._epoch:
            self._epoch, self._batches, self._images = event.epoch, 0, 0
            bar.n = (event.epoch - 1) * self._run.train_images  # also if some images were left out of the last epoch
        size = sum(map(sum, event.confusion))
        if self._images + size < self._run.train_images:
            self._batch_size = size
        if self._batches % self._log_interval == 0:
            self._write(self._step_line(event))
        self._batches += 1
        self._images += size
        bar.update(size)

    def _start(self, event: Event) -> tqdm[Any]:
        """Find the position at which a run starts, which may be resumed, and open the bar."""
        run, step = self._run, event.step - isinstance(event, StepMetrics)
        self._epoch = event.epoch
        self._batches, self._images = position_in_epoch(run, event.epoch, step)
        self._batch_size = batch_size_at(run.config, run.interventions, step)
        return tqdm(
            total=run.config.epochs * run.train_images,
            initial=(event.epoch - 1) * run.train_images + self._images,
            unit=" images",
            disable=not sys.stderr.isatty(),
            leave=False,
        )

    def _write(self, line: str) -> None:
        tqdm.write(line)
        sys.stdout.flush()

    def _step_line(self, event: StepMetrics) -> str:
        """Return the line of a batch; the percentage counts the last batch of the epoch as full, as the script does."""
        images, total = self._images, self._run.train_images
        remaining_batches = math.ceil((total - images) / self._batch_size)
        percent = 100 * images / (images + remaining_batches * self._batch_size)
        return f"Train Epoch: {event.epoch} [{images}/{total} ({percent:.0f}%)]\tLoss: {event.loss:.6f}"


def _evaluation_line(event: EvalMetrics) -> str:
    images = sum(map(sum, event.confusion))
    correct = sum(event.confusion[digit][digit] for digit in range(10))
    return (
        f"\n{_SPLIT_TITLES[event.split]}: Average loss: {event.loss:.4f}, "
        f"Accuracy: {correct}/{images} ({100 * correct / images:.0f}%)\n"
    )


class JsonPrinter(_Printer):
    """Prints each event as one line of JSON whose `event` is `step` or `evaluation`.

    Leaves out what an evaluation predicted for each image, and writes a number that is not finite as null.
    """

    def _print(self, event: Event) -> None:
        print(encode_json(event_fields(event)), flush=True)


def event_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event as JSON values, with its kind as `event`, but not what it predicted."""
    names = [name for name in event.__slots__ if name not in ("predictions", "probabilities")]
    kind = "step" if isinstance(event, StepMetrics) else "evaluation"
    return {"event": kind, **{name: json_value(getattr(event, name)) for name in names}}


def _network_line(run: Run) -> str:
    """Describe the network: its size and, if this machine's speed is known, the time of an epoch."""
    model = run.config.model
    seconds = epoch_seconds(run.config, run.train_images)
    estimate = "" if seconds is None else f", about {format_duration(max(1, round(seconds)))} per epoch here"
    recorded = run.provenance.parameters if run.provenance else 0
    return f"{choice_label('model', model)}: {PARAMETER_COUNTS.get(model, recorded):,} parameters{estimate}."

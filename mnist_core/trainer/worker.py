"""Trains a run in this process and records it in the store. Runs of a race take turns in one process.

Training stops early when the store or a signal asks for it. The store always records how a run ended.
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch

from mnist_core.data.datasets import Dataset
from mnist_core.errors import MnistError, NotSavedError, StaleAttemptError, StoreLockedError, StoreUnavailableError
from mnist_core.records import Adjustment, EvalMetrics, Event, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.trainer.file_saver import FileSaver
from mnist_core.trainer.metrics_buffer import MetricsBuffer
from mnist_core.trainer.preparation import prepare
from mnist_core.trainer.retries import RETRY_SECONDS, retry_while_locked
from mnist_core.trainer.shutdown import SHUTDOWN_REASONS, ShutdownSignals
from mnist_core.trainer.steering import Steering
from mnist_core.training.engine import train
from mnist_core.training.layer_norms import LayerNormMeter
from mnist_core.training.networks.own.code import printing_to_stderr
from mnist_core.training.train_state import TrainState

Observer = Callable[[Event], None]

GIVE_UP_SECONDS = 60.0
"""Time after which a trainer gives up recording how its run ended; it never gives up on a locked database."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, why, and where its model was saved."""

    status: RunStatus
    reason: str = ""
    model_file: str = ""
    lost_patience: bool = False
    retry_save: Callable[[], object] = lambda: None
    """Commits and saves what could not be written when the run ended."""


def train_run(
    store: RunStore,
    run: Run,
    observe: Observer = lambda _event: None,
    *,
    sigterm_reason: str = SHUTDOWN_REASONS[signal.SIGTERM],
    data: Dataset | None = None,
) -> Run:
    """Train a run that this process has claimed, and return it when it has ended.

    `data` is its dataset, if the caller has loaded that already.
    `observe` is called with every event, after the metrics buffer; if it raises `BrokenPipeError`, the run is
    interrupted. An error that a person can fix (`MnistError`) marks the run as failed and is then raised. A full disk
    interrupts the run instead. That error is raised only if the disk stays full for so long that even the interruption
    cannot be recorded. While another process keeps the database locked, the run trains on and records results later.
    """
    keep_freed_memory()
    training = RunTraining(store, run, ShutdownSignals(sigterm_reason), observe)
    training.begin(data)
    while training.advance():
        training.wait_while_paused()
    return training.end()


class RunTraining:
    """The training of one run that this process has claimed, one event after another.

    `begin()` prepares it, `advance()` trains until the next event, and `end()` records how it ended. What goes wrong
    ends the run; `end()` raises it then. Several of them can take turns in one process: each trains with the number of
    threads that it began with.
    """

    def __init__(
        self, store: RunStore, run: Run, shutdown: ShutdownSignals, observe: Observer = lambda _event: None
    ) -> None:
        self.run = run
        self._store = store
        self._shutdown = shutdown
        self._observe = observe
        self.data: Dataset | None = None
        """The dataset, once it has been loaded."""
        self._threads = torch.get_num_threads()
        self._parts: _Parts | None = None
        self._event: Event | None = None
        self._is_stopping = False
        self._outcome: Outcome | None = None
        self._error: Exception | None = None

    def begin(self, data: Dataset | None = None) -> None:
        """Load the network, the dataset, unless `data` is it, and the state to start from."""
        with self._ending_at_errors():
            torch.set_num_threads(self._threads)
            prepared = retry_while_locked(
                lambda: prepare(self._store, self.run, self._should_end, data), self._should_end
            )
            self._threads = torch.get_num_threads()
            if prepared is None:
                self._outcome = _early_outcome(self._shutdown)
            else:
                self.data, state, self.run = prepared
                self._parts = _Parts.of(self._store, self.run, self.data, state, self._should_end)

    @property
    def position(self) -> tuple[int, int]:
        """The epoch, and how many of its images the run has trained on."""
        return (self._parts.state.epoch, self._parts.state.offset) if self._parts else (0, 0)

    @property
    def is_waiting(self) -> bool:
        """Whether the run is paused, so that it has no next event."""
        return self._outcome is None and bool(self._parts and self._parts.steering.is_waiting)

    @property
    def is_ending(self) -> bool:
        """Whether the next `advance` ends the run."""
        parts = self._parts
        if self._outcome or not parts:
            return True
        return bool(self._event and (self._is_stopping or parts.steering.was_stopped or self._shutdown.reason))

    @property
    def _has_tested_best(self) -> bool:
        """Whether early stopping has tested the best weights: a stop is too late then. A signal still interrupts."""
        is_test = isinstance(self._event, EvalMetrics) and self._event.split == "test"
        return is_test and bool(self.run.config.patience) and not self._shutdown.reason

    def advance(self) -> bool:
        """Train until the next event and record it, or stop if the run was asked to. Returns whether training goes on.

        Raises `StaleAttemptError` if another trainer has claimed the run.
        """
        with self._ending_at_errors():
            if self._outcome is None:
                assert self._parts
                self._outcome = self._advance(self._parts)
        return self._outcome is None

    def wait_while_paused(self) -> None:
        """Wait until the run is to train on, be evaluated, or end."""
        with self._ending_at_errors():
            if self._parts:
                self._parts.steering.wait(self._parts.buffer.commit)

    def poll(self) -> None:
        """Read what people ask of the run, without training, and show that its trainer is alive."""
        with self._ending_at_errors():
            if self._parts:
                self._parts.steering.poll(self._parts.buffer.commit)

    def end(self) -> Run:
        """Record how the run ended and return it. Raises what made it fail if a person can fix that (`MnistError`)."""
        assert self._outcome
        self._parts = None
        _record_outcome(self._store, self.run, self._outcome, self._shutdown)
        if self._error:
            raise self._error
        return self._store.queries.get_run(self.run.id)

    def _should_end(self) -> bool:
        return bool(self._shutdown.reason)

    @contextlib.contextmanager
    def _ending_at_errors(self) -> Iterator[None]:
        """End the run at any error but `StaleAttemptError`: it must not stay `running` for ever."""
        try:
            yield
        except StaleAttemptError:
            raise
        except (StoreUnavailableError, NotSavedError) as error:
            reason = self._shutdown.reason or str(error)
            parts, event = self._parts, self._event
            retry_save = (lambda: parts.saver.retry(event)) if parts else (lambda: None)
            self._outcome = Outcome(RunStatus.INTERRUPTED, reason, retry_save=retry_save)
        except MnistError as error:
            self._outcome, self._error = Outcome(RunStatus.FAILED, str(error)), error
        except Exception as error:
            self._outcome = _failed_outcome(error)

    def _advance(self, parts: _Parts) -> Outcome | None:
        """Take the next event from the engine and record it. Returns how the run ended, or None."""
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        adjustment = parts.steering.next_adjustment() if self._event else None
        if self.is_ending and not self._has_tested_best:
            parts.events.close()
            parts.buffer.finish()
            parts.saver.save_at_stop()
            return _early_outcome(self._shutdown, parts.saver.save_model)
        event = _next_event(parts.events, adjustment)
        if event is None:
            parts.buffer.finish()
            parts.saver.save_at_end()
            state = parts.state
            return Outcome(RunStatus.COMPLETED, state.ending, parts.saver.save_model(), state.lost_patience)
        self._event = event
        if parts.meter and (norms := parts.meter.norms_at(event)):
            parts.buffer.add_norms(norms)
        self._is_stopping |= parts.buffer.add(event) is RunStatus.STOPPING
        self._show(event)
        if not math.isfinite(event.loss):
            parts.buffer.finish()
            return _diverged_outcome(event)
        parts.saver.save_if_due(event)
        parts.steering.observe(event, parts.buffer.commit)
        return None

    def _show(self, event: Event) -> None:
        try:
            self._observe(event)
        except BrokenPipeError:
            self._shutdown.reason = SHUTDOWN_REASONS[signal.SIGPIPE]


@dataclass(frozen=True)
class _Parts:
    """What a run trains with, once it has been prepared."""

    state: TrainState
    buffer: MetricsBuffer
    steering: Steering
    saver: FileSaver
    meter: LayerNormMeter | None
    events: Generator[Event, Adjustment | None, None]

    @classmethod
    def of(cls, store: RunStore, run: Run, data: Dataset, state: TrainState, should_end: Callable[[], bool]) -> _Parts:
        buffer = MetricsBuffer(store, run, should_end=should_end)
        steering = Steering(store, run, state, should_end=should_end)
        saver = FileSaver(store, run, data.name, state, buffer=buffer, steering=steering)
        meter = None if run.config.skip_norms else LayerNormMeter(state.model)
        return cls(state, buffer, steering, saver, meter, train(run.config, data, state=state))


def _record_outcome(store: RunStore, run: Run, outcome: Outcome, shutdown: ShutdownSignals) -> None:
    """Record how a run ended. Try again while the database cannot be written.

    Raises `StoreUnavailableError` after `GIVE_UP_SECONDS`, or when a signal arrives. The supervisor, or the next
    command in a terminal, then finds that this process is gone and marks the run as interrupted.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        with contextlib.suppress(StoreUnavailableError, NotSavedError):
            outcome.retry_save()
        try:
            ending = outcome.reason, outcome.model_file
            store.trainer_writes.finish_run(run, outcome.status, *ending, lost_patience=outcome.lost_patience)
            return
        except StoreUnavailableError as error:
            is_late = time.monotonic() >= deadline and not isinstance(error, StoreLockedError)
            if shutdown.reason or is_late:
                raise
        time.sleep(RETRY_SECONDS)


def _failed_outcome(error: Exception) -> Outcome:
    """Return the outcome of a run that an unexpected error ended, and print the error unless memory ran out."""
    if _is_out_of_memory(error):
        return Outcome(RunStatus.FAILED, "Out of memory. Choose a smaller batch size or test batch size.")
    traceback.print_exception(error)
    return Outcome(RunStatus.FAILED, f"{type(error).__name__}: {error}")


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out. On the CPU torch has no error class for this, only messages of its allocators."""
    messages = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(message in str(error) for message in messages)
    )


def _next_event(events: Generator[Event, Adjustment | None, None], adjustment: Adjustment | None) -> Event | None:
    """Send an adjustment into `train()` and return the next event, or None at the end of the run."""
    try:
        with printing_to_stderr():  # what the code of the user's own network prints
            return events.send(adjustment)
    except StopIteration:
        return None


def _early_outcome(shutdown: ShutdownSignals, save_model: Callable[[], str] = lambda: "") -> Outcome:
    """Outcome of a run that ends before its last epoch: interrupted by a signal, else stopped by a person."""
    if shutdown.reason:
        return Outcome(RunStatus.INTERRUPTED, shutdown.reason)
    return Outcome(RunStatus.STOPPED, model_file=save_model())


def _diverged_outcome(event: Event) -> Outcome:
    value = "NaN" if math.isnan(event.loss) else "infinite"
    reason = f"Loss became {value} at step {event.step}. Choose a lower learning rate."
    return Outcome(RunStatus.DIVERGED, reason)

"""Trains one run in this process and records it in the store. Called by the fork server and by the command line.

Training stops early when the store or a signal asks for it. The store always records how a run ended.
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import torch

from mnist_core.checkpoints.recorded_networks import provide_network
from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.data.splits import split_validation
from mnist_core.errors import MnistError, NotSavedError, StaleAttemptError, StoreLockedError, StoreUnavailableError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import Adjustment, Event, NetworkSource, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.file_saver import FileSaver
from mnist_core.trainer.metrics_buffer import MetricsBuffer
from mnist_core.trainer.provenance import collect_provenance
from mnist_core.trainer.resumption import prepare_start
from mnist_core.trainer.retries import RETRY_SECONDS, retry_while_locked
from mnist_core.trainer.shutdown import SERVER_CLOSED, SHUTDOWN_REASONS, ShutdownSignals
from mnist_core.trainer.steering import Steering
from mnist_core.training.devices import choose_device
from mnist_core.training.engine import train
from mnist_core.training.layer_norms import LayerNormMeter
from mnist_core.training.networks.own.checking import check_network
from mnist_core.training.networks.own.code import printing_to_stderr
from mnist_core.training.networks.own.files import describe_changes
from mnist_core.training.train_state import TrainState

Observer = Callable[[Event], None]

GIVE_UP_SECONDS = 60.0
"""Time after which a trainer gives up recording how its run ended; it never gives up on a locked database."""


def train_queued_run(run_id: int, max_active: int) -> None:
    """Claim a queued run and train it in this process. Returns at once if the run can no longer be claimed.

    `max_active` trainers share the cores equally, or all active ones if there are more, such as those in terminals.
    """
    store = RunStore.open(runs_dir())
    if run := retry_while_locked(lambda: store.trainer_writes.claim_run(run_id, own_identity(), max_active)):
        torch.set_num_threads(threads_per_trainer(max(max_active, len(store.queries.list_active_runs()))))
        with contextlib.suppress(MnistError):  # It is recorded in the store, and so shown on the page.
            train_run(store, run, sigterm_reason=SERVER_CLOSED)


@dataclass(frozen=True)
class Outcome:
    """How a run ended, why, and where its model was saved."""

    status: RunStatus
    reason: str = ""
    model_file: str = ""
    retry_save: Callable[[], object] = lambda: None
    """Commits and saves what could not be written when the run ended."""


def train_run(
    store: RunStore,
    run: Run,
    observe: Observer = lambda _event: None,
    *,
    sigterm_reason: str = SHUTDOWN_REASONS[signal.SIGTERM],
) -> Run:
    """Train a run that this process has claimed, and return it when it has ended.

    `observe` is called with every event, after the metrics buffer; if it raises `BrokenPipeError`, the run is
    interrupted. An error that a person can fix (`MnistError`) marks the run as failed and is then raised. A full disk
    interrupts the run instead. That error is raised only if the disk stays full for so long that even the interruption
    cannot be recorded. While another process keeps the database locked, the run trains on and records results later.
    """
    keep_freed_memory()
    shutdown = ShutdownSignals(sigterm_reason)
    error_to_raise: Exception | None = None

    def observe_while_read(event: Event) -> None:
        try:
            observe(event)
        except BrokenPipeError:
            shutdown.reason = SHUTDOWN_REASONS[signal.SIGPIPE]

    try:
        outcome = _run_training_loop(store, run, observe_while_read, shutdown)
    except StaleAttemptError:
        raise
    except StoreUnavailableError as error:
        outcome = Outcome(RunStatus.INTERRUPTED, shutdown.reason or str(error))
    except MnistError as error:
        outcome, error_to_raise = Outcome(RunStatus.FAILED, str(error)), error
    except Exception as error:
        outcome = _failed_outcome(error)  # any other error must end the run, too: it must not stay `running` for ever
    # Outside `except`, where the error no longer keeps the frames, and so the memory, of the training loop alive.
    _record_outcome(store, run, outcome, shutdown)
    if error_to_raise:
        raise error_to_raise
    return store.queries.get_run(run.id)


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
            store.trainer_writes.finish_run(run, outcome.status, outcome.reason, outcome.model_file)
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


def _run_training_loop(store: RunStore, run: Run, observe: Observer, shutdown: ShutdownSignals) -> Outcome:
    """Train until the run completes, diverges, is stopped or is interrupted."""

    def should_end() -> bool:
        return bool(shutdown.reason)

    prepared = retry_while_locked(lambda: _prepare(store, run, shutdown), should_end)
    if prepared is None:
        return _early_outcome(shutdown)
    data, state, run = prepared
    buffer = MetricsBuffer(store, run, should_end=should_end)
    steering = Steering(store, run, state, should_end=should_end)
    saver = FileSaver(store, run, data.name, state, buffer=buffer, steering=steering)
    meter = None if run.config.skip_norms else LayerNormMeter(state.model)
    events = train(run.config, data, state=state)
    event: Event | None = None
    try:
        with printing_to_stderr():
            event = next(events, None)
        while event is not None:
            if meter and (norms := meter.norms_at(event)):
                buffer.add_norms(norms)
            status = buffer.add(event)
            observe(event)
            if not math.isfinite(event.loss):
                buffer.finish()
                return _diverged_outcome(event)
            saver.save_if_due(event)
            adjustment = steering.next_adjustment(event, on_pause=buffer.commit)
            if status is RunStatus.STOPPING or steering.was_stopped or shutdown.reason:
                events.close()
                buffer.finish()
                saver.save_at_stop()
                return _early_outcome(shutdown, saver.save_model)
            event = _next_event(events, adjustment)
        buffer.finish()
        saver.save_at_end()
        return Outcome(RunStatus.COMPLETED, model_file=saver.save_model())
    except (StoreUnavailableError, NotSavedError) as error:
        return Outcome(RunStatus.INTERRUPTED, shutdown.reason or str(error), retry_save=lambda: saver.retry(event))


def _prepare(store: RunStore, run: Run, shutdown: ShutdownSignals) -> tuple[Dataset, TrainState, Run] | None:
    """Return the data, the state to train from, and the run as it is recorded then; None if the run must end."""
    source = _check_own_network(store, run)
    data = _load_data(store, run, shutdown, notice=describe_changes(source) if source else "")
    if data is None:
        return None
    state, run = prepare_start(store, run, data)
    provenance = collect_provenance(
        run.config,
        data,
        device=run.device,
        threads=torch.get_num_threads(),
        network_checksum=source.sha256 if source else "",
        parameters=sum(parameter.numel() for parameter in state.model.parameters() if parameter.requires_grad),
    )
    store.trainer_writes.write_provenance(run, provenance, data.test.labels)
    return data, state, run


def _check_own_network(store: RunStore, run: Run) -> NetworkSource | None:
    """Let this process build the run's network. Returns its source if it is the user's own.

    Raises `ConfigError` if that may not be run here, or does not pass the check, which another process makes once.
    """
    source = provide_network(store.queries, run.config.model)
    if source and (network := OwnNetwork.parse(run.config.model)):
        check_network(source, network.class_name)
    return source


def _next_event(events: Generator[Event, Adjustment | None, None], adjustment: Adjustment | None) -> Event | None:
    """Send an adjustment into `train()` and return the next event, or None at the end of the run."""
    try:
        with printing_to_stderr():  # what the code of the user's own network prints
            return events.send(adjustment)
    except StopIteration:
        return None


def _load_data(store: RunStore, run: Run, shutdown: ShutdownSignals, *, notice: str = "") -> Dataset | None:
    """Load the dataset, with its progress as the run's notice; `notice` follows that of the dataset.

    Returns None if the run must end before it trains.
    """

    class CancelledError(Exception):
        pass

    def report_progress(notice: str) -> None:
        status = None
        with contextlib.suppress(StoreLockedError):  # the next report may get through
            status = store.trainer_writes.set_notice(run, notice)
        if status is RunStatus.STOPPING or shutdown.reason:
            raise CancelledError

    try:
        data = load_dataset(run.config.dataset, runs_dir=runs_dir(), progress=report_progress)
    except CancelledError:
        return None
    data = replace(data, notice=" ".join(filter(None, [data.notice, notice])))
    training, validation = split_validation(len(data.train), run.config.validation_fraction)
    run.config.check_fits(len(training))
    device = choose_device(run.config.device)
    status = store.trainer_writes.begin_training(
        run,
        dataset=data.name,
        notice=data.notice,
        train_images=len(training),
        validation_images=len(validation),
        test_images=len(data.test),
        device=device.type,
        threads=torch.get_num_threads(),
    )
    return None if status is RunStatus.STOPPING or shutdown.reason else data


def _early_outcome(shutdown: ShutdownSignals, save_model: Callable[[], str] = lambda: "") -> Outcome:
    """Outcome of a run that ends before its last epoch: interrupted by a signal, else stopped by a person."""
    if shutdown.reason:
        return Outcome(RunStatus.INTERRUPTED, shutdown.reason)
    return Outcome(RunStatus.STOPPED, model_file=save_model())


def _diverged_outcome(event: Event) -> Outcome:
    value = "NaN" if math.isnan(event.loss) else "infinite"
    reason = f"Loss became {value} at step {event.step}. Choose a lower learning rate."
    return Outcome(RunStatus.DIVERGED, reason)

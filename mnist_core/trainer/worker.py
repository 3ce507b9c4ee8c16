"""The body of one trainer: folds `train()` into the store. The command line and the trainer host both call it.

It decides nothing: it stops when the store or a signal says so, and leaves the run in a true state however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import signal
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import FrameType

import torch

from mnist_core.checkpoints.index import delete_checkpoints
from mnist_core.data.datasets import Dataset, load_dataset, split_validation
from mnist_core.errors import DatasetError, MnistError, NotSavedError, StaleAttemptError, StoreUnavailableError
from mnist_core.records import Adjustment, Event, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.paths import display_path, model_path, runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.metrics_buffer import MetricsBuffer
from mnist_core.trainer.provenance import collect_provenance
from mnist_core.trainer.saver import CheckpointSaver, load_latest_recorded
from mnist_core.trainer.steering import Steering
from mnist_core.training.devices import choose_device
from mnist_core.training.engine import TrainState, train

Observer = Callable[[Event], None]

RETRY_SECONDS = 1.0
GIVE_UP_SECONDS = 60.0
"""How often, and for how long, a trainer tries to say how its run ended while the database takes nothing."""


class Interruption:
    """Notes SIGTERM, SIGINT or SIGHUP, so that the trainer can end between two batches instead of anywhere."""

    def __init__(self) -> None:
        self.reason = ""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.reason = {
            signal.SIGINT: "Interrupted from the keyboard (Ctrl-C).",
            signal.SIGHUP: "The terminal it ran in was closed.",
        }.get(signal.Signals(number), "The server was closed while it was training.")


def train_queued_run(run_id: int, max_active: int) -> None:
    """Claim a queued run and train it in this process; returns at once if it is no longer to be had.

    It takes the share of the cores that is left to each of `max_active` trainers, or of as many as there are: runs
    started in a terminal count, too.
    """
    store = RunStore.open(runs_dir())
    if run := store.trainer_writes.claim_run(run_id, own_identity(), max_active):
        torch.set_num_threads(threads_per_trainer(max(max_active, len(store.queries.list_active_runs()))))
        with contextlib.suppress(MnistError):  # the store and so the page say it
            train_run(store, run)


@dataclass(frozen=True)
class Outcome:
    """How a run ended, why, and where its model was saved."""

    status: RunStatus
    reason: str = ""
    model_file: str = ""
    rescue: Callable[[], object] = lambda: None
    """What would save more of the run first, if the disk takes it."""


def train_run(store: RunStore, run: Run, observe: Observer = lambda _event: None) -> Run:
    """Train a run this process holds until it ends in one way or another, and return it as it ended.

    `observe` is called with every event, after it was recorded. An error that a person can mend (`MnistError`) is
    raised once the run is marked failed by it; a full disk interrupts the run instead, and is raised only if it lasts
    so long that not even that could be recorded.
    """
    keep_freed_memory()
    interruption = Interruption()
    to_raise: Exception | None = None
    try:
        ending = _run_training_loop(store, run, observe, interruption)
    except StaleAttemptError:
        raise
    except StoreUnavailableError as error:
        ending = Outcome(RunStatus.INTERRUPTED, str(error))
    except MnistError as error:
        ending, to_raise = Outcome(RunStatus.FAILED, str(error)), error
    except BrokenPipeError as error:
        ending, to_raise = Outcome(RunStatus.INTERRUPTED, "Whoever read its output has gone."), error
    except Exception as error:
        # Whatever it was, the run must not stay `running` for ever.
        if _is_out_of_memory(error):
            ending = Outcome(RunStatus.FAILED, "Out of memory. Choose a smaller batch size or test batch size.")
        else:
            traceback.print_exc()
            ending = Outcome(RunStatus.FAILED, f"{type(error).__name__}: {error}")
    _record_outcome(
        store, run, ending, interruption
    )  # here, where what the error held on to, such as memory, is free again
    if to_raise:
        raise to_raise
    return store.queries.get_run(run.id)


def _record_outcome(store: RunStore, run: Run, ending: Outcome, interruption: Interruption) -> None:
    """Record how a run ended: again and again while the database takes nothing, so that it will say what happened.

    After `GIVE_UP_SECONDS`, or when a signal asks for it, that error is raised; whoever sees that this process has gone
    will mark the run as interrupted.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        with contextlib.suppress(StoreUnavailableError, NotSavedError):
            ending.rescue()
        try:
            store.trainer_writes.finish_run(run, ending.status, ending.reason, ending.model_file)
            return
        except StoreUnavailableError:
            if interruption.reason or time.monotonic() >= deadline:
                raise
        time.sleep(RETRY_SECONDS)


def _is_out_of_memory(error: Exception) -> bool:
    """torch has an error class of its own for this only on a GPU; on the CPU its allocators say it in words."""
    words = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def _run_training_loop(store: RunStore, run: Run, observe: Observer, interruption: Interruption) -> Outcome:
    """The fold."""
    data = _load_data(store, run, interruption)
    if data is None:
        return _early_outcome(interruption)
    state, run = _initial_state(store, run, data)
    made_with = collect_provenance(run.config, data, device=run.device, threads=torch.get_num_threads())
    store.trainer_writes.write_provenance(run, made_with, data.test.labels)
    buffer = MetricsBuffer(store, run)
    saver = CheckpointSaver(store, run, data.name, state)
    steering = Steering(store, run, state, should_end=lambda: bool(interruption.reason))
    events = train(run.config, data, state=state)
    event: Event | None = None

    def rescue() -> None:
        buffer.finish()
        saver.save(event, steering.interventions)

    try:
        event = next(events, None)
        while event is not None:
            status = buffer.add(event)
            observe(event)
            if not math.isfinite(event.loss):
                buffer.finish()
                return _divergence(event)
            if saver.is_due(event):
                buffer.commit()  # first: a checkpoint never stands beyond the last step that is recorded
                saver.save(event, steering.interventions)
            adjustment = steering.next_adjustment(event, on_pause=buffer.commit)
            if status is RunStatus.STOPPING or steering.was_stopped or interruption.reason:
                events.close()
                buffer.finish()
                saver.save(None, steering.interventions)
                return _early_outcome(interruption, state, run)
            event = _send(events, adjustment)
        buffer.finish()
        return Outcome(RunStatus.COMPLETED, model_file=_save_model(run, state))
    except (StoreUnavailableError, NotSavedError) as error:
        return Outcome(RunStatus.INTERRUPTED, str(error), rescue=rescue)


def _send(events: Generator[Event, Adjustment | None, None], adjustment: Adjustment | None) -> Event | None:
    """The next event, None when there is none."""
    try:
        return events.send(adjustment)
    except StopIteration:
        return None


def _initial_state(store: RunStore, run: Run, data: Dataset) -> tuple[TrainState, Run]:
    """The first weights, or where the last checkpoint stood: of this run, or of the one it goes on from.

    What was recorded after that step is forgotten; what was changed after it will be changed again. A run that repeats
    or continues another computes with as many threads, since only then does it repeat to the last bit.
    """
    if run.attempt == 1 and run.parent_step is None:
        delete_checkpoints(run.id)
    saved, skipped = load_latest_recorded(store, run)
    if saved is not None and saved.dataset != data.name:
        raise DatasetError(
            f"{run.name} was trained on {saved.dataset}, and the dataset here is {data.name}. "
            f"Put {saved.dataset} back into the data folder and resume the run."
        )
    if skipped:
        begun = f"Went on from step {saved.state.step}" if saved else "Began again"
        store.trainer_writes.set_notice(
            run, " ".join([*([data.notice] if data.notice else []), *skipped, f"{begun} instead."])
        )
    if saved is None:
        if run.parent_id is not None:
            torch.set_num_threads(store.queries.get_run(run.parent_id).threads or torch.get_num_threads())
        if run.attempt > 1:
            store.trainer_writes.rewind(run, 0, 0.0)
        return TrainState.initial(run.config), store.queries.get_run(run.id)
    torch.set_num_threads(saved.threads)
    store.trainer_writes.rewind(run, saved.state.step, saved.state.elapsed_seconds)
    run = store.queries.get_run(run.id)
    for one in run.interventions:  # those of this very step came after the checkpoint
        saved.state.adjust(Adjustment(**{one.field: one.new}))  # type: ignore[arg-type]
    return saved.state, run


def _load_data(store: RunStore, run: Run, interruption: Interruption) -> Dataset | None:
    """Load the dataset, saying what goes on; None if the run was asked to end meanwhile."""

    class EndedEarly(Exception):  # noqa: N818  # not an error: unwinds a download somebody no longer wants
        pass

    def report(notice: str) -> None:
        if store.trainer_writes.set_notice(run, notice) is RunStatus.STOPPING or interruption.reason:
            raise EndedEarly

    try:
        data = load_dataset(run.config.dataset, runs_dir=runs_dir(), progress=report)
    except EndedEarly:
        return None
    fit, held_out = split_validation(data.train, run.config.validation_fraction)
    run.config.check_fits(len(fit))
    device = choose_device(run.config.device)
    status = store.trainer_writes.begin_training(
        run,
        dataset=data.name,
        notice=data.notice,
        train_images=len(fit),
        validation_images=len(held_out),
        test_images=len(data.test),
        device=device.type,
        threads=torch.get_num_threads(),
    )
    return None if status is RunStatus.STOPPING or interruption.reason else data


def _early_outcome(interruption: Interruption, state: TrainState | None = None, run: Run | None = None) -> Outcome:
    if interruption.reason:
        return Outcome(RunStatus.INTERRUPTED, interruption.reason)
    return Outcome(RunStatus.STOPPED, model_file=_save_model(run, state) if run and state else "")


def _divergence(event: Event) -> Outcome:
    what = "NaN" if math.isnan(event.loss) else "infinite"
    reason = f"Loss became {what} at step {event.step}. Choose a lower learning rate."
    return Outcome(RunStatus.DIVERGED, reason)


def _save_model(run: Run, state: TrainState) -> str:
    """Write the weights if the run asks for it; returns the path, for `Net().load_state_dict(torch.load(path))`.

    Raises `NotSavedError` when the disk is full: the run is then resumed at its end, and saves no more than this.
    """
    if not run.config.save_model:
        return ""
    content = io.BytesIO()
    torch.save({name: weight.cpu() for name, weight in state.model.state_dict().items()}, content)
    path = model_path(run.id)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content.getbuffer())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NotSavedError(
            f"Model {display_path(path)} could not be saved: {error.strerror}. "
            "Free some disk space, then resume the run."
        ) from error
    return display_path(path)

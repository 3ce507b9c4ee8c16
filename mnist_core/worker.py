"""The body of one trainer: folds `train()` into the store. The command line and the trainer host both call it.

It decides nothing: it stops when the store or a signal says so, and leaves the run in a true state however it ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import traceback
from collections.abc import Callable, Generator
from types import FrameType

import torch

from mnist_core import checkpoint
from mnist_core.checkpoint_files import checkpoints_dir
from mnist_core.data import Dataset, load_dataset, split_validation
from mnist_core.devices import choose_device
from mnist_core.engine import TrainState, train
from mnist_core.errors import DatasetError, MnistError, StaleAttemptError
from mnist_core.machine import threads_per_trainer
from mnist_core.memory import keep_freed_memory
from mnist_core.places import runs_dir, shown
from mnist_core.processes import own_identity
from mnist_core.recorder import Recorder
from mnist_core.records import Adjustment, Event, Run, RunStatus
from mnist_core.saver import Saver
from mnist_core.steering import Steering
from mnist_core.store import RunStore

Observer = Callable[[Event], None]


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
    if run := store.claim_run(run_id, own_identity(), max_active):
        torch.set_num_threads(threads_per_trainer(max(max_active, len(store.list_active_runs()))))
        with contextlib.suppress(MnistError):  # the store and so the page say it
            train_run(store, run)


def train_run(store: RunStore, run: Run, observe: Observer = lambda _event: None) -> Run:
    """Train a run this process holds until it ends in one way or another, and return it as it ended.

    `observe` is called with every event, after it was recorded. An error that a person can mend (`MnistError`) is
    raised once the run is marked failed by it.
    """
    keep_freed_memory()
    interruption = Interruption()
    try:
        status, reason, model_file = _train(store, run, observe, interruption)
        store.finish_run(run, status, reason, model_file)
    except StaleAttemptError:
        raise
    except MnistError as error:
        store.finish_run(run, RunStatus.FAILED, str(error))
        raise
    except BrokenPipeError:
        store.finish_run(run, RunStatus.INTERRUPTED, "Whoever read its output has gone.")
        raise
    except MemoryError:
        store.finish_run(run, RunStatus.FAILED, "Out of memory. Choose a smaller batch size or test batch size.")
    except Exception as error:
        # Whatever it was, the run must not stay `running` for ever.
        traceback.print_exc()
        store.finish_run(run, RunStatus.FAILED, f"{type(error).__name__}: {error}")
    return store.get_run(run.id)


def _train(store: RunStore, run: Run, observe: Observer, interruption: Interruption) -> tuple[RunStatus, str, str]:
    """The fold. Returns how the run ended, why, and where its model was saved."""
    data = _prepare(store, run, interruption)
    if data is None:
        return _ended_early(interruption)
    state, run = _starting_point(store, run, data)
    recorder = Recorder(store, run)
    saver = Saver(run, data.name, state)
    steering = Steering(store, run, state, is_ending=lambda: bool(interruption.reason))
    events = train(run.config, data, state=state)
    event = next(events, None)
    while event is not None:
        status = recorder.record(event)
        observe(event)
        if not math.isfinite(event.loss):
            recorder.finish()
            what = "NaN" if math.isnan(event.loss) else "infinite"
            return RunStatus.DIVERGED, f"Loss became {what} at step {event.step}. Choose a lower learning rate.", ""
        if saver.is_due(event):
            recorder.commit()  # first: a checkpoint never stands beyond the last step that is recorded
            saver.save(event, steering.interventions)
        adjustment = steering.next(event, before_pause=recorder.commit)
        if status is RunStatus.STOPPING or steering.was_stopped or interruption.reason:
            events.close()
            recorder.finish()
            saver.save(None, steering.interventions)
            ended, reason, _ = _ended_early(interruption)
            return ended, reason, _save_model(run, state) if ended is RunStatus.STOPPED else ""
        event = _send(events, adjustment)
    recorder.finish()
    return RunStatus.COMPLETED, "", _save_model(run, state)


def _send(events: Generator[Event, Adjustment | None, None], adjustment: Adjustment | None) -> Event | None:
    """The next event, None when there is none."""
    try:
        return events.send(adjustment)
    except StopIteration:
        return None


def _starting_point(store: RunStore, run: Run, data: Dataset) -> tuple[TrainState, Run]:
    """The first weights, or where the last checkpoint stood: of this run, or of the one it goes on from.

    What was recorded after that step is forgotten. A run that repeats or continues another computes with as many
    threads, since only then does it repeat to the last bit.
    """
    saved = checkpoint.load_latest(checkpoints_dir(run.id), settings=run.config)
    if saved is None:
        if run.plan and run.parent_id is not None:
            torch.set_num_threads(store.get_run(run.parent_id).threads or torch.get_num_threads())
        if run.attempt > 1:
            store.rewind(run, 0, 0.0)
        return TrainState.fresh(run.config), store.get_run(run.id)
    if saved.dataset != data.name:
        raise DatasetError(
            f"{run.name} was trained on {saved.dataset}, and the dataset here is {data.name}. "
            f"Put {saved.dataset} back into the data folder and resume the run."
        )
    torch.set_num_threads(saved.threads)
    store.rewind(run, saved.state.step, saved.state.elapsed_seconds)
    return saved.state, store.get_run(run.id)


def _prepare(store: RunStore, run: Run, interruption: Interruption) -> Dataset | None:
    """Load the dataset, saying what goes on; None if the run was asked to end meanwhile."""

    class EndedEarly(Exception):  # noqa: N818  # not an error: unwinds a download somebody no longer wants
        pass

    def report(notice: str) -> None:
        if store.write_notice(run, notice) is RunStatus.STOPPING or interruption.reason:
            raise EndedEarly

    try:
        data = load_dataset(run.config.dataset, runs_dir=runs_dir(), progress=report)
    except EndedEarly:
        return None
    fit, held_out = split_validation(data.train, run.config.validation_fraction)
    run.config.check_fits(len(fit))
    device = choose_device(run.config.device)
    status = store.begin_training(
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


def _ended_early(interruption: Interruption) -> tuple[RunStatus, str, str]:
    if interruption.reason:
        return RunStatus.INTERRUPTED, interruption.reason, ""
    return RunStatus.STOPPED, "", ""


def _save_model(run: Run, state: TrainState) -> str:
    """Write the weights if the run asks for it; returns the path, for `Net().load_state_dict(torch.load(path))`."""
    if not run.config.save_model:
        return ""
    path = runs_dir() / "models" / f"run-{run.id}.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    torch.save({name: weight.cpu() for name, weight in state.model.state_dict().items()}, temporary)
    temporary.replace(path)
    return shown(path)

"""The body of one trainer: folds `train()` into the store. The command line and the trainer host both call it.

It decides nothing: it stops when the store or a signal says so, and leaves the run in a true state however it ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import numpy as np
import torch

from mnist_core.data import Dataset, load_dataset, split_validation
from mnist_core.devices import choose_device
from mnist_core.engine import TrainState, train
from mnist_core.errors import MnistError, StaleAttemptError
from mnist_core.machine import threads_per_trainer
from mnist_core.memory import keep_freed_memory
from mnist_core.places import runs_dir, shown
from mnist_core.processes import own_identity
from mnist_core.records import LIVE_BATCHES, EvalMetrics, Event, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore

COMMIT_SECONDS = 0.2
"""How often metrics are committed: often enough to look live, rarely enough to cost nothing."""

Observer = Callable[[Event], None]


class Recorder:
    """Collects events and commits them about every `COMMIT_SECONDS`; the first event and evaluations at once."""

    def __init__(self, store: RunStore, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._run = run
        self._clock = clock
        self._due = -math.inf
        self._steps: list[StepMetrics] = []
        self._evaluations: list[EvalMetrics] = []
        self._batches: deque[np.ndarray] = deque(maxlen=LIVE_BATCHES)
        self._confusion = np.zeros((10, 10), np.int64)
        self._all, self._latest = Throughput(), Throughput()
        self._last_step: StepMetrics | None = None
        self._elapsed_seconds = run.progress.elapsed_seconds

    def record(self, event: Event) -> RunStatus | None:
        """Take one event; returns the run's status if this committed, else None."""
        self._elapsed_seconds = event.elapsed_seconds
        if isinstance(event, EvalMetrics):
            self._evaluations.append(event)
            return self.commit()
        self._steps.append(event)
        if len(self._batches) == LIVE_BATCHES:
            self._confusion -= self._batches[0]
        self._batches.append(np.array(event.confusion))
        self._confusion += self._batches[-1]
        images = int(self._batches[-1].sum())
        for throughput in (self._all, self._latest):
            throughput.add(images, images / event.examples_per_second)
        return self.commit() if self._clock() >= self._due else None

    def commit(self) -> RunStatus:
        """Write what has been collected; on an error it stays collected, and nothing of it was written."""
        return self._write(self._latest)

    def finish(self) -> RunStatus:
        """Commit the rest, with the throughput of the whole run in place of the latest."""
        return self._write(self._all)

    def _write(self, throughput: Throughput) -> RunStatus:
        progress = self._progress(throughput)
        status = self._store.append(self._run, progress, self._steps, self._evaluations)
        if self._steps:
            self._last_step = self._steps[-1]
        self._steps, self._evaluations, self._latest = [], [], Throughput()
        self._due = self._clock() + COMMIT_SECONDS
        return status

    def _progress(self, throughput: Throughput) -> Progress:
        last = self._steps[-1] if self._steps else self._last_step
        if last is None:
            return self._run.progress
        return Progress(
            step=last.step,
            epoch=last.epoch,
            loss=last.loss,
            accuracy=last.accuracy,
            examples_per_second=throughput.rate or self._all.rate,
            elapsed_seconds=self._elapsed_seconds,
            live_confusion=tuple(map(tuple, self._confusion.tolist())),
        )


@dataclass
class Throughput:
    """Images trained on, and the seconds that their updates took."""

    images: int = 0
    seconds: float = 0.0

    def add(self, images: int, seconds: float) -> None:
        self.images += images
        self.seconds += seconds

    @property
    def rate(self) -> float:
        """Images per second; 0 before the first update."""
        return self.images / self.seconds if self.seconds else 0.0


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

    It takes the share of the cores that is left to each of `max_active` trainers.
    """
    torch.set_num_threads(threads_per_trainer(max_active))
    store = RunStore.open(runs_dir())
    if run := store.claim_run(run_id, own_identity(), max_active):
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
    state = TrainState.fresh(run.config)
    recorder = Recorder(store, run)
    events = train(run.config, data, state=state)
    for event in events:
        status = recorder.record(event)
        observe(event)
        if not math.isfinite(event.loss):
            recorder.finish()
            what = "NaN" if math.isnan(event.loss) else "infinite"
            return RunStatus.DIVERGED, f"Loss became {what} at step {event.step}. Choose a lower learning rate.", ""
        if status is RunStatus.STOPPING or interruption.reason:
            events.close()
            recorder.finish()
            ended, reason, _ = _ended_early(interruption)
            return ended, reason, _save_model(run, state) if ended is RunStatus.STOPPED else ""
    recorder.finish()
    return RunStatus.COMPLETED, "", _save_model(run, state)


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

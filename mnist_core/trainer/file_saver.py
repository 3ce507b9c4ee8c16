"""Saves the files of one run, its checkpoints and its model, and waits while the database is locked."""

from __future__ import annotations

import contextlib
import hashlib
import io
from functools import partial

import torch

from mnist_core.checkpoints.index import model_path
from mnist_core.checkpoints.ownership import describe_file
from mnist_core.errors import NotSavedError, StoreLockedError
from mnist_core.records import Event, FileKind, Run
from mnist_core.store import RunStore
from mnist_core.system.atomic_files import is_disk_full, write_atomically
from mnist_core.system.paths import display_path
from mnist_core.system.private_files import create_private_folder
from mnist_core.trainer.metrics_buffer import MetricsBuffer
from mnist_core.trainer.retries import retry_while_locked
from mnist_core.trainer.saver import CheckpointSaver, SnapshotSaver
from mnist_core.trainer.steering import Steering
from mnist_core.training.train_state import TrainState


class FileSaver:
    """Saves the files of one run. No checkpoint is ever ahead of the recorded steps.

    Methods raise `NotSavedError` when the disk is full, and `StoreLockedError` when the run must end while the database
    is locked.
    """

    def __init__(
        self, store: RunStore, run: Run, dataset: str, state: TrainState, *, buffer: MetricsBuffer, steering: Steering
    ) -> None:
        self._store = store
        self._run = run
        self._state = state
        self._buffer = buffer
        self._steering = steering
        self._checkpoints = CheckpointSaver(store, run, dataset, state)
        # A search of hundreds of short trials would save snapshots for a fifth of its time, and nobody looks at most.
        is_tried = run.sweep_id is not None and run.config.skip_test
        self._snapshots = None if is_tried else SnapshotSaver(store, run, dataset, state)

    def save_if_due(self, event: Event) -> None:
        """Save a checkpoint after an event if it is time to, and a snapshot likewise.

        While the database is locked, only the best checkpoint waits; another one is due soon, and a snapshot is saved
        at a later step.
        """
        self._save_snapshot_if_due()
        if not self._checkpoints.is_due(event):
            return
        if self._checkpoints.is_best(event):
            retry_while_locked(lambda: self._save(event), self._buffer.should_end)
        elif self._buffer.try_commit() is not None:
            with contextlib.suppress(StoreLockedError):
                self._save(event)

    def _save_snapshot_if_due(self) -> None:
        if self._snapshots and self._snapshots.is_due() and self._buffer.try_commit() is not None:
            with contextlib.suppress(StoreLockedError):
                self._snapshots.save()

    def save_at_end(self) -> None:
        """Save a checkpoint of the last state, whose steps have been recorded, unless there is one.

        Early stopping goes back to an earlier state: files of later steps are then no longer the run's.
        """
        self._save_snapshot_if_due()
        if self._checkpoints.saved_step != self._state.step:
            self.save_at_stop()
        if self._run.config.patience:
            forget = partial(self._store.trainer_writes.forget_files_after, self._run, self._state.step)
            retry_while_locked(forget, self._buffer.should_end)

    def save_at_stop(self) -> None:
        """Save a checkpoint of the state in which training stopped, whose steps have been recorded."""
        retry_while_locked(lambda: self._checkpoints.save(None, self._steering.interventions), self._buffer.should_end)

    def save_model(self) -> str:
        """Save the weights if the setting `save_model` is on. Return the path of the file, or ""."""
        return retry_while_locked(lambda: _save_model(self._store, self._run, self._state), self._buffer.should_end)

    def retry(self, event: Event | None) -> None:
        """Record the last steps and save the checkpoint after the event once more, without waiting."""
        self._buffer.finish()
        self._checkpoints.save(event, self._steering.interventions)

    def _save(self, event: Event) -> None:
        self._buffer.commit()
        self._checkpoints.save(event, self._steering.interventions)


def _save_model(store: RunStore, run: Run, state: TrainState) -> str:
    """Save the weights if `save_model` is set, for `Net().load_state_dict(torch.load(path))`. Returns the path, or "".

    Raises `NotSavedError` when the disk is full. The run can then be resumed at its end, where it only saves the model.
    """
    if not run.config.save_model:
        return ""
    content = io.BytesIO()
    torch.save({name: weight.cpu() for name, weight in state.model.state_dict().items()}, content)
    path = model_path(run)
    file = describe_file(path, FileKind.MODEL, state.step, hashlib.sha256(content.getbuffer()).hexdigest())
    try:
        create_private_folder(path.parent)
        write_atomically(path, content.getbuffer(), confirm=lambda: store.trainer_writes.record_file(run, file))
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise NotSavedError(
            f"Model {display_path(path)} could not be saved: {error.strerror}. "
            "Free some disk space, then resume the run."
        ) from error
    return display_path(path)

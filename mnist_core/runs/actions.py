"""Everything a person may do to runs, from a page or a terminal: one method an action.

It does not start trainers: `wake` tells the supervisor that the queue has changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Concatenate, ParamSpec, TypeVar

from mnist_core.config import TrainConfig
from mnist_core.exports import archive, server_exports
from mnist_core.records import Adjustment, Command, Run, RunStatus
from mnist_core.runs import lineage, retention
from mnist_core.store import RunStore

P = ParamSpec("P")
R = TypeVar("R")


def _action(method: Callable[Concatenate[RunActions, P], R]) -> Callable[Concatenate[RunActions, P], R]:
    """Mark a method as an action: `before_action` is called first, and may refuse it by raising."""

    @functools.wraps(method)
    def checked(self: RunActions, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._before_action()
        return method(self, *args, **kwargs)

    return checked


class RunActions:
    """Acts on the runs of a store.

    `wake` is called when the queue has changed. `before_action` is called before every action: a server checks there
    who may act, and raises to refuse.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        wake: Callable[[], None] = lambda: None,
        before_action: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._wake = wake
        self._before_action = before_action

    # ------------------------------------------------------------------ train

    @_action
    def submit(self, config: TrainConfig, name: str = "") -> Run:
        """Put a run in the queue; it starts at once if there is room. Raises `ConfigError` for an unusable name."""
        run = self._store.commands.create_run(config, name)
        self._wake()
        return run

    @_action
    def request_stop(self, run_id: int) -> RunStatus:
        """Take a run off the queue or have its trainer end after the batch in hand; returns its status now."""
        return self._store.commands.request_stop(run_id)

    @_action
    def send_command(self, run_id: int, command: Command, adjustment: Adjustment | None = None, *, by: str) -> None:
        """Ask something of a run in progress. Raises `RunStateError` when nobody trains it, else `ConfigError`."""
        self._store.commands.send_command(run_id, command, adjustment, by=by)

    @_action
    def resume(self, run_id: int) -> None:
        """Have an interrupted run go on from its last checkpoint. Raises `RunStateError` for any other."""
        self._store.commands.requeue_run(run_id)
        self._wake()

    @_action
    def fork(self, parent: Run, config: TrainConfig, step: int | None = None) -> Run:
        """Queue a run that goes on from a checkpoint of another; see `lineage.fork`."""
        run = lineage.fork(self._store, parent, config, step=step)
        self._wake()
        return run

    @_action
    def repeat(self, original: Run) -> Run:
        """Queue the same run again, as it was steered; see `lineage.repeat`."""
        run = lineage.repeat(self._store, original)
        self._wake()
        return run

    @_action
    def repeat_with_new_seeds(self, run_id: int, count: int = 3) -> list[Run]:
        """Queue the same run with seeds that it was not trained with yet; see `lineage.repeat_with_new_seeds`."""
        runs = lineage.repeat_with_new_seeds(self._store, self._store.queries.get_run(run_id), count)
        self._wake()
        return runs

    # ------------------------------------------------------------------ keep in order

    @_action
    def edit_run(
        self,
        run_id: int,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
        starred: bool | None = None,
        archived: bool | None = None,
    ) -> Run:
        """Change what people write about a run; None leaves as it is. Raises `ConfigError` for what is unusable."""
        return self._store.commands.edit_run(
            run_id, name=name, notes=notes, tags=tags, starred=starred, archived=archived
        )

    @_action
    def edit_runs(
        self, run_ids: Iterable[int], *, add_tag: str = "", starred: bool | None = None, archived: bool | None = None
    ) -> None:
        """Mark several runs at once; a tag is added to those they have. Raises `ConfigError` for an unusable tag."""
        for run_id in run_ids:
            tags = [*self._store.queries.get_run(run_id).tags, add_tag] if add_tag else None
            self._store.commands.edit_run(run_id, tags=tags, starred=starred, archived=archived)

    @_action
    def delete_runs(self, run_ids: Iterable[int]) -> None:
        """Put runs into the bin; one in progress is stopped. What has been there for too long is gone for good."""
        self._store.commands.delete_runs(run_ids)
        retention.purge_expired_runs(self._store)

    @_action
    def restore_runs(self, run_ids: Iterable[int]) -> list[Run]:
        """Take runs out of the bin; one whose name has been given away meanwhile gets a number behind it."""
        return self._store.commands.restore_runs(run_ids)

    # ------------------------------------------------------------------ to other programs and machines

    @_action
    def export(self, run_ids: Iterable[int], format: str) -> Path:
        """Write runs as one of `formats.FORMATS` into the runs folder, for a day; returns the file.

        Raises `ExportError`.
        """
        runs = [self._store.queries.get_run(run_id) for run_id in run_ids]
        return server_exports.export_for_server(self._store.queries, runs, format)

    @_action
    def import_file(self, source: Path | BinaryIO) -> list[Run]:
        """Add the runs of another machine's archive as new runs. Raises `ImportRefusedError`, with nothing added."""
        return archive.import_archive(self._store, source)

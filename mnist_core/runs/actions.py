"""The actions that people take on runs, from pages and other programs: one method per action.

Actions change the store only. The supervisor starts the trainers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from mnist_core.annotations import validate_tags
from mnist_core.config import TrainConfig
from mnist_core.exports import archive, server_exports
from mnist_core.records import Adjustment, Command, KeptDrawing, Run, RunStatus
from mnist_core.runs import experiments, lineage, own_networks, races, retention
from mnist_core.runs.checked_actions import CheckedActions, action
from mnist_core.runs.experiments import Experiment
from mnist_core.store import RunStore


class RunActions(CheckedActions):
    """The actions on the runs of a store; see `CheckedActions`. `test_rates` has a range test of settings started."""

    def __init__(
        self,
        store: RunStore,
        *,
        test_rates: Callable[[TrainConfig], None] = lambda _config: None,
        wake: Callable[[], None] = lambda: None,
        before_action: Callable[[], None] = lambda: None,
        after_action: Callable[[str, tuple[object, ...]], None] = lambda _name, _values: None,
    ) -> None:
        super().__init__(store, wake=wake, before_action=before_action, after_action=after_action)
        self._test_rates = test_rates

    # ------------------------------------------------------------------ training

    @action
    def submit(self, config: TrainConfig, name: str = "") -> Run:
        """Add a run to the queue. Raises `ConfigError` for an invalid name, or a network that cannot be used."""
        run = self._store.commands.create_run(own_networks.with_recorded_network(self._store, config), name)
        self._wake()
        return run

    @action
    def start_experiment(self, experiment: Experiment) -> list[Run]:
        """Queue the runs of an experiment; see `experiments.start`."""
        runs = experiments.start(self._store, experiment)
        self._wake()
        return runs

    @action
    def start_race(self, configs: Sequence[TrainConfig]) -> list[Run]:
        """Queue two to four runs that one trainer trains in lock step; see `races.start_race`."""
        lanes = races.start_race(self._store, configs)
        self._wake()
        return lanes

    @action
    def resume_race(self, run_id: int) -> list[Run]:
        """Queue the interrupted lanes of a run's race, to resume in lock step; see `races.resume_race`."""
        lanes = races.resume_race(self._store, self._store.queries.get_run(run_id))
        self._wake()
        return lanes

    @action
    def test_rates(self, config: TrainConfig) -> None:
        """Find safe learning rates for these settings; see `sweeps.range_test`.

        Raises `ConfigError` for a network that cannot be used, and `RunStateError` while a run trains or waits.
        """
        self._test_rates(own_networks.with_recorded_network(self._store, config))

    @action
    def request_stop(self, run_id: int) -> RunStatus:
        """Take a run off the queue, or have its trainer end after the current batch. Returns the new status."""
        return self._store.commands.request_stop(run_id)

    @action
    def move_in_queue(self, run_id: int, *, before: int | None = None, after: int | None = None) -> None:
        """Move a queued run next to another one; see `Commands.move_queued_run`."""
        self._store.commands.move_queued_run(run_id, before=before, after=after)
        self._wake()

    @action
    def remove_from_queue(self, run_id: int) -> None:
        """Take a queued run off the queue. Raises `RunStateError` if it has started: then it would be stopped."""
        self._store.commands.remove_queued_run(run_id)

    @action
    def return_to_queue(self, run_id: int) -> None:
        """Put a run that was removed from the queue back where it was. Raises `RunStateError` for other runs."""
        self._store.commands.return_to_queue(run_id)
        self._wake()

    @action
    def send_command(self, run_id: int, command: Command, adjustment: Adjustment | None = None, *, by: str) -> None:
        """Send a command to the trainer of a run. `by` names the sender in the change log.

        Raises `RunStateError` when the run is not training, `ConfigError` when the adjustment is out of range.
        """
        self._store.commands.send_command(run_id, command, adjustment, by=by)

    @action
    def resume(self, run_id: int) -> None:
        """Queue an interrupted run, to resume from its last checkpoint. Raises `RunStateError` for other runs."""
        self._store.commands.requeue_run(run_id)
        self._wake()

    @action
    def fork(self, parent: Run, config: TrainConfig, step: int | None = None) -> Run:
        """Queue a new run that continues a run from one of its checkpoints; see `lineage.fork`."""
        run = lineage.fork(self._store, parent, config, step=step)
        self._wake()
        return run

    @action
    def repeat(self, original: Run) -> Run:
        """Queue the same run again, with the same interventions; see `lineage.repeat`."""
        run = lineage.repeat(self._store, original)
        self._wake()
        return run

    @action
    def repeat_with_new_seeds(self, run_id: int, count: int = 3) -> list[Run]:
        """Queue the same run with `count` unused seeds; see `lineage.repeat_with_new_seeds`."""
        runs = lineage.repeat_with_new_seeds(self._store, self._store.queries.get_run(run_id), count)
        self._wake()
        return runs

    # ------------------------------------------------------------------ organising

    @action
    def edit_run(
        self,
        run_id: int,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
        starred: bool | None = None,
        archived: bool | None = None,
        based_on: Run | None = None,
    ) -> Run:
        """Change the annotations of a run. None keeps a value. Raises `ConfigError` for an invalid value.

        Raises `EditConflictError` if somebody else has changed the same value since the run was `based_on`.
        """
        return self._store.commands.edit_run(
            run_id, name=name, notes=notes, tags=tags, starred=starred, archived=archived, based_on=based_on
        )

    @action
    def edit_runs(
        self,
        run_ids: Iterable[int],
        *,
        add_tags: Iterable[str] = (),
        starred: bool | None = None,
        archived: bool | None = None,
    ) -> None:
        """Annotate several runs. `add_tags` are added to their tags. Raises `ConfigError` for an invalid tag."""
        added = validate_tags(add_tags)  # before the first run is changed
        for run_id in run_ids:
            tags = [*self._store.queries.get_run(run_id).tags, *added] if added else None
            self._store.commands.edit_run(run_id, tags=tags, starred=starred, archived=archived)

    @action
    def delete_runs(self, run_ids: Iterable[int]) -> None:
        """Move runs to the bin, stopping those in progress. Also purges the runs whose time in the bin is over."""
        self._store.commands.delete_runs(run_ids)
        retention.purge_expired_runs(self._store)

    @action
    def restore_runs(self, run_ids: Iterable[int]) -> list[Run]:
        """Restore runs from the bin. A run whose name has been reused meanwhile gets a number after its name."""
        return self._store.commands.restore_runs(run_ids)

    # ------------------------------------------------------------------ drawings

    @action
    def keep_drawing(self, drawing: KeptDrawing) -> KeptDrawing:
        """Keep a drawing. Raises `ConfigError` for an invalid name, and `DrawingError` if there are too many."""
        return self._store.drawings.keep(drawing)

    @action
    def edit_drawing(self, drawing: KeptDrawing) -> None:
        """Change the name and the digit of a kept drawing. Raises `ConfigError` for an invalid name."""
        self._store.drawings.edit(drawing)

    @action
    def delete_drawing(self, drawing: KeptDrawing) -> None:
        """Delete a kept drawing for good."""
        self._store.drawings.delete(drawing.id)

    # ------------------------------------------------------------------ exporting and importing

    @action
    def export(self, run_ids: Iterable[int], format: str) -> Path:
        """Export runs in one of `formats.FORMATS` and return the file, which stays in the runs folder for a day.

        Raises `ExportError`.
        """
        runs = [self._store.queries.get_run(run_id) for run_id in run_ids]
        return server_exports.export_for_server(self._store.queries, runs, format)

    @action
    def import_file(self, source: Path | BinaryIO) -> list[Run]:
        """Import the runs of an archive as new runs. Raises `ImportRefusedError`, and then imports none."""
        return archive.import_archive(self._store, source)

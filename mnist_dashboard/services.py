"""What pages act on, handed over by `app.py` (or by a test): the run store, the supervisor, and who may do what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from mnist_core.config import TrainConfig
from mnist_core.records import Adjustment, Command, Run, RunStatus
from mnist_core.store.queries import Queries
from mnist_dashboard.server.roles import Sharing


class RunControl(Protocol):
    """What pages may do to runs; see `mnist_core.runs.actions.RunActions`."""

    def submit(self, config: TrainConfig, name: str = "") -> Run: ...

    def request_stop(self, run_id: int) -> RunStatus: ...

    def send_command(self, run_id: int, command: Command, adjustment: Adjustment | None = None, *, by: str) -> None: ...

    def resume(self, run_id: int) -> None: ...

    def fork(self, parent: Run, config: TrainConfig, step: int | None = None) -> Run: ...

    def repeat(self, original: Run) -> Run: ...

    def more_seeds(self, run_id: int, count: int = 3) -> list[Run]: ...

    def edit_run(
        self,
        run_id: int,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
        starred: bool | None = None,
        archived: bool | None = None,
    ) -> Run: ...

    def edit_runs(
        self, run_ids: Iterable[int], *, add_tag: str = "", starred: bool | None = None, archived: bool | None = None
    ) -> None: ...

    def delete_runs(self, run_ids: Iterable[int]) -> None: ...

    def restore_runs(self, run_ids: Iterable[int]) -> list[Run]: ...

    def export(self, run_ids: Iterable[int], format: str) -> Path: ...

    def import_file(self, source: Path | BinaryIO) -> list[Run]: ...


@dataclass(frozen=True)
class Services:
    queries: Queries
    control: RunControl
    """What pages may ask for, each time checked; see `access.guarded`."""
    sharing: Sharing


_provided: list[Services] = []


def provide(services: Services) -> None:
    """Hand the pages of this process what they act on; the latest call counts."""
    _provided[:] = [services]


def current() -> Services:
    assert _provided, "app.py provides the services before the first page runs"
    return _provided[0]

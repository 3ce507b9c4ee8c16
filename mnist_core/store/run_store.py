"""The run store. `RunStore` states who may call what, and what readers may see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from mnist_core.store.commands import Commands
from mnist_core.store.database.connection import open_database, report_on_stderr
from mnist_core.store.database.copies import copy_database, find_damage
from mnist_core.store.drawings.kept_drawings import KeptDrawings
from mnist_core.store.drawings.readings import DrawingReadings
from mnist_core.store.queries import Queries
from mnist_core.store.sweeps.kept_sweeps import Sweeps
from mnist_core.store.trainer_writes import TrainerWrites

DATABASE_NAME = "runs.sqlite"


class RunStore:
    """All runs in one database: the only channel between trainers, server, command line and pages.

    It makes no decisions: the supervisor decides which run starts when, the engine what a number means.

    **Parts.** `queries` reads, `commands` does what people ask for, `trainer_writes` records what a trainer measured.
    `drawings` has the digits that people have kept, and `readings` what the runs read on them; `sweeps` has the
    searches, and what their controllers record.
    Code that only reads takes a `Queries`, so its types show that it cannot write.

    **Threads.** One store may be shared between threads. Every method opens and ends its own transaction, and no method
    keeps a connection, except the `ChangeWatch` that `queries.watch()` returns: it belongs to one thread.

    **Processes.** Any number of processes may open the same folder, each with a store of its own. A store must not
    cross a fork: open it in the child. Writers wait up to `connection.BUSY_SECONDS` for each other, then raise
    `StoreUnavailableError`; nothing was written then, and the same call may succeed later. Readers never
    block a writer.

    **Ownership.** Anyone may read and give commands. Only the trainer that holds a run may record for it, and its
    attempt number proves that: a write from an older attempt raises `StaleAttemptError` and writes nothing. Anyone who
    finds a trainer gone may mark its run interrupted, unless the run has moved on meanwhile. A finished run never
    changes again, apart from name, notes, tags, star, archive and bin.

    **Consistency.** A method is one transaction: a reader sees all of it or nothing, and each query sees one instant.
    `Run.revision` grows with every write to a run, across all runs, so the larger of two readings is the newer one;
    `queries.read_changes(cursor)` returns everything committed since `cursor`, and never anything twice.

    **Errors.** Everything raised is a `StoreError` or a `ConfigError` whose text can be shown to a person.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.queries = Queries(engine)
        self.commands = Commands(engine)
        self.trainer_writes = TrainerWrites(engine)
        self.drawings = KeptDrawings(engine)
        self.readings = DrawingReadings(engine)
        self.sweeps = Sweeps(engine)

    @classmethod
    def open(cls, folder: Path, report: Callable[[str], None] = report_on_stderr) -> Self:
        """Open the store in `folder`, or create it. Raises `StoreError` if that is not possible.

        `report` is called with a sentence if a file that cannot be opened was set aside.
        """
        return cls(open_database(folder / DATABASE_NAME, report))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def copy_to(self, path: Path) -> None:
        """Copy the database into a new file while trainers continue. Raises `StoreError` if that is impossible."""
        copy_database(self._engine, path)

    def find_damage(self, seconds: float) -> str:
        """Return what is wrong with the database file; "" if a quick check finds nothing within `seconds`."""
        return find_damage(self._engine, seconds)

"""The run store: everything that is known of every run, and the only channel between trainers, server and command line.

No training and no policy here: which run starts when is the supervisor's business, what a number means the engine's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from mnist_core.store.commands import Commands
from mnist_core.store.connection import copy_database, open_database
from mnist_core.store.queries import Queries
from mnist_core.store.trainer_writes import TrainerWrites

DATABASE_NAME = "runs.sqlite"


class RunStore(Commands, TrainerWrites, Queries):
    """All runs in one SQLite database. Safe to share between threads, and between processes that open it each.

    Who may call what: anyone may read, manage runs and ask one to stop; only the trainer that holds a run (its attempt
    number proves it) may record; whoever finds a trainer dead may mark its run interrupted.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(read_only=True)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open or create the store in `folder`. Raises `StoreError` if that is not possible."""
        return cls(open_database(folder / DATABASE_NAME))

    def close(self) -> None:
        self._engine.dispose()

    def backup(self, path: Path) -> None:
        """Copy everything into a new file while trainers go on. Raises `StoreError` if that is there or cannot be."""
        copy_database(self._engine, path)

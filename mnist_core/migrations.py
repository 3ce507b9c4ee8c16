"""How a database came to its present schema, step by step. `schema` describes where it stands now.

Number n brings a database from version n to n + 1, in one transaction. Append; never change one that has shipped:
each is written out, so that it does the same for ever.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

Migration = Callable[[Connection], None]


def _statements(*statements: str) -> Migration:
    def migrate(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    return migrate


MIGRATIONS: list[Migration] = [
    _statements(
        """
        CREATE TABLE runs (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            name VARCHAR NOT NULL UNIQUE,
            status VARCHAR NOT NULL,
            attempt INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            config VARCHAR NOT NULL,
            created_at FLOAT NOT NULL,
            started_at FLOAT,
            finished_at FLOAT,
            reason VARCHAR NOT NULL,
            notice VARCHAR NOT NULL,
            dataset VARCHAR NOT NULL,
            train_images INTEGER NOT NULL,
            validation_images INTEGER NOT NULL,
            test_images INTEGER NOT NULL,
            total_steps INTEGER NOT NULL,
            trainer_pid INTEGER,
            trainer_start_ticks INTEGER,
            trainer_boot_id VARCHAR,
            model_file VARCHAR NOT NULL,
            step INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            loss FLOAT,
            accuracy FLOAT,
            examples_per_second FLOAT,
            elapsed_seconds FLOAT NOT NULL,
            live_confusion BLOB,
            validation_accuracy FLOAT,
            best_validation_accuracy FLOAT,
            test_accuracy FLOAT,
            test_loss FLOAT
        )
        """,
        "CREATE INDEX runs_by_revision ON runs (revision)",
        "CREATE INDEX runs_by_status ON runs (status)",
        """
        CREATE TABLE step_chunks (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            attempt INTEGER NOT NULL,
            first_step INTEGER NOT NULL,
            steps INTEGER NOT NULL,
            columns BLOB NOT NULL
        )
        """,
        "CREATE INDEX step_chunks_by_run ON step_chunks (run_id, first_step)",
        """
        CREATE TABLE evaluations (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            attempt INTEGER NOT NULL,
            step INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            split VARCHAR NOT NULL,
            loss FLOAT,
            accuracy FLOAT NOT NULL,
            elapsed_seconds FLOAT NOT NULL,
            confusion BLOB NOT NULL,
            predictions BLOB NOT NULL
        )
        """,
        "CREATE INDEX evaluations_by_run ON evaluations (run_id, step)",
    ),
    _statements(
        "ALTER TABLE runs ADD COLUMN device VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE runs ADD COLUMN threads INTEGER NOT NULL DEFAULT 0",
    ),
    _statements(
        "ALTER TABLE runs ADD COLUMN interventions VARCHAR NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN plan VARCHAR NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN parent_id INTEGER REFERENCES runs (id) ON DELETE SET NULL",
        "ALTER TABLE runs ADD COLUMN parent_step INTEGER",
        """
        CREATE TABLE orders (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            command VARCHAR NOT NULL,
            adjustment VARCHAR NOT NULL,
            given_by VARCHAR NOT NULL,
            given_at FLOAT NOT NULL
        )
        """,
        "CREATE INDEX orders_by_run ON orders (run_id, id)",
    ),
]

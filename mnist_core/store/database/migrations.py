"""The migrations that bring a database to the newest schema, which `schema` describes. `migrate` applies them.

Migration n brings a database from version n to n + 1, in one transaction. Append new ones; never change one that has
shipped. Their SQL is written out, so that they keep doing the same when the code around them changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

APPLICATION_ID = 0x4D4E5354
"""`MNST`, in the header of every database of this program: https://sqlite.org/pragma.html#pragma_application_id"""

Migration = Callable[[Connection], None]


def _statements(*statements: str) -> Migration:
    def migrate(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    return migrate


def _add_identities_and_files(connection: Connection) -> None:
    """Give every run an identity, and list the files that bear its number.

    The identity follows from the run, so that a backup restored and migrated again gives the same ones. Whether a
    listed file is the run's is not known here: it has no hash, and its content must prove it when it is read.
    """
    _statements(
        "ALTER TABLE runs ADD COLUMN uid VARCHAR NOT NULL DEFAULT ''",
        """
        CREATE TABLE run_files (
            id INTEGER NOT NULL PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            path VARCHAR NOT NULL,
            kind VARCHAR NOT NULL,
            step INTEGER NOT NULL,
            sha256 VARCHAR NOT NULL
        )
        """,
        "CREATE INDEX run_files_by_run ON run_files (run_id)",
    )(connection)
    folder = Path(connection.exec_driver_sql("PRAGMA database_list").all()[0][2]).parent
    for run_id, created_at, config, last_step in connection.exec_driver_sql(
        "SELECT id, created_at, config, step FROM runs"
    ).all():
        uid = hashlib.sha256(f"{run_id} {created_at!r} {config}".encode()).hexdigest()[:16]
        connection.exec_driver_sql("UPDATE runs SET uid = ? WHERE id = ?", (uid, run_id))
        checkpoints = (
            re.fullmatch(r"(step|best)-(\d{8,})\.ckpt", path.name)
            for path in sorted((folder / "checkpoints" / f"run-{run_id}").glob("*.ckpt"))
        )
        files = [(f"checkpoints/run-{run_id}/{name[0]}", name[1], int(name[2])) for name in checkpoints if name]
        if (folder / "models" / f"run-{run_id}.pt").exists():
            files.append((f"models/run-{run_id}.pt", "model", last_step))
        for path, kind, step in files:
            connection.exec_driver_sql(
                "INSERT INTO run_files (run_id, path, kind, step, sha256) VALUES (?, ?, ?, ?, '')",
                (run_id, path, kind, step),
            )
    connection.exec_driver_sql("CREATE UNIQUE INDEX runs_by_uid ON runs (uid)")


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
    _statements(f"PRAGMA application_id = {APPLICATION_ID}"),
    # Annotations and the bin. SQLite cannot drop a UNIQUE constraint, so the table is rebuilt; an index then keeps the
    # names outside the bin unique.
    _statements(
        """
        CREATE TABLE rebuilt_runs (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            name VARCHAR NOT NULL,
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
            test_loss FLOAT,
            device VARCHAR NOT NULL DEFAULT '',
            threads INTEGER NOT NULL DEFAULT 0,
            interventions VARCHAR NOT NULL DEFAULT '[]',
            plan VARCHAR NOT NULL DEFAULT '[]',
            parent_id INTEGER REFERENCES runs (id) ON DELETE SET NULL,
            parent_step INTEGER
        )
        """,
        "INSERT INTO rebuilt_runs SELECT * FROM runs",
        "DELETE FROM sqlite_sequence WHERE name = 'rebuilt_runs'",
        "INSERT INTO sqlite_sequence SELECT 'rebuilt_runs', seq FROM sqlite_sequence WHERE name = 'runs'",
        "DROP TABLE runs",
        "ALTER TABLE rebuilt_runs RENAME TO runs",
        "ALTER TABLE runs ADD COLUMN notes VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE runs ADD COLUMN tags VARCHAR NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN starred BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN archived BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN deleted_at FLOAT",
        "ALTER TABLE runs ADD COLUMN provenance VARCHAR",
        "ALTER TABLE runs ADD COLUMN curve BLOB NOT NULL DEFAULT x''",
        "CREATE UNIQUE INDEX runs_by_name ON runs (name) WHERE deleted_at IS NULL",
        "CREATE INDEX runs_by_revision ON runs (revision)",
        "CREATE INDEX runs_by_status ON runs (status)",
        "CREATE TABLE test_sets (checksum VARCHAR NOT NULL PRIMARY KEY, labels BLOB NOT NULL)",
    ),
    _add_identities_and_files,
    # Where a trainer runs, when it last wrote, and how long a run has been in the bin.
    _statements(
        "ALTER TABLE runs ADD COLUMN trainer_host VARCHAR",
        "ALTER TABLE runs ADD COLUMN trainer_pid_namespace VARCHAR",
        "ALTER TABLE runs ADD COLUMN heartbeat_at FLOAT",
        "ALTER TABLE runs ADD COLUMN bin_seconds FLOAT NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN bin_seen_at FLOAT",
        """
        UPDATE runs SET heartbeat_at = unixepoch('subsec')
        WHERE status IN ('preparing', 'running', 'paused', 'stopping')
        """,
    ),
    # Which labels a trainer read here, and which results were imported: those have been checked with imported labels.
    _statements(
        "ALTER TABLE test_sets ADD COLUMN is_own BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN unverified BOOLEAN NOT NULL DEFAULT 0",
        """
        UPDATE test_sets SET is_own = 1 WHERE checksum IN (
            SELECT CASE WHEN json_valid(provenance) THEN json_extract(provenance, '$.test_checksum') END
            FROM runs WHERE trainer_pid IS NOT NULL
        )
        """,
        "UPDATE runs SET unverified = 1 WHERE trainer_pid IS NULL AND attempt > 0 AND test_accuracy IS NOT NULL",
    ),
    _statements(
        "ALTER TABLE runs ADD COLUMN queue_rank INTEGER NOT NULL DEFAULT 0",
        """
        UPDATE runs SET reason = 'Removed from the queue.'
        WHERE status = 'stopped' AND reason = 'Taken off the queue.'
        """,
    ),
    # The probabilities of each evaluation.
    _statements("ALTER TABLE evaluations ADD COLUMN probabilities BLOB"),
    # The source code of users' own networks, and norms by layer.
    _statements(
        """
        CREATE TABLE networks (
            sha256 VARCHAR NOT NULL,
            file VARCHAR NOT NULL,
            text VARCHAR NOT NULL,
            path VARCHAR NOT NULL,
            is_own BOOLEAN NOT NULL,
            PRIMARY KEY (sha256, file)
        )
        """,
        """
        CREATE TABLE layer_norms (
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            layers VARCHAR NOT NULL,
            norms BLOB NOT NULL,
            PRIMARY KEY (run_id, step)
        )
        """,
    ),
    # Kept drawings, and what each run reads on them.
    _statements(
        """
        CREATE TABLE drawings (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            name VARCHAR NOT NULL,
            label INTEGER NOT NULL,
            image BLOB NOT NULL,
            created_at FLOAT NOT NULL
        )
        """,
        """
        CREATE TABLE drawing_readings (
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            drawing_id INTEGER NOT NULL REFERENCES drawings (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            digit INTEGER NOT NULL,
            PRIMARY KEY (run_id, drawing_id)
        )
        """,
    ),
    # Sweeps and their trials.
    _statements(
        """
        CREATE TABLE sweeps (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            uid VARCHAR NOT NULL,
            name VARCHAR NOT NULL,
            status VARCHAR NOT NULL,
            spec VARCHAR NOT NULL,
            created_at FLOAT NOT NULL,
            finished_at FLOAT,
            attempt INTEGER NOT NULL,
            controller_pid INTEGER,
            controller_start_ticks INTEGER,
            controller_boot_id VARCHAR,
            controller_host VARCHAR,
            controller_pid_namespace VARCHAR,
            elapsed_seconds FLOAT NOT NULL,
            reason VARCHAR NOT NULL
        )
        """,
        """
        CREATE TABLE trials (
            sweep_id INTEGER NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            role VARCHAR NOT NULL,
            status VARCHAR NOT NULL,
            settings VARCHAR NOT NULL,
            sampler_state VARCHAR NOT NULL,
            value FLOAT,
            kills INTEGER NOT NULL,
            reason VARCHAR NOT NULL,
            PRIMARY KEY (sweep_id, number)
        )
        """,
        "ALTER TABLE runs ADD COLUMN sweep_id INTEGER REFERENCES sweeps (id) ON DELETE SET NULL",
        "ALTER TABLE runs ADD COLUMN trial INTEGER",
        "CREATE INDEX runs_by_sweep ON runs (sweep_id, trial)",
    ),
    # The race that a run is a lane of.
    _statements("ALTER TABLE runs ADD COLUMN race_id INTEGER"),
    # Whether the server carries out a sweep, what it waits for, and when its trials started and ended.
    _statements(
        "ALTER TABLE sweeps ADD COLUMN in_server BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE sweeps ADD COLUMN waits_for VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE trials ADD COLUMN started_at FLOAT",
        "ALTER TABLE trials ADD COLUMN finished_at FLOAT",
    ),
    # Whether the patience of a run had run out when it ended. Of older runs that trained all their steps nothing tells.
    _statements(
        "ALTER TABLE runs ADD COLUMN lost_patience BOOLEAN NOT NULL DEFAULT 0",
        """
        UPDATE runs SET lost_patience = 1
        WHERE status = 'completed' AND step < total_steps
        AND CASE WHEN json_valid(config) THEN json_extract(config, '$.patience') > 0 END
        """,
    ),
]

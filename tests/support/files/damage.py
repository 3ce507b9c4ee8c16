"""Damages what a store holds of a run, behind the program's back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from mnist_core.store.run_store import DATABASE_NAME
from tests.support.files.storage import bundled_sqlite

ROW_DAMAGE = {
    "an unknown setting": "config = json_set(config, '$.layers', 3)",
    "a batch size of -2": "config = json_set(config, '$.batch_size', -2)",
    "settings that are no JSON": "config = '{'",
    "settings that are a list": "config = '[]'",
    "settings nested too deeply": "config = replace(hex(zeroblob(50000)), '0', '[')",
    "a change to batch size 0": (
        """interventions = '[{"step":2,"field":"batch_size","old":64,"new":0,"at":0,"by":"page"}]'"""
    ),
    "a change to batch size -2": (
        """interventions = '[{"step":2,"field":"batch_size","old":64,"new":-2,"at":0,"by":"page"}]'"""
    ),
    "a change of the seed": """interventions = '[{"step":2,"field":"seed","old":1,"new":2,"at":0,"by":"page"}]'""",
    "a change at an impossible time": (
        """interventions = '[{"step":2,"field":"lr","old":0.1,"new":0.2,"at":1e300,"by":"page"}]'"""
    ),
    "changes that are no list": "interventions = '7'",
    "a number as provenance": "provenance = '7'",
    "packages that are no table": "provenance = json_set(provenance, '$.packages', 'torch')",
    "an unknown status": "status = 'asleep'",
    "a negative number of images": "train_images = -5",
    "text as number of steps": "step = 'many'",
    "text as test accuracy": "test_accuracy = 'high'",
    "a curve of half a number": "curve = x'000000'",
    "text as curve": "curve = 'wiggly'",
    "a matrix that is too small": "live_confusion = x'00'",
    "numbers as tags": "tags = '[1, 2]'",
    "a name that is no text": "name = x'ff'",
    "a name that is not UTF-8": "name = CAST(x'ff41' AS TEXT)",
    "notes that are not UTF-8": "notes = CAST(x'ff41' AS TEXT)",
    "a time of creation that is text": "created_at = 'yesterday'",
    "a time of creation far off": "created_at = 1e300",
}
"""Assignments to columns of the table `runs`."""

RECORD_DAMAGE = {
    "a chunk that is cut short": "UPDATE step_chunks SET columns = substr(columns, 1, 20) WHERE run_id = ?",
    "a chunk that is noise": "UPDATE step_chunks SET columns = randomblob(300) WHERE run_id = ?",
    "a chunk that is text": "UPDATE step_chunks SET columns = 'steps' WHERE run_id = ?",
    "a chunk of too many steps": "UPDATE step_chunks SET steps = 1000000000000 WHERE run_id = ?",
    "an evaluation whose matrix is too small": "UPDATE evaluations SET confusion = x'00' WHERE run_id = ?",
    "an evaluation that is not UTF-8": "UPDATE evaluations SET split = CAST(x'ff' AS TEXT) WHERE run_id = ?",
    "an accuracy of text": "UPDATE evaluations SET accuracy = 'high' WHERE run_id = ?",
}
"""Statements on the other tables, with the run's id as parameter."""


def damage_row(runs_dir: Path, run_id: int, assignment: str) -> None:
    """Set a column of a run, as a commit that every reader notices."""
    execute(
        runs_dir, f"UPDATE runs SET {assignment}, revision = (SELECT max(revision) + 1 FROM runs) WHERE id = ?", run_id
    )


def execute(runs_dir: Path, statement: str, run_id: int) -> None:
    with closing(bundled_sqlite.connect(str(runs_dir / DATABASE_NAME), isolation_level=None)) as database:
        database.execute(statement, (run_id,))

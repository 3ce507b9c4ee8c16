"""Runs in one file for another machine, and such a file read back. No pickle, nothing unpacked onto the disk.

A zip of `manifest.json` and, for run number n of it, `n/run.json`, `n/steps.bin` and `n/predictions.bin`; labels of
test sets are in `labels/<checksum>.bin`. The binary members are plain little-endian arrays, of which the JSON says how
long they are. Names in the zip are looked up, never joined to a path.

What is read is somebody else's: sizes are bounded before anything is unpacked, every field is checked by kind and
range, and only when all runs of the file are in order is the first one stored. Weights and checkpoints stay behind.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnist_core.errors import ConfigError, ExportError, ImportRefusedError
from mnist_core.exports.run_json import evaluations_from_json, evaluations_to_json, run_from_json, run_to_json
from mnist_core.records import EvalMetrics, History, Run, RunStatus
from mnist_core.store import RunStore, step_codec
from mnist_core.store.queries import Queries
from mnist_core.system.paths import display_path

FORMAT, VERSION = "mnist-trainer-runs", 1
MANIFEST = "manifest.json"
MAX_RUNS = 1000
MAX_JSON_BYTES = 20_000_000
MAX_STEPS = 2_000_000
MAX_PREDICTIONS_BYTES = 200_000_000
MAX_LABELS = 1_000_000
MAX_TOTAL_BYTES = 4_000_000_000

_DAMAGED_FILE_ERRORS = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, RecursionError),
    *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),  # of zipfile: unknown methods, encryption
)
"""What reading a file raises that is not as it should be."""


def write_archive(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write runs that have ended. Raises `ExportError` for one in progress, which would be half a run there."""
    for run in runs:
        if not run.status.is_finished and run.status is not RunStatus.INTERRUPTED:
            raise ExportError(f"{run.name} is {run.status}. Export it when it has ended, or stop it.")
    kept: set[str] = set()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(MANIFEST, json.dumps({"format": FORMAT, "version": VERSION, "runs": len(runs)}))
        for number, run in enumerate(runs):
            steps, evaluations = queries.read_steps(run.id), queries.list_evaluations(run.id)
            made = {"run": run_to_json(run), "steps": len(steps), "evaluations": evaluations_to_json(evaluations)}
            zipped.writestr(f"{number}/run.json", json.dumps(made, allow_nan=False))
            zipped.writestr(f"{number}/steps.bin", steps.tobytes())
            predictions = b"".join(one.predictions.tobytes() for one in evaluations)
            zipped.writestr(f"{number}/predictions.bin", predictions)
            checksum = run.provenance.test_checksum if run.provenance else ""
            labels = queries.test_labels(checksum) if checksum and checksum not in kept else None
            if labels is not None:
                kept.add(checksum)
                zipped.writestr(f"labels/{checksum}.bin", labels.tobytes())


def import_archive(store: RunStore, source: Path | BinaryIO) -> list[Run]:
    """Add the runs of an archive as new runs; a name that is taken gets a number behind it.

    Raises `ImportRefusedError`, and has stored nothing, when the file is damaged or is no archive of this program.
    """
    if isinstance(source, Path) and not source.is_file():
        raise ImportRefusedError(f"There is no file {display_path(source)}. Choose an archive of exported runs.")
    with _refused_if_damaged(), zipfile.ZipFile(source) as zipped:
        numbers = range(_checked_count(zipped))
        for number in numbers:  # all of them before the first is stored, and no two in memory at once
            _read_run(zipped, number)
        return [store.commands.import_run(*_read_run(zipped, number)) for number in numbers]


@contextmanager
def _refused_if_damaged() -> Iterator[None]:
    try:
        yield
    except ImportRefusedError:
        raise
    except ConfigError as error:
        raise ImportRefusedError(f"The file holds a run that this program does not accept: {error}") from error
    except _DAMAGED_FILE_ERRORS as error:
        raise ImportRefusedError(
            f"The file is damaged, or is no archive of exported runs ({error}). "
            "Export the runs again with the format `archive`, and import that file."
        ) from error


def _checked_count(zipped: zipfile.ZipFile) -> int:
    """How many runs there are in an archive of ours that is not too large."""
    total = sum(member.file_size for member in zipped.infolist())
    if total > MAX_TOTAL_BYTES:
        raise ImportRefusedError(
            f"The file unpacks to {total:,} bytes, more than {MAX_TOTAL_BYTES:,}. Export fewer runs."
        )
    manifest = _json(zipped, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise ImportRefusedError("The file is no archive of exported runs. Choose one that was exported as `archive`.")
    if manifest.get("version") != VERSION:
        raise ImportRefusedError(
            f"The file has version {manifest.get('version')!r}, and this program reads {VERSION}. Update the program."
        )
    count = manifest.get("runs")
    if type(count) is not int or not 1 <= count <= MAX_RUNS:
        raise ImportRefusedError(f"An archive holds 1 to {MAX_RUNS:,} runs, and this one says {count!r}.")
    return count


def _read_run(zipped: zipfile.ZipFile, number: int) -> tuple[Run, History]:
    made = _json(zipped, f"{number}/run.json")
    run = run_from_json(made["run"])
    if type(made["steps"]) is not int or not 0 <= made["steps"] <= MAX_STEPS:
        raise ValueError(f"{made['steps']!r} steps")
    steps = np.frombuffer(
        _bytes(zipped, f"{number}/steps.bin", MAX_STEPS * step_codec.STEP_COLUMNS.itemsize), step_codec.STEP_COLUMNS
    )
    if len(steps) != made["steps"] or run.progress.step != len(steps):
        raise ValueError(f"{made['steps']} steps of {run.name} are promised, {len(steps)} are there")
    predictions = np.frombuffer(_bytes(zipped, f"{number}/predictions.bin", MAX_PREDICTIONS_BYTES), np.uint8)
    evaluations = evaluations_from_json(made["evaluations"], predictions)
    labels = None
    if run.provenance and (name := f"labels/{run.provenance.test_checksum}.bin") in zipped.namelist():
        labels = np.frombuffer(_bytes(zipped, name, MAX_LABELS), np.uint8)
        _check_test_accuracies(run, evaluations, labels)
    return run, History(steps, evaluations, labels)


def _check_test_accuracies(run: Run, evaluations: Sequence[EvalMetrics], labels: np.ndarray) -> None:
    """What is said of accuracy must follow from predictions and labels: verdicts rest on it."""
    if labels.size and labels.max() > 9:
        raise ValueError("labels beyond 9")
    for one in evaluations:
        if one.split == "test":
            if len(one.predictions) != len(labels):
                raise ValueError(
                    f"{run.name} was tested on {len(one.predictions)} images, and {len(labels)} have labels"
                )
            if abs(float((one.predictions == labels).mean()) - one.accuracy) > 1e-6:
                raise ValueError(f"the test accuracy of {run.name} does not follow from its predictions")


def _json(zipped: zipfile.ZipFile, name: str) -> dict[str, object]:
    found = json.loads(_bytes(zipped, name, MAX_JSON_BYTES), parse_constant=_no_constant)
    if not isinstance(found, dict):
        raise TypeError(f"{name} holds no object")
    return found


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _bytes(zipped: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One member, whole; its checksum is verified by reading it to the end."""
    if zipped.getinfo(name).file_size > limit:
        raise ImportRefusedError(f"{name} unpacks to more than {limit:,} bytes. This is no archive of exported runs.")
    return zipped.read(name)

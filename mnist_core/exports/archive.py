"""Exports runs to one file for another machine, and imports such a file.

The file is a zip with `manifest.json` and, for the n-th run, `n/run.json`, `n/steps.bin`, `n/predictions.bin` and, if
any evaluation kept probabilities, their levels in `n/probabilities.bin`. The labels of test sets are in
`labels/<checksum>.bin`, and the source code of users' own networks, to read, in `networks/<checksum>.py`. The binary
members are plain little-endian arrays, whose lengths are in the JSON. They keep NaN and infinity; in the JSON, NaN is
null and infinity a text. Weights and checkpoints are not included.

To change what an archive holds, append a function to `run_json.UPGRADES` that brings the JSON of a run of the version
so far to the new one, and put an archive of the new version among the fixtures of the tests.

An imported file is not trusted. Nothing is unpickled or unpacked onto the disk, and names in the zip are looked up,
never joined to a path. Sizes are bounded before anything is unpacked, the kind and range of every field are checked,
and so is whether they fit together (`run_checks`). All runs are stored in one transaction, after all have passed.
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

from mnist_core.errors import ConfigError, DiskFullError, ExportError, ImportRefusedError
from mnist_core.exports.field_readers import MAX_IMAGES
from mnist_core.exports.run_checks import check_norms, check_run
from mnist_core.exports.run_json import (
    UPGRADES,
    evaluations_from_json,
    evaluations_to_json,
    norms_from_json,
    norms_to_json,
    run_from_json,
    run_to_json,
    upgrade_run,
)
from mnist_core.network_names import OwnNetwork
from mnist_core.records import (
    MAX_SOURCE_BYTES,
    EvalMetrics,
    History,
    NetworkSource,
    Run,
    RunStatus,
    encode_json,
    matches_labels,
)
from mnist_core.store import RunStore
from mnist_core.store.codecs import step_codec
from mnist_core.store.queries import Queries
from mnist_core.system.paths import display_path

FORMAT, VERSION = "mnist-trainer-runs", len(UPGRADES) + 1
MANIFEST = "manifest.json"
MAX_RUNS = 10_000
MAX_JSON_BYTES = 20_000_000
MAX_STEPS = 5_000_000
"""The longest run on 60,000 images has 3,000,000: 50 epochs with batch size 1."""
MAX_PREDICTIONS_BYTES = 200_000_000
MAX_PROBABILITIES_BYTES = 500_000_000
"""5,000 evaluations on 10,000 images."""
MAX_TOTAL_BYTES = 10_000_000_000
"""10,000 runs of three epochs take half of it."""

_DAMAGED_FILE_ERRORS = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, RecursionError),
    *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),  # zipfile: unknown methods, encryption
)
"""Exceptions that reading a damaged or foreign file may raise."""


def write_archive(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write runs that have ended.

    Raises `ExportError` for a run in progress, which would arrive incomplete, and for anything that could not be
    imported: the same limits and checks hold for both.
    """
    if len(runs) > MAX_RUNS:
        raise ExportError(
            f"An archive holds at most {MAX_RUNS:,} runs, got {len(runs):,}. Export them in several parts."
        )
    for run in runs:
        if not run.status.is_finished and run.status is not RunStatus.INTERRUPTED:
            raise ExportError(f"{run.name} is {run.status.word}. Export it when it has ended, or stop it.")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        writer = _Writer(zipped)
        writer.write(MANIFEST, encode_json({"format": FORMAT, "version": VERSION, "runs": len(runs)}).encode())
        for number, run in enumerate(runs):
            try:
                _write_run(queries, run, number, writer)
            except (ConfigError, *_DAMAGED_FILE_ERRORS) as error:
                if isinstance(error, OSError):
                    raise
                raise ExportError(
                    f"{run.name} cannot be exported as an archive, since no program could import it: {error}. "
                    "Leave it out, or choose another format."
                ) from error


class _Writer:
    """Writes members of an archive, and raises `ExportError` where they exceed what can be imported."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zipped = zipped
        self._total = 0
        self.checksums: set[str] = set()
        """Test sets and networks whose labels and source are written."""

    def write(self, name: str, content: bytes, limit: int = MAX_JSON_BYTES) -> None:
        self._total += len(content)
        if len(content) > limit:
            raise ValueError(f"{name} takes {len(content):,} bytes, more than {limit:,}")
        if self._total > MAX_TOTAL_BYTES:
            raise ExportError(f"The archive takes more than {MAX_TOTAL_BYTES:,} bytes. Export fewer runs at once.")
        self._zipped.writestr(name, content)


def _write_run(queries: Queries, run: Run, number: int, writer: _Writer) -> None:
    steps, evaluations = queries.read_steps(run.id), queries.list_evaluations(run.id, probabilities=True)
    if len(steps) > MAX_STEPS:
        raise ValueError(f"it has {len(steps):,} steps, more than {MAX_STEPS:,}")
    predictions = b"".join(evaluation.predictions.tobytes() for evaluation in evaluations)
    levels = b"".join(e.probabilities.tobytes() for e in evaluations if e.probabilities is not None)
    content = {
        "run": run_to_json(run),
        "steps": len(steps),
        "evaluations": evaluations_to_json(evaluations),
        "norms": norms_to_json(queries.list_layer_norms(run.id)),
    }
    read_back = evaluations_from_json(content["evaluations"], *_as_bytes(predictions, levels))
    check_run(run_from_json(content["run"]), steps, read_back)
    check_norms(norms_from_json(content["norms"]), len(steps))
    writer.write(f"{number}/run.json", encode_json(content).encode())
    writer.write(f"{number}/steps.bin", steps.tobytes(), MAX_STEPS * step_codec.STEP_COLUMNS.itemsize)
    writer.write(f"{number}/predictions.bin", predictions, MAX_PREDICTIONS_BYTES)
    if levels:
        writer.write(f"{number}/probabilities.bin", levels, MAX_PROBABILITIES_BYTES)
    _write_network(queries, run, writer)
    checksum = run.provenance.test_checksum if run.provenance else ""
    labels = queries.test_labels(checksum) if checksum else None
    if labels is None or any(e.split == "test" and not matches_labels(e, labels) for e in evaluations):
        return  # labels that contradict the run would have it refused
    if checksum not in writer.checksums:
        writer.checksums.add(checksum)
        writer.write(f"labels/{checksum}.bin", labels.tobytes(), MAX_IMAGES)


def _write_network(queries: Queries, run: Run, writer: _Writer) -> None:
    source = queries.find_network(run.config.model)
    if source and source.sha256 not in writer.checksums:
        writer.checksums.add(source.sha256)
        writer.write(f"networks/{source.sha256}.py", source.text.encode(), MAX_SOURCE_BYTES)


def import_archive(store: RunStore, source: Path | BinaryIO) -> list[Run]:
    """Add the runs of an archive as new runs; if a name is taken, a number is appended to it.

    Raises `ImportRefusedError`, and stores nothing, if the file is damaged or not an archive of this program, or if the
    disk is full.
    """
    if isinstance(source, Path) and not source.is_file():
        raise ImportRefusedError(f"There is no file {display_path(source)}. Choose an archive of exported runs.")
    with _refused_if_damaged(), zipfile.ZipFile(source) as zipped:
        version, count = _read_manifest(zipped)
        for number in range(count):  # check all before the first is stored, holding one at a time in memory
            _read_run(zipped, number, version)
        return store.commands.import_runs(_read_run(zipped, number, version) for number in range(count))


@contextmanager
def _refused_if_damaged() -> Iterator[None]:
    """Turn every error of reading a file into `ImportRefusedError`."""
    try:
        yield
    except ImportRefusedError:
        raise
    except DiskFullError as error:
        raise ImportRefusedError(
            "The disk with the runs folder is full, so nothing was imported. Free some space and import the file again."
        ) from error
    except ConfigError as error:
        raise ImportRefusedError(f"The file holds a run that this program does not accept: {error}") from error
    except _DAMAGED_FILE_ERRORS as error:
        raise ImportRefusedError(
            f"The file is damaged, or is not an archive of exported runs ({error}). "
            "Export the runs again with the format `archive`, and import that file."
        ) from error


def _read_manifest(zipped: zipfile.ZipFile) -> tuple[int, int]:
    """Return the version and the number of runs; raises `ImportRefusedError` for a foreign, newer or too large file."""
    total = sum(member.file_size for member in zipped.infolist())
    if total > MAX_TOTAL_BYTES:
        raise ImportRefusedError(
            f"The file unpacks to {total:,} bytes, more than {MAX_TOTAL_BYTES:,}. Export fewer runs."
        )
    manifest = _read_json(zipped, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise ImportRefusedError(
            "The file is not an archive of exported runs. Choose one that was exported as `archive`."
        )
    version = manifest.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ImportRefusedError(
            f"The archive has version {str(version)[:50]}, and this program reads versions 1 to {VERSION}. "
            "Update the program and import the file again."
        )
    count = manifest.get("runs")
    if type(count) is not int or not 1 <= count <= MAX_RUNS:
        raise ImportRefusedError(f"An archive holds 1 to {MAX_RUNS:,} runs, and this one says {count!r}.")
    return version, count


def _read_run(zipped: zipfile.ZipFile, number: int, version: int) -> tuple[Run, History]:
    """Read and check one run of an archive of this version."""
    content = _read_json(zipped, f"{number}/run.json")
    run = run_from_json(upgrade_run(content["run"], version))
    if type(content["steps"]) is not int or not 0 <= content["steps"] <= MAX_STEPS:
        raise ValueError(f"{str(content['steps'])[:50]} steps")
    steps = np.frombuffer(
        _read_bytes(zipped, f"{number}/steps.bin", MAX_STEPS * step_codec.STEP_COLUMNS.itemsize),
        step_codec.STEP_COLUMNS,
    )
    if len(steps) != content["steps"]:
        raise ValueError(f"{run.name} should have {content['steps']} steps, but has {len(steps)}")
    predictions, levels = _read_bytes(zipped, f"{number}/predictions.bin", MAX_PREDICTIONS_BYTES), b""
    if _has_member(zipped, name := f"{number}/probabilities.bin"):
        levels = _read_bytes(zipped, name, MAX_PROBABILITIES_BYTES)
    evaluations = evaluations_from_json(content["evaluations"], *_as_bytes(predictions, levels))
    norms = norms_from_json(content.get("norms", []))  # archives before version 6 have none
    try:
        run = check_run(run, steps, evaluations)
        check_norms(norms, len(steps))
    except ValueError as error:
        raise ValueError(f"{run.name}: {error}") from error
    labels = None
    if run.provenance and _has_member(zipped, name := f"labels/{run.provenance.test_checksum}.bin"):
        labels = np.frombuffer(_read_bytes(zipped, name, MAX_IMAGES), np.uint8)
        _check_test_results(run, evaluations, labels)
    return run, History(steps, evaluations, labels, _read_network(zipped, run), norms)


def _read_network(zipped: zipfile.ZipFile, run: Run) -> NetworkSource | None:
    """Read the source of the user's own network that a run trained, as text; None if there is none."""
    network = OwnNetwork.parse(run.config.model)
    checksum = run.provenance.network_checksum if run.provenance else ""
    if network is None or not checksum or not _has_member(zipped, name := f"networks/{checksum}.py"):
        return None
    text = _read_bytes(zipped, name, MAX_SOURCE_BYTES).decode()
    source = NetworkSource(network.file, text, is_own=False)
    if source.sha256 != checksum:
        raise ValueError(f"the source of {network.file} does not have the checksum {checksum[:12]}…")
    return source


def _check_test_results(run: Run, evaluations: Sequence[EvalMetrics], labels: np.ndarray) -> None:
    """Refuse results that do not follow from predictions and labels. The labels themselves may be forged."""
    for evaluation in evaluations:
        if evaluation.split != "test":
            continue
        if len(evaluation.predictions) != len(labels):
            raise ValueError(
                f"{run.name} was tested on {len(evaluation.predictions)} images, but {len(labels)} have labels"
            )
        if not matches_labels(evaluation, labels):
            raise ValueError(f"the test accuracy of {run.name} does not follow from its predictions and the labels")


def _as_bytes(*members: bytes) -> list[np.ndarray]:
    return [np.frombuffer(member, np.uint8) for member in members]


def _read_json(zipped: zipfile.ZipFile, name: str) -> dict[str, object]:
    content = json.loads(_read_bytes(zipped, name, MAX_JSON_BYTES), parse_constant=_refuse_constant)
    if not isinstance(content, dict):
        raise TypeError(f"{name} holds no object")
    return content


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _has_member(zipped: zipfile.ZipFile, name: str) -> bool:
    try:
        zipped.getinfo(name)
    except KeyError:
        return False
    return True


def _read_bytes(zipped: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read a whole member, which verifies its checksum."""
    if zipped.getinfo(name).file_size > limit:
        raise ImportRefusedError(
            f"{name} unpacks to more than {limit:,} bytes. This is not an archive of exported runs."
        )
    return zipped.read(name)

"""Exported runs brought into another store: whole, under free names, and nothing of a file that is not in order."""

import contextlib
import dataclasses
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.analysis.compare import compare_runs
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ImportRefusedError, RunStateError
from mnist_core.exports import archive
from mnist_core.exports.export_worker import export
from mnist_core.records import Intervention, Run, RunStatus, StepMetrics
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.factories import LABELS, PROVENANCE, finished_run

Step = Callable[..., StepMetrics]
Change = Callable[[dict[str, bytes]], None]
ARCHIVE_OF_FORMAT_1 = Path(__file__).parent / "fixtures" / "archive-format-1.zip"
"""Four runs exported before the fields of archives were derived from the records."""


@pytest.fixture
def run(store: RunStore, a_step: Step) -> Run:
    made = finished_run(store, name="<b>mine</b>", steps=[a_step(step, loss=1 / step) for step in range(1, 6)])
    return store.commands.edit_run(made.id, notes="# Notes\n=1+1", tags=["good", "slow"], starred=True)


@pytest.fixture
def file(store: RunStore, run: Run, tmp_path: Path) -> Path:
    export(store.queries, [run], "archive", tmp_path / "runs.zip")
    return tmp_path / "runs.zip"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[RunStore]:
    """The store of another machine."""
    opened = RunStore.open(tmp_path / "elsewhere")
    yield opened
    opened.close()


def changed(file: Path, change: Change) -> io.BytesIO:
    """The file with its members changed, and their checksums right."""
    with zipfile.ZipFile(file) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    change(members)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return made


def test_a_run_comes_over_whole(store: RunStore, elsewhere: RunStore, run: Run, file: Path) -> None:
    (imported,) = RunActions(elsewhere).import_file(file)
    assert dataclasses.replace(imported, id=run.id, trainer=run.trainer) == run
    assert elsewhere.queries.read_steps(imported.id).tolist() == store.queries.read_steps(run.id).tolist()
    for there, here in zip(
        store.queries.list_evaluations(run.id), elsewhere.queries.list_evaluations(imported.id), strict=True
    ):
        assert here.predictions.tolist() == there.predictions.tolist()
        assert dataclasses.replace(here, predictions=there.predictions) == there
    assert run.provenance
    labels = elsewhere.queries.test_labels(run.provenance.test_checksum)
    assert labels is not None
    assert labels.tolist() == LABELS.tolist()


def test_an_imported_run_can_be_compared_with_one_from_here(elsewhere: RunStore, file: Path) -> None:
    (imported,) = archive.import_archive(elsewhere, file)
    mine = finished_run(elsewhere, TrainConfig(lr=0.1), right=range(960))
    assert compare_runs(elsewhere.queries, [mine.id], [imported.id]).winner == "a"


def test_an_archive_of_an_earlier_version_is_read_whole(elsewhere: RunStore) -> None:
    steered, diverged, live, interrupted = archive.import_archive(elsewhere, ARCHIVE_OF_FORMAT_1)
    assert (steered.name, steered.notes, steered.tags, steered.starred) == ("steered", "# n\nx", ("good", "slow"), True)
    assert (steered.config.lr, steered.results.test_accuracy, steered.progress.loss) == (0.25, 0.9, 0.5)
    assert steered.provenance == PROVENANCE
    assert (diverged.status, diverged.config.seed, diverged.archived) == (RunStatus.DIVERGED, 3, True)
    assert np.isnan(elsewhere.queries.read_steps(diverged.id)["loss"][1])
    assert [(change.step, change.field, change.old, change.new) for change in live.interventions] == [
        (1, "lr", 0.01, 0.1)
    ]
    assert (live.curve, live.threads, live.reason, live.progress.live_confusion) == (
        (0.5, 0.25),
        2,
        "by hand",
        ((1,) * 10,) * 10,
    )
    assert (interrupted.status, interrupted.name) == (RunStatus.STOPPED, "binned")
    assert len(elsewhere.queries.list_evaluations(interrupted.id)) == 2


def test_the_largest_seed_comes_over(store: RunStore, elsewhere: RunStore, tmp_path: Path) -> None:
    run = finished_run(store, TrainConfig(seed=int(SETTINGS["seed"].high)))
    export(store.queries, [run], "archive", tmp_path / "runs.zip")
    (imported,) = archive.import_archive(elsewhere, tmp_path / "runs.zip")
    assert imported.provenance == run.provenance


def test_nothing_is_overwritten_and_names_that_are_taken_get_a_number(store: RunStore, run: Run, file: Path) -> None:
    first, second = (archive.import_archive(store, file)[0] for _ in range(2))
    assert [first.name, second.name] == ["<b>mine</b>-2", "<b>mine</b>-3"]
    assert store.queries.get_run(run.id) == run
    assert len(store.queries.list_runs()) == 3


def test_two_runs_of_one_name_in_a_file_get_two_names(
    store: RunStore, elsewhere: RunStore, run: Run, tmp_path: Path
) -> None:
    export(store.queries, [run, run], "archive", tmp_path / "twice.zip")
    names = [one.name for one in archive.import_archive(elsewhere, tmp_path / "twice.zip")]
    assert names == ["<b>mine</b>", "<b>mine</b>-2"]


def test_diverged_and_steered_runs_come_over(
    store: RunStore, elsewhere: RunStore, a_step: Step, tmp_path: Path
) -> None:
    run = finished_run(store, steps=[a_step(1), a_step(2, loss=float("nan"))], status=RunStatus.DIVERGED)
    steered = dataclasses.replace(
        run, interventions=(Intervention(1, "batch_size", 64, 32, run.created_at, "page"),), name="steered"
    )
    export(store.queries, [run, steered], "archive", tmp_path / "runs.zip")
    one, other = archive.import_archive(elsewhere, tmp_path / "runs.zip")
    assert one.status is RunStatus.DIVERGED
    assert np.isnan(elsewhere.queries.read_steps(one.id)["loss"][1])
    assert other.interventions == steered.interventions


def test_an_interrupted_run_arrives_as_stopped_since_its_checkpoints_stay_behind(
    store: RunStore, elsewhere: RunStore, tmp_path: Path
) -> None:
    run = finished_run(store, status=RunStatus.INTERRUPTED)
    export(store.queries, [run], "archive", tmp_path / "runs.zip")
    assert archive.import_archive(elsewhere, tmp_path / "runs.zip")[0].status is RunStatus.STOPPED


def test_a_run_that_goes_on_from_another_is_still_known_for_one(
    store: RunStore, elsewhere: RunStore, run: Run, tmp_path: Path
) -> None:
    """It must not count as a seed of the settings that it ended with, nor be made again from the first weights."""
    export(store.queries, [dataclasses.replace(run, parent_id=run.id, parent_step=3)], "archive", tmp_path / "runs.zip")
    (imported,) = archive.import_archive(elsewhere, tmp_path / "runs.zip")
    assert (imported.parent_id, imported.parent_step) == (None, 3)
    with pytest.raises(RunStateError, match="continues another run"):
        RunActions(elsewhere).repeat(imported)


def test_runs_are_read_one_at_a_time(store: RunStore, elsewhere: RunStore, a_step: Step, tmp_path: Path) -> None:
    run = finished_run(store, steps=[a_step(step) for step in range(1, 5001)])
    peaks = []
    for count in (1, 10):
        export(store.queries, [run] * count, "archive", tmp_path / f"{count}.zip")
        tracemalloc.start()
        archive.import_archive(elsewhere, tmp_path / f"{count}.zip")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_labels_from_elsewhere_do_not_replace_those_of_a_trainer(store: RunStore, run: Run, file: Path) -> None:
    assert run.provenance
    name = f"labels/{run.provenance.test_checksum}.bin"

    def lie(members: dict[str, bytes]) -> None:
        members[name] = bytes(members["0/predictions.bin"][30:])  # as if every prediction had been right
        made = json.loads(members["0/run.json"])
        made["evaluations"][1]["accuracy"] = 1
        members["0/run.json"] = json.dumps(made).encode()

    archive.import_archive(store, changed(file, lie))
    kept = store.queries.test_labels(run.provenance.test_checksum)
    assert kept is not None
    assert kept.tolist() == LABELS.tolist()


def test_labels_of_a_trainer_replace_those_from_elsewhere(elsewhere: RunStore, run: Run, file: Path) -> None:
    assert run.provenance
    archive.import_archive(elsewhere, file)
    trained = elsewhere.commands.create_run(TrainConfig(), trainer=own_identity())
    other = (LABELS + 1) % 10
    elsewhere.trainer_writes.write_provenance(trained, run.provenance, other)
    labels = elsewhere.queries.test_labels(run.provenance.test_checksum)
    assert labels is not None
    assert labels.tolist() == other.tolist()


# Refused


def set_field(*path: str, value: Any) -> Change:
    def change(members: dict[str, bytes]) -> None:
        made = json.loads(members["0/run.json"])
        inner = made
        for key in path[:-1]:
            inner = inner[int(key) if isinstance(inner, list) else key]
        inner[path[-1]] = value
        members["0/run.json"] = json.dumps(made).encode()

    return change


def lose_field(*path: str) -> Change:
    def change(members: dict[str, bytes]) -> None:
        content = json.loads(members["0/run.json"])
        parent = content
        for key in path[:-1]:
            parent = parent[int(key) if isinstance(parent, list) else key]
        del parent[path[-1]]
        members["0/run.json"] = json.dumps(content).encode()

    return change


def set_manifest(**values: Any) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **values}).encode()

    return change


def without(name: str) -> Change:
    return lambda members: members.__delitem__(name)


def cut(name: str) -> Change:
    return lambda members: members.__setitem__(name, members[name][:-1])


BAD = {
    "no manifest": without("manifest.json"),
    "another format": set_manifest(format="something else"),
    "a newer version": set_manifest(version=2),
    "no runs": set_manifest(runs=0),
    "too many runs": set_manifest(runs=10**9),
    "runs that are missing": set_manifest(runs=2),
    "steps that are missing": without("0/steps.bin"),
    "steps cut short": cut("0/steps.bin"),
    "predictions cut short": cut("0/predictions.bin"),
    "labels cut short": lambda members: [cut(name)(members) for name in list(members) if name.startswith("labels/")],
    "no JSON": lambda members: members.__setitem__("0/run.json", b"{"),
    "deep JSON": lambda members: members.__setitem__("0/run.json", b"[" * 1_000_000),
    "not a number": lambda members: members.__setitem__("0/run.json", members["0/run.json"].replace(b"0.5", b"NaN")),
    "a missing field": lose_field("run", "notes"),
    "a missing number of the progress": lose_field("run", "progress", "loss"),
    "a missing number of an evaluation": lose_field("evaluations", "1", "step"),
    "no time of creation": set_field("run", "created_at", value=None),
    "a list for a run": set_field("run", value=[]),
    "a running run": set_field("run", "status", value="running"),
    "an unknown status": set_field("run", "status", value="<b>"),
    "a setting out of range": set_field("run", "config", "lr", value=1e9),
    "an unknown setting": set_field("run", "config", "layers", value=3),
    "a number for a name": set_field("run", "name", value=7),
    "control characters in the name": set_field("run", "name", value="a\u202eb"),
    "a long name": set_field("run", "name", value="x" * 81),
    "long notes": set_field("run", "notes", value="x" * 10_001),
    "a time far off": set_field("run", "created_at", value=1e300),
    "a negative count": set_field("run", "train_images", value=-1),
    "a count too large": set_field("run", "total_steps", value=2**70),
    "text for a number": set_field("run", "progress", "loss", value="0.9"),
    "an accuracy above 1": set_field("run", "progress", "accuracy", value=1.1),
    "another accuracy than predicted": set_field("evaluations", "1", "accuracy", value=0.99),
    "an unknown split": set_field("evaluations", "1", "split", value="training"),
    "a matrix of another shape": set_field("evaluations", "1", "confusion", value=[[1]]),
    "too long a curve": set_field("run", "curve", value=[0.5] * 41),
    "interventions of an unknown setting": set_field(
        "run", "interventions", value=[{"step": 1, "field": "seed", "old": 1, "new": 2, "at": 0, "by": "x"}]
    ),
    "interventions at no time": set_field(
        "run", "interventions", value=[{"step": 1, "field": "lr", "old": 1, "new": 2, "at": None, "by": "x"}]
    ),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_file_that_is_not_in_order_is_refused_whole(elsewhere: RunStore, file: Path, change: Change) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        archive.import_archive(elsewhere, changed(file, change))
    assert len(str(caught.value)) < 400
    assert elsewhere.queries.list_runs() == []


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + b"\0" * 18, b"Dear diary", b"\x89PNG\r\n"])
def test_what_is_no_archive_is_refused(elsewhere: RunStore, content: bytes) -> None:
    with pytest.raises(ImportRefusedError, match="is damaged, or is no archive of exported runs"):
        archive.import_archive(elsewhere, io.BytesIO(content))


def test_every_truncation_and_flipped_bit_is_refused_or_harmless(elsewhere: RunStore, file: Path) -> None:
    whole = file.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        with pytest.raises(ImportRefusedError):
            archive.import_archive(elsewhere, io.BytesIO(whole[:length]))
    imported = []
    positions = range(30, len(whole) - 30, 101)
    for at in positions:
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        with contextlib.suppress(ImportRefusedError):
            imported += archive.import_archive(elsewhere, io.BytesIO(damaged))
    assert len(imported) < len(positions) / 2, "a flipped bit is harmless only where the file holds no data"
    assert [run.results.test_accuracy for run in imported] == [0.9] * len(imported)


@pytest.mark.parametrize("name", ["missing.zip", "."])
def test_a_file_that_is_not_there_is_refused(elsewhere: RunStore, tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefusedError, match=r"There is no file .*\. Choose an archive"):
        archive.import_archive(elsewhere, tmp_path / name)


def test_names_in_the_zip_lead_nowhere(elsewhere: RunStore, file: Path, tmp_path: Path) -> None:
    def add(members: dict[str, bytes]) -> None:
        members["../../escaped.txt"] = members[str(tmp_path / "absolute" / "escaped.txt")] = b"x"

    archive.import_archive(elsewhere, changed(file, add))
    assert not list(tmp_path.parent.rglob("escaped.txt"))


def test_a_bomb_is_refused_before_it_is_unpacked(
    elsewhere: RunStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 50_000_000)
    bomb = changed(file, lambda members: members.__setitem__("0/steps.bin", bytes(60_000_000)))
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    with pytest.raises(ImportRefusedError, match=r"The file unpacks to 60,.* bytes, more than 50,000,000"):
        archive.import_archive(elsewhere, bomb)


def test_one_member_too_large_is_refused(elsewhere: RunStore, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_JSON_BYTES", 100)
    with pytest.raises(ImportRefusedError, match=r"0/run\.json unpacks to more than 100 bytes"):
        archive.import_archive(elsewhere, file)

"""Archives that are damaged, hostile or wrong are refused whole, with a reason."""

import contextlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mnist_core.errors import ImportRefusedError
from mnist_core.exports import archive
from mnist_core.records import Run
from mnist_core.store import RunStore
from tests.support.factories import LABELS
from tests.support.files.archives import Change, changed, cut, lose_field, set_field, set_manifest, without, zeroed


def test_results_that_contradict_the_labels_of_a_trainer_are_refused(
    store: RunStore, exported_run: Run, archive_file: Path
) -> None:
    assert exported_run.provenance
    name = f"labels/{exported_run.provenance.test_checksum}.bin"

    def lie(members: dict[str, bytes]) -> None:
        members[name] = bytes(members["0/predictions.bin"][30:])  # as if every prediction had been right
        content = json.loads(members["0/run.json"])
        content["evaluations"][1]["accuracy"] = 1
        members["0/run.json"] = json.dumps(content).encode()

    with pytest.raises(
        ImportRefusedError, match="do not follow from its predictions and the labels of the test images"
    ):
        archive.import_archive(store, changed(archive_file, lie))
    assert store.queries.list_runs() == [exported_run]
    labels = store.queries.test_labels(exported_run.provenance.test_checksum)
    assert labels is not None
    assert labels.tolist() == LABELS.tolist()


def intervention(**values: Any) -> dict[str, Any]:
    return {"step": 1, "field": "lr", "old": 0.1, "new": 0.2, "at": 0, "by": "page", **values}


BAD: dict[str, tuple[Change, str]] = {
    "no manifest": (without("manifest.json"), "no item named 'manifest.json'"),
    "another format": (set_manifest(format="something else"), "is not an archive of exported runs. Choose one"),
    "a newer version": (
        set_manifest(version=archive.VERSION + 1),
        f"The archive has version {archive.VERSION + 1}, and this program reads versions 1 to {archive.VERSION}. "
        "Update the program",
    ),
    "no version": (set_manifest(version=None), "has version None"),
    "a version before the first": (set_manifest(version=0), "has version 0"),
    "no runs": (set_manifest(runs=0), "this one says 0"),
    "too many runs": (set_manifest(runs=10**9), "this one says 1000000000"),
    "runs that are missing": (set_manifest(runs=2), "no item named '1/run.json'"),
    "steps that are missing": (without("0/steps.bin"), "no item named '0/steps.bin'"),
    "steps cut short": (cut("0/steps.bin"), "buffer size must be a multiple"),
    "predictions cut short": (cut("0/predictions.bin"), "predictions are missing"),
    "probabilities cut short": (cut("0/probabilities.bin"), "probabilities are missing"),
    "probabilities that are missing": (without("0/probabilities.bin"), "probabilities are missing"),
    "probabilities of no evaluation": (
        set_field("evaluations", "1", "has_probabilities", value=False),
        "some predictions or probabilities belong to no evaluation",
    ),
    "probabilities of an evaluation that has none": (
        set_field("evaluations", "0", "has_probabilities", value=True),
        "probabilities are missing",
    ),
    "neither with nor without probabilities": (
        set_field("evaluations", "1", "has_probabilities", value="yes"),
        "neither true nor false",
    ),
    "probabilities that do not add up": (
        lambda members: members.__setitem__("0/probabilities.bin", b"\x80" + members["0/probabilities.bin"][1:]),
        "the probabilities of an image do not add up to 1",
    ),
    "probabilities of other predictions": (
        lambda members: members.__setitem__(
            "0/probabilities.bin", members["0/probabilities.bin"][10:] + members["0/probabilities.bin"][:10]
        ),
        "a predicted label is not that of the highest probability",
    ),
    "labels cut short": (
        lambda members: [cut(name)(members) for name in list(members) if name.startswith("labels/")],
        "was tested on 1000 images, but 999 have labels",
    ),
    "no JSON": (lambda members: members.__setitem__("0/run.json", b"{"), "Expecting property name"),
    "deep JSON": (lambda members: members.__setitem__("0/run.json", b"[" * 1_000_000), "maximum recursion depth"),
    "not a number": (
        lambda members: members.__setitem__("0/run.json", members["0/run.json"].replace(b"0.5", b"NaN")),
        "NaN is no number",
    ),
    "a missing field": (lose_field("run", "notes"), "Run lacks notes"),
    "a missing field that an older version may lack": (lose_field("run", "parent_step"), "Run lacks parent_step"),
    "a missing number of the progress": (lose_field("run", "progress", "loss"), "Progress lacks loss"),
    "a missing number of an evaluation": (lose_field("evaluations", "1", "step"), "EvalMetrics lacks step"),
    "no time of creation": (set_field("run", "created_at", value=None), "created_at: None"),
    "a list for a run": (set_field("run", value=[]), "Run is no object"),
    "a running run": (set_field("run", "status", value="running"), "status running"),
    "an unknown status": (set_field("run", "status", value="<b>"), "'<b>' is not a valid RunStatus"),
    "a setting out of range": (set_field("run", "config", "lr", value=1e9), "Learning rate must be between"),
    "an unknown setting": (
        set_field("run", "config", "layers", value=3),
        "config: settings that this program does not know",
    ),
    "a number for a name": (set_field("run", "name", value=7), "name: '7'"),
    "control characters in the name": (
        set_field("run", "name", value="a\u202eb"),
        "must not contain control characters",
    ),
    "a long name": (set_field("run", "name", value="x" * 81), "at most 80 characters, got 81"),
    "long notes": (set_field("run", "notes", value="x" * 10_001), "longer than 10000 characters"),
    "a time far off": (
        set_field("run", "created_at", value=1e300),
        "created_at: 1e+300 is no time between 1970 and 2200",
    ),
    "a negative count": (set_field("run", "train_images", value=-1), "train_images: -1"),
    "a count too large": (set_field("run", "total_steps", value=2**70), "total_steps: 1180591620717411303424"),
    "text for a number": (set_field("run", "progress", "loss", value="0.9"), "loss: 0.9 is no number"),
    "an accuracy above 1": (
        set_field("run", "progress", "accuracy", value=1.1),
        "accuracy: 1.1 is not between 0 and 1",
    ),
    "another accuracy than predicted": (
        set_field("evaluations", "1", "accuracy", value=0.99),
        "does not follow from its predictions",
    ),
    "an unknown split": (set_field("evaluations", "1", "split", value="training"), "split: 'training'"),
    "a matrix of another shape": (set_field("evaluations", "1", "confusion", value=[[1]]), "not 10 rows of 10 counts"),
    "too long a curve": (set_field("run", "curve", value=[0.5] * 41), "curve: no list, or longer than 40"),
    "interventions of an unknown setting": (
        set_field("run", "interventions", value=[{"step": 1, "field": "seed", "old": 1, "new": 2, "at": 0, "by": "x"}]),
        "field: 'seed' is none of",
    ),
    "a batch size of 0": (
        set_field("run", "interventions", value=[intervention(field="batch_size", old=64, new=0)]),
        "Batch size must be between 1 and 1024, got 0",
    ),
    "a batch size of -2": (
        set_field("run", "interventions", value=[intervention(field="batch_size", old=64, new=-2)]),
        "Batch size must be between 1 and 1024, got -2",
    ),
    "half a batch": (
        set_field("run", "interventions", value=[intervention(field="batch_size", old=64, new=8.5)]),
        "Batch size must be a whole number",
    ),
    "a batch above the number of images": (
        set_field("run", "interventions", value=[intervention(field="batch_size", old=64, new=300)]),
        "Batch size must be between 1 and 270",
    ),
    "a first batch size above the number of images": (
        set_field("run", "config", "batch_size", value=300),
        "Batch size must be between 1 and 270",
    ),
    "changes out of order": (
        set_field("run", "interventions", value=[intervention(step=3), intervention(step=2)]),
        "its changes are not in the order of their steps",
    ),
    "a change after the end": (
        set_field("run", "interventions", value=[intervention(step=13)]),
        "a change after step 13 of 12",
    ),
    "too many changes": (
        set_field("run", "interventions", value=[intervention()] * 9_900),
        "interventions: no list, or longer than 2000",
    ),
    "a long name of the person who made a change": (
        set_field("run", "interventions", value=[intervention(by="x" * 81)]),
        "by: 'xxx",
    ),
    "more epochs than its settings": (set_field("run", "progress", "epoch", value=4), "epoch 4 of 3"),
    "more steps than its settings give": (
        set_field("run", "config", "batch_size", value=270),
        "it has 5 steps, but its settings give 3",
    ),
    "an evaluation after the end": (
        set_field("evaluations", "1", "step", value=13),
        "an evaluation after step 13 of 12",
    ),
    "an evaluation in an epoch too many": (
        set_field("evaluations", "1", "epoch", value=4),
        "an evaluation in epoch 4 of 3",
    ),
    "evaluations out of order": (set_field("evaluations", "0", "step", value=6), "not in the order of their steps"),
    "a matrix that contradicts the accuracy": (
        set_field("evaluations", "0", "confusion", value=[[1] * 10] * 10),
        "does not follow from its confusion matrix",
    ),
    "another number of images than predictions": (
        set_field("run", "test_images", value=999),
        "1,000 predictions for 999 test images",
    ),
    "an end before its start": (set_field("run", "finished_at", value=1.0), "it ended before it started"),
    "a negative time": (set_field("run", "created_at", value=-1), "is no time between 1970 and 2200"),
    "a negative duration": (set_field("run", "progress", "elapsed_seconds", value=-1.0), "it trained for -1 s"),
    "an unknown dataset": (set_field("run", "dataset", value="ImageNet"), "is unknown to this program"),
    "another seed than its settings": (set_field("run", "provenance", "seed", value=2), "its seed is 1"),
    "another dataset than its provenance": (
        set_field("run", "provenance", "dataset", value="KMNIST"),
        "its dataset is 'MNIST', but it was made with 'KMNIST'",
    ),
    "a checksum that is none": (
        set_field("run", "provenance", "test_checksum", value="../x"),
        "is no SHA-256 checksum",
    ),
    "a parent's step after its own": (set_field("run", "parent_step", value=6), "it continues from step 6"),
    "no name": (set_field("run", "name", value="   "), "name: it is empty"),
    "steps of epoch 0": (zeroed("0/steps.bin"), "the epochs of its steps do not ascend"),
    "interventions at no time": (
        set_field(
            "run", "interventions", value=[{"step": 1, "field": "lr", "old": 1, "new": 2, "at": None, "by": "x"}]
        ),
        "at: None is no number",
    ),
}
"""Changes to the members of an archive, each with the problem that the refusal names."""


@pytest.mark.parametrize(("change", "problem"), BAD.values(), ids=BAD)
def test_a_file_with_any_fault_is_refused_whole(
    other_store: RunStore, archive_file: Path, change: Change, problem: str
) -> None:
    with pytest.raises(ImportRefusedError, match=re.escape(problem)) as caught:
        archive.import_archive(other_store, changed(archive_file, change))
    assert len(str(caught.value)) < 400
    assert other_store.queries.list_runs() == []


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + b"\0" * 18, b"Dear diary", b"\x89PNG\r\n"])
def test_another_kind_of_file_is_refused(other_store: RunStore, content: bytes) -> None:
    with pytest.raises(ImportRefusedError, match="is damaged, or is not an archive of exported runs"):
        archive.import_archive(other_store, io.BytesIO(content))


def test_every_truncation_and_flipped_bit_is_refused_or_harmless(other_store: RunStore, archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        with pytest.raises(ImportRefusedError):
            archive.import_archive(other_store, io.BytesIO(whole[:length]))
    imported = []
    positions = range(30, len(whole) - 30, 101)
    for at in positions:
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        with contextlib.suppress(ImportRefusedError):
            imported += archive.import_archive(other_store, io.BytesIO(damaged))
    assert len(imported) < len(positions) / 2, "a flipped bit is harmless only where the file holds no data"
    assert [run.results.test_accuracy for run in imported] == [0.9] * len(imported)


@pytest.mark.parametrize("name", ["missing.zip", "."])
def test_a_missing_file_is_refused(other_store: RunStore, tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefusedError, match=r"There is no file .*\. Choose an archive"):
        archive.import_archive(other_store, tmp_path / name)


def test_names_in_the_zip_are_never_used_as_paths(other_store: RunStore, archive_file: Path, tmp_path: Path) -> None:
    def add(members: dict[str, bytes]) -> None:
        members["../../escaped.txt"] = members[str(tmp_path / "absolute" / "escaped.txt")] = b"x"

    archive.import_archive(other_store, changed(archive_file, add))
    assert not list(tmp_path.parent.rglob("escaped.txt"))


def test_a_bomb_is_refused_before_it_is_unpacked(
    other_store: RunStore, archive_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 50_000_000)
    bomb = changed(archive_file, lambda members: members.__setitem__("0/steps.bin", bytes(60_000_000)))
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    with pytest.raises(ImportRefusedError, match=r"The file unpacks to 60,.* bytes, more than 50,000,000"):
        archive.import_archive(other_store, bomb)


def test_one_member_too_large_is_refused(
    other_store: RunStore, archive_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_JSON_BYTES", 100)
    with pytest.raises(ImportRefusedError, match=r"0/run\.json unpacks to more than 100 bytes"):
        archive.import_archive(other_store, archive_file)

"""The formats of exports: the names of their files, and what is refused."""

from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ExportError
from mnist_core.exports.export_worker import export
from mnist_core.exports.formats import FORMATS, file_name
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.factories import finished_run


@pytest.mark.parametrize(
    "name", [name if name != "onnx" else pytest.param(name, marks=pytest.mark.fault) for name in FORMATS]
)
def test_an_export_that_cannot_be_written_leaves_nothing_behind(
    store: RunStore, trained: Run, tmp_path: Path, name: str
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(ExportError, match="taken cannot be written"):
        export(store.queries, [trained], name, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_nothing_and_unknown_formats_are_refused(store: RunStore, recorded: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="There are no runs to export"):
        export(store.queries, [], "csv", tmp_path / "t.csv")
    with pytest.raises(ExportError, match=r"There is no format 'xls'\. Choose one of csv, parquet"):
        export(store.queries, [recorded], "xls", tmp_path / "t.xls")


def test_a_file_is_named_after_its_run_without_unsafe_characters(store: RunStore) -> None:
    assert file_name("csv", [finished_run(store, name="../../etc/pass wd")]) == "etc-pass-wd-csv.csv"
    assert file_name("csv", [finished_run(store, name="***")]) == "run-csv.csv"


def test_a_run_in_progress_has_no_archive(store: RunStore, tmp_path: Path) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    assert run.status is RunStatus.PREPARING
    with pytest.raises(ExportError, match=r"run-1 is preparing\. Export it when it has ended"):
        export(store.queries, [run], "archive", tmp_path / "a.zip")


@pytest.mark.parametrize("letter", ["\u795e", "\U0001f600", "a", "\u0915\u093e", "e\u0301\u0323"])
def test_a_file_named_after_a_long_name_fits_every_file_system(store: RunStore, tmp_path: Path, letter: str) -> None:
    run = finished_run(store, name=(letter * 80)[:80])
    name = file_name("curves-parquet", [run])
    assert len(name.encode()) < 200
    assert name.encode().decode() == name
    export(store.queries, [run], "curves-parquet", tmp_path / name)


def test_a_name_is_cut_between_letters_not_before_their_marks(store: RunStore) -> None:
    stem = file_name("csv", [finished_run(store, name="\u0915\u093f" * 40)]).removesuffix("-csv.csv")
    assert stem == "\u0915\u093f" * 25


@pytest.mark.parametrize("name", ["con", "NUL.x", "Com1.tar"])
def test_a_file_is_not_named_like_a_device(store: RunStore, name: str) -> None:
    assert file_name("csv", [finished_run(store, name=name)]) == f"run-{name}-csv.csv"

"""What a backup holds, also of runs that train meanwhile, and what it never does."""

import stat
import zipfile
from pathlib import Path

import pytest

from mnist_core.backups.backup import default_path, write_backup
from mnist_core.backups.contents import DATABASE, MANIFEST
from mnist_core.backups.restore import restore_backup
from mnist_core.config import TrainConfig
from mnist_core.errors import BackupError
from mnist_core.records import FileKind, KeptDrawing
from mnist_core.store import RunStore
from mnist_core.store.database.copies import newest_backup, restore_hint
from mnist_core.system.processes import own_identity
from tests.backups.conftest import BackedUp
from tests.support.factories import finished_run
from tests.support.files.run_files import give_checkpoint, give_model
from tests.support.files.storage import no_file_longer_than


def test_it_holds_the_database_checkpoints_models_and_sessions(backed_up: BackedUp) -> None:
    with zipfile.ZipFile(backed_up.backup) as archive:
        assert set(archive.namelist()) == {DATABASE, MANIFEST, "owner/sessions/0123", *backed_up.files}
        assert {name: archive.read(name) for name in backed_up.files} == backed_up.files
    assert stat.S_IMODE(backed_up.backup.stat().st_mode) == 0o600


def test_it_brings_everything_to_another_folder(backed_up: BackedUp, tmp_path: Path) -> None:
    restored = restore_backup(backed_up.backup, tmp_path / "new")
    assert restored.report.text == "1 run, 2 checkpoints and 1 model"
    assert restored.kept is None
    moved = BackedUp(tmp_path / "new", backed_up.backup, backed_up.files)
    assert moved.names() == ["first"]
    assert moved.read_files() == backed_up.files
    session = tmp_path / "new" / "owner" / "sessions" / "0123"
    assert (session.read_text(), stat.S_IMODE(session.stat().st_mode)) == ("a session", 0o600)


def test_it_overwrites_nothing(backed_up: BackedUp) -> None:
    content = backed_up.backup.read_bytes()
    store = RunStore.open(backed_up.runs)
    with pytest.raises(BackupError, match=r"backup\.zip exists already, .* Choose another name, or move it away\."):
        write_backup(store, backed_up.runs, backed_up.backup)
    store.close()
    assert backed_up.backup.read_bytes() == content


def test_it_overwrites_nothing_that_appears_meanwhile(
    store: RunStore, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy_to = places / "backup.zip", store.copy_to

    def copy_while_another_writes(target: Path) -> None:
        copy_to(target)
        path.write_text("another's")

    monkeypatch.setattr(store, "copy_to", copy_while_another_writes)
    with pytest.raises(BackupError, match="exists already"):
        write_backup(store, places / "runs", path)
    assert path.read_text() == "another's"


@pytest.mark.parametrize("name", ["nowhere/backup.zip", "small/backup.zip"])
def test_what_cannot_be_written_leaves_nothing_behind(store: RunStore, places: Path, name: str) -> None:
    (places / "small").mkdir()
    finished_run(store)
    with no_file_longer_than(8192), pytest.raises(BackupError, match=r"could not be written \(.*\)\. Choose a name"):
        write_backup(store, places / "runs", places / name)
    assert not list((places / "small").iterdir())


def test_files_that_a_trainer_replaces_meanwhile_are_still_in_it(
    store: RunStore, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    replaced, copy_to = give_checkpoint(store, run, 5), store.copy_to

    def copy_while_a_trainer_saves(target: Path) -> None:
        copy_to(target)
        replaced.unlink()
        give_checkpoint(store, run, 10)

    monkeypatch.setattr(store, "copy_to", copy_while_a_trainer_saves)
    report = write_backup(store, places / "runs", places / "backup.zip")
    assert (report.checkpoints, report.missing) == (1, 0)
    with zipfile.ZipFile(places / "backup.zip") as archive:
        assert [name.rpartition("/")[2] for name in archive.namelist() if name.endswith("ckpt")] == [
            "step-00000005.ckpt"
        ]


def test_files_that_are_gone_or_have_changed_are_left_out_and_counted(store: RunStore, places: Path) -> None:
    whole, changed, gone = (finished_run(store, name=name) for name in ("whole", "changed", "gone"))
    give_checkpoint(store, whole, 1).unlink()  # superseded
    give_checkpoint(store, whole, 5, FileKind.BEST)
    give_checkpoint(store, changed, 5).write_bytes(b"another's")
    give_model(store, changed, b"weights").write_bytes(b"other weights")
    give_checkpoint(store, gone, 5).unlink()
    report = write_backup(store, places / "runs", places / "backup.zip")
    assert (report.runs, report.checkpoints, report.models, report.missing) == (3, 1, 0, 3)


def test_the_newest_backup_is_found_and_offered(store: RunStore, places: Path) -> None:
    runs = places / "runs"
    assert newest_backup(runs) is None
    assert restore_hint(runs).endswith("python -m mnist_core restore FILE")
    write_backup(store, runs, default_path(runs))
    (default,) = (runs / "backups").iterdir()
    assert newest_backup(runs) == default
    elsewhere = places / "other disk" / "my backup.zip"
    elsewhere.parent.mkdir()
    write_backup(store, runs, elsewhere)
    assert newest_backup(runs) == elsewhere
    assert restore_hint(runs).endswith(f"python -m mnist_core restore '{elsewhere}'")
    elsewhere.unlink()
    assert newest_backup(runs) == default


def test_it_brings_kept_drawings(store: RunStore, places: Path, tmp_path: Path) -> None:
    drawing = store.drawings.keep(KeptDrawing(bytes(784), 4, "mine"))
    write_backup(store, places / "runs", places / "backup.zip")
    restore_backup(places / "backup.zip", tmp_path / "new")
    restored = RunStore.open(tmp_path / "new")
    assert restored.drawings.list_drawings() == [drawing]
    restored.close()

"""What a restored backup replaces, keeps and refuses."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_core.backups.contents import DATABASE, MANIFEST
from mnist_core.backups.restore import STAGING_FOLDER, restore_backup
from mnist_core.config import TrainConfig
from mnist_core.errors import BackupError, StoreError
from mnist_core.store import RunStore
from mnist_core.store.database.migrations import MIGRATIONS
from mnist_core.system.paths import ROOT
from tests.backups.conftest import BackedUp
from tests.support.files.storage import bundled_sqlite, no_file_longer_than, pragma


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_runs_are_those_of_the_backup_and_what_was_there_is_kept_whole(backed_up: BackedUp) -> None:
    backed_up.add_run("second")
    checkpoint = next(name for name in backed_up.files if "step-" in name)
    (backed_up.runs / checkpoint).write_bytes(b"saved since")

    restored = restore_backup(backed_up.backup, backed_up.runs)
    assert backed_up.names() == ["first"]
    assert backed_up.read_files() == backed_up.files
    assert restored.kept
    assert (restored.kept / checkpoint).read_bytes() == b"saved since"

    restore_backup(restored.kept / DATABASE, backed_up.runs)
    assert backed_up.names() == ["first", "second"]


def test_files_that_are_replaced_after_the_restoration_are_kept_too(backed_up: BackedUp) -> None:
    restored = restore_backup(backed_up.backup, backed_up.runs)
    assert restored.kept
    for name in backed_up.files:
        (backed_up.runs / name).unlink()
    assert restore_backup(restored.kept / DATABASE, backed_up.runs).report.checkpoints == 2
    assert backed_up.read_files() == backed_up.files


def test_a_bare_copy_of_the_database_is_restored_and_stays_as_it_is(backed_up: BackedUp, tmp_path: Path) -> None:
    store = RunStore.open(backed_up.runs)
    store.copy_to(tmp_path / "copy.sqlite")
    store.close()
    before = snapshot(tmp_path)
    backed_up.add_run("second")
    restore_backup(tmp_path / "copy.sqlite", backed_up.runs)
    assert backed_up.names() == ["first"]
    assert snapshot(tmp_path) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
store = RunStore.open(Path(sys.argv[1]))
for number in range(50):
    store.commands.create_run(TrainConfig(), f"unfolded-{number}")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.fault
@pytest.mark.parametrize("is_damaged", [False, True])
def test_the_log_of_the_old_database_is_never_replayed_into_the_restored_one(
    backed_up: BackedUp, is_damaged: bool
) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(backed_up.runs)], cwd=ROOT, check=False)
    database, log = backed_up.runs / DATABASE, backed_up.runs / f"{DATABASE}-wal"
    assert log.stat().st_size
    if is_damaged:
        database.write_bytes(b"damaged " * 1000)

    restored = restore_backup(backed_up.backup, backed_up.runs)
    assert not list(backed_up.runs.glob(f"{DATABASE}-*"))
    assert pragma(database, "integrity_check") == "ok"
    assert backed_up.names() == ["first"]
    assert restored.kept
    assert (restored.kept / DATABASE).is_file()
    if not is_damaged:
        restore_backup(restored.kept / DATABASE, backed_up.runs)
        assert len(backed_up.names()) == 51


OPENER = """
import sys
from pathlib import Path
from mnist_core.store import RunStore
store = RunStore.open(Path(sys.argv[1]))
print("opened", flush=True)
sys.stdin.readline()
"""


@pytest.mark.fault
def test_nothing_is_restored_while_another_process_has_the_store_open(backed_up: BackedUp) -> None:
    command = [sys.executable, "-c", OPENER, str(backed_up.runs)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as opener:
        assert opener.stdout
        assert opener.stdout.readline() == "opened\n"
        with pytest.raises(StoreError, match=r"Another process uses .*runs\.sqlite\. Stop the server"):
            restore_backup(backed_up.backup, backed_up.runs)
        opener.communicate("\n")
    restore_backup(backed_up.backup, backed_up.runs)


def test_sessions_that_were_ended_since_stay_ended(backed_up: BackedUp) -> None:
    sessions = backed_up.runs / "owner" / "sessions"
    (sessions / "0123").rename(sessions / "4567")
    restore_backup(backed_up.backup, backed_up.runs)
    assert [path.name for path in sessions.iterdir()] == ["4567"]


Change = Callable[[dict[str, bytes], dict[str, Any]], object]


def rewrite(path: Path, change: Change) -> None:
    """Change the files and the manifest in a backup."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop(MANIFEST))
    change(files, manifest)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(manifest))


def add(name: str) -> Change:
    def change(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
        files[name] = b"evil"
        manifest["sha256"][name] = "4fbf0f3c9e0d8a3c2c7f5ea5d0f7f7bf9e0a0f0d1d1b4a6c5a5e4b3c2d1e0f00"

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files, _: files.update({DATABASE: files[DATABASE][:-1] + b"x"}), r"runs\.sqlite has changed"),
        (lambda files, _: files.pop(DATABASE), r"runs\.sqlite is missing"),
        (lambda _, manifest: manifest["sha256"].pop(DATABASE), "it holds no database"),
        (lambda _, manifest: manifest.update(version=2), r"version 2 .* reads 1\. Update the program"),
        (lambda _, manifest: manifest.update(format="other"), "is not a backup of this program"),
        (lambda _, manifest: manifest.update(sha256=7), "manifest cannot be read"),
        (add("../outside"), r"it holds '\.\./outside'"),
        (add("/etc/outside"), "it holds '/etc/outside'"),
        (add("checkpoints/../../outside"), "it holds 'checkpoints"),
        (add("app.py"), r"it holds 'app\.py'"),
    ],
)
def test_a_damaged_or_foreign_backup_changes_nothing(backed_up: BackedUp, change: Change, message: str) -> None:
    rewrite(backed_up.backup, change)
    before = snapshot(backed_up.runs)
    with pytest.raises(BackupError, match=message):
        restore_backup(backed_up.backup, backed_up.runs)
    assert snapshot(backed_up.runs) == before


def newer(path: Path) -> None:
    connection = bundled_sqlite.connect(str(path))
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (newer, "newer version of this program"),
        (cut, "damaged"),
        (lambda path: path.write_bytes(b""), "It is empty"),
        (lambda path: path.write_bytes(b"Dear diary"), "no database, or is damaged"),
        (Path.unlink, "There is no file"),
    ],
)
def test_a_damaged_newer_or_missing_copy_changes_nothing(
    backed_up: BackedUp, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    store = RunStore.open(backed_up.runs)
    store.copy_to(tmp_path / "copy.sqlite")
    store.close()
    damage(tmp_path / "copy.sqlite")
    before = snapshot(backed_up.runs)
    with pytest.raises(BackupError, match=message):
        restore_backup(tmp_path / "copy.sqlite", backed_up.runs)
    assert snapshot(backed_up.runs) == before


def test_a_full_disk_changes_nothing(backed_up: BackedUp) -> None:
    before = snapshot(backed_up.runs)
    with no_file_longer_than(8192), pytest.raises(BackupError, match=r"could not be restored .* run the same command"):
        restore_backup(backed_up.backup, backed_up.runs)
    assert snapshot(backed_up.runs) == before


KILLED_AT_EACH_STEP = """
import itertools, os, shutil, signal, sys
from pathlib import Path
from mnist_core.backups.restore import restore_backup
from mnist_core.store import RunStore

template, backup = Path(sys.argv[1]), Path(sys.argv[2])

def kill_at(number):
    calls = itertools.count(1)
    for name in ("link", "replace", "rename", "unlink", "mkdir", "rmdir", "fsync"):
        def counted(*args, call=getattr(os, name), **kwargs):
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)
        setattr(os, name, counted)

def names(folder):
    store = RunStore.open(folder)
    try:
        return tuple(run.name for run in store.queries.list_runs())
    finally:
        store.close()

seen = []
for number in itertools.count(1):
    folder = template.with_name(f"killed-{number}")
    shutil.copytree(template, folder)
    child = os.fork()
    if child == 0:
        kill_at(number)
        restore_backup(backup, folder)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    seen.append(names(folder))
    kept = [path for path in folder.glob("before-restore-*/runs.sqlite")]
    if seen[-1] == ("first",):
        (database,) = kept
        restore_backup(database, template.with_name(f"returned-{number}"))
        assert names(template.with_name(f"returned-{number}")) == ("first", "second")
    restore_backup(backup, folder)
    assert names(folder) == ("first",)
print(seen.count(("first", "second")), seen.count(("first",)), len(seen))
"""


@pytest.mark.fault
def test_a_restoration_killed_at_any_step_leaves_the_old_runs_or_the_new_ones(
    backed_up: BackedUp, tmp_path: Path
) -> None:
    backed_up.add_run("second")
    command = [sys.executable, "-c", KILLED_AT_EACH_STEP, str(backed_up.runs), str(backed_up.backup)]
    program = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert program.returncode == 0, program.stderr
    old, new, all_kills = map(int, program.stdout.split())
    assert old + new == all_kills
    assert old > 20
    assert new > 2


def test_what_an_earlier_restoration_left_is_cleared_away(backed_up: BackedUp) -> None:
    (backed_up.runs / STAGING_FOLDER).mkdir()
    (backed_up.runs / STAGING_FOLDER / DATABASE).write_bytes(b"half")
    restore_backup(backed_up.backup, backed_up.runs)
    assert not (backed_up.runs / STAGING_FOLDER).exists()
    assert backed_up.names() == ["first"]


def test_a_running_run_in_a_backup_is_restored(store: RunStore, places: Path, tmp_path: Path) -> None:
    store.commands.create_run(TrainConfig(), "queued")
    store.copy_to(tmp_path / "copy.sqlite")
    store.close()
    restore_backup(tmp_path / "copy.sqlite", places / "runs")
    reopened = RunStore.open(places / "runs")
    assert [run.name for run in reopened.queries.list_queued_runs()] == ["queued"]
    reopened.close()

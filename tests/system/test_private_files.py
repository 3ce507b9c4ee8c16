"""Folders and files that only this account can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.exports.server_exports import export_for_server
from mnist_core.store import RunStore
from mnist_core.system.private_files import create_private_folder, make_private
from mnist_core.trainer import speed
from tests.support.factories import finished_run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """An account whose files everybody may read and write, unless the program says otherwise."""
    umask = os.umask(0)
    yield
    os.umask(umask)


def test_a_new_folder_and_those_above_it_are_private(tmp_path: Path) -> None:
    create_private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o700, 0o700]


def test_an_existing_folder_is_closed_but_not_its_parent(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    create_private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o777, 0o700]


def test_the_home_folder_and_folders_for_everybody_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    (tmp_path / "home").mkdir(0o755)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name, expected in (("tmp", 0o1777), ("home", 0o755)):
        create_private_folder(tmp_path / name)
        assert mode(tmp_path / name) == expected


def test_files_of_other_accounts_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    make_private(tmp_path / "file", tmp_path / "missing")
    assert mode(tmp_path / "file") == 0o644


def test_everything_in_the_runs_folder_is_private(places: Path) -> None:
    runs = places / "runs"
    runs.mkdir(0o777, exist_ok=True)
    store = RunStore.open(runs)
    run = finished_run(store, TrainConfig())
    speed.save_speeds({}, "cpu")
    export_for_server(store.queries, [run], "csv")
    store.close()
    store = RunStore.open(runs)  # an older database, too
    found = {path: mode(path) for path in [runs, *runs.rglob("*")]}
    store.close()
    assert {path.suffix for path in found} >= {".sqlite", ".csv"}
    assert {path for path, rights in found.items() if rights != (0o700 if path.is_dir() else 0o600)} == set()

"""Saving a checkpoint while the disk is full or the process is killed."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from mnist_core.checkpoints.files import save
from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError
from mnist_core.system.paths import ROOT
from mnist_core.training.train_state import TrainState
from tests.support.files.storage import no_file_longer_than
from tests.support.training import file_names, load_newest, save_small

pytestmark = pytest.mark.fault

KILLS = 20
DEADLINE_SECONDS = 30.0


@pytest.mark.parametrize("best", [False, True])
def test_a_save_cut_off_by_a_full_disk_keeps_the_older_checkpoints(tmp_path: Path, best: bool) -> None:
    save_small(tmp_path, 1, best=True)
    save_small(tmp_path, 2)
    before = file_names(tmp_path)
    remedy = r"step-00000003.ckpt could not be saved: File too large\. Free some disk space; the previous checkpoint is"
    with no_file_longer_than(40_000), pytest.raises(CheckpointError, match=remedy):
        save_small(tmp_path, 3, best=best)
    assert file_names(tmp_path) == before
    latest = load_newest(tmp_path)
    assert latest.state.step == 2
    save_small(tmp_path, 3)
    assert "step-00000003.ckpt" in file_names(tmp_path)


def test_a_disk_that_is_full_while_flushing_keeps_the_older_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int) -> None:
        assert any(path.suffix == ".tmp" for path in tmp_path.iterdir())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save_small(tmp_path, 1)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CheckpointError, match=r"No space left on device\. Free some disk space"):
        save_small(tmp_path, 2)
    assert file_names(tmp_path) == ["step-00000001.ckpt"]


def test_older_checkpoints_are_removed_only_once_the_new_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        save_small(tmp_path, step)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _file: seen.append(file_names(tmp_path)))
    save_small(tmp_path, 3)
    while_written, renamed = seen
    old = ["step-00000001.ckpt", "step-00000002.ckpt"]
    assert [name for name in while_written if not name.endswith(".tmp")] == old
    assert len(while_written) == 3
    assert renamed == [*old, "step-00000003.ckpt"]
    assert file_names(tmp_path) == renamed[1:]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        CheckpointError, match=r"could not be saved: Not a directory\. Make .*file a folder that can be"
    ):
        save_small(tmp_path / "file", 1)


SAVERS = """
import os, sys
from pathlib import Path
from mnist_core.checkpoints import files
from mnist_core.config import TrainConfig
from mnist_core.training.train_state import TrainState

config = TrainConfig(device="cpu")
for line in sys.stdin:
    if pid := os.fork():
        os.waitpid(pid, 0)
        os.write(1, b"dead\\n")
        continue
    os.write(1, b"%d\\n" % os.getpid())
    state = TrainState.initial(config)
    for state.step in range(int(line), int(line) + 1000):
        files.save(Path(sys.argv[1]), config, state, dataset="MNIST", best=state.step % 2 == 0)
        os.write(1, b"%d\\n" % state.step)  # a broken pipe ends it if the test has ended
    os._exit(0)
"""
"""For each line of input, starts a process that saves checkpoints from that step on and reports each."""


def test_after_a_kill_at_any_moment_of_a_save_the_last_saved_or_a_later_one_loads(tmp_path: Path) -> None:
    config = TrainConfig(device="cpu")
    state = TrainState.initial(config)
    size = save(tmp_path, config, state, dataset="MNIST").stat().st_size
    left_over = 0

    def moment(kill: int, writer: int, reported: int) -> Callable[[], bool]:
        """Return the condition to await before a kill: a temporary file begun or partly written, or a new name."""
        if kill % 3 == 0:
            return lambda: any(path.name > f"step-{reported:08}.ckpt" for path in tmp_path.glob("step-*.ckpt"))
        part = size * kill // KILLS if kill % 3 == 1 else 0
        return lambda: any(path_size(path) >= part for path in tmp_path.glob(f"*.{writer}.*.tmp"))

    with subprocess.Popen(
        [sys.executable, "-c", SAVERS, tmp_path], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as savers:
        assert savers.stdin
        assert savers.stdout
        for kill in range(KILLS):
            print(state.step + 1, file=savers.stdin, flush=True)
            writer = int(savers.stdout.readline())
            reported = int(savers.stdout.readline())
            spin_until(moment(kill, writer, reported))
            os.kill(writer, signal.SIGKILL)
            for line in until_dead(savers.stdout):
                reported = int(line)
            latest = load_newest(tmp_path)
            assert latest.state.step >= reported > state.step
            state = latest.state
            left_over += len(list(tmp_path.glob("*.tmp")))
        savers.stdin.close()
    assert left_over > 0, "no kill fell into a save"
    save(tmp_path, config, state, dataset="MNIST")
    assert not list(tmp_path.glob("*.tmp"))


def path_size(path: Path) -> int:
    """Return the size, or -1 once the file is renamed or removed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def spin_until(condition: Callable[[], bool]) -> None:
    """Wait without sleeping, since the condition holds for a few milliseconds only."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not happen"


def until_dead(lines: IO[str]) -> Iterator[str]:
    return iter(lines.readline, "dead\n")

"""Which disks are on a network, and that no store is opened there."""

from pathlib import Path

import pytest

from mnist_core.errors import StoreError
from mnist_core.store import RunStore
from mnist_core.system import file_systems
from mnist_core.system.file_systems import network_file_system

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/my\\040disk rw - cifs //server/share rw
33 22 0:42 / /media rw - fuse.sshfs me@host: rw
34 22 0:43 / /notes rw - fuse.gocryptfs x rw
35 22 0:44 / /twice rw - nfs server:/old rw
36 22 8:3 / /twice rw - btrfs /dev/sdc1 rw
37 22 0:45 / /c rw - 9p drvfs rw
"""


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mountinfo")


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/runs", ""),
        ("/home/me/runs", "nfs4"),
        ("/homely/runs", ""),
        ("/home/local/runs", ""),
        ("/mnt/my disk/runs", "cifs"),
        ("/media/runs", "fuse.sshfs"),
        ("/notes/runs", ""),
        ("/twice/runs", ""),
        ("/c/runs", "9p"),
    ],
)
def test_the_nearest_mount_decides(path: str, kind: str) -> None:
    assert network_file_system(Path(path)) == kind


def test_a_link_to_a_network_disk_is_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "far")
    (tmp_path / "mountinfo").write_text(f"30 22 0:40 / {tmp_path / 'far'} rw - lustre x rw\n")
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mountinfo")
    assert network_file_system(tmp_path / "runs") == "lustre"
    with pytest.raises(StoreError, match=r"is on a network file system \(lustre\), .* Set MNIST_RUNS_DIR"):
        RunStore.open(tmp_path / "runs")
    assert not list((tmp_path / "far").iterdir())


def test_without_a_list_of_mounts_every_disk_is_taken_for_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "missing")
    monkeypatch.setattr("psutil.disk_partitions", lambda **_options: [])
    assert network_file_system(tmp_path) == ""

"""Cores, memory and processor of the machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ConfigError
from mnist_core.system import machine
from mnist_core.training.engine import train


@pytest.fixture
def forget() -> Iterator[None]:
    """Clear what is cached about the machine, since these tests simulate several."""

    def clear() -> None:
        for cached in (machine.has_bf16, machine.processor_name, machine._cpu_info):
            cached.cache_clear()

    clear()
    yield
    clear()


@pytest.mark.parametrize(
    ("cores", "runs_at_once", "limit", "threads"),
    [(8, 1, "", 8), (8, 2, "", 4), (8, 3, "", 2), (2, 4, "", 1), (8, 1, "3", 3), (8, 4, "3", 2), (8, 1, "many", 8)],
)
def test_trainers_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, runs_at_once: int, limit: str, threads: int
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert machine.threads_per_trainer(runs_at_once) == threads


@pytest.mark.parametrize(
    ("groups", "limits", "cores"),
    [
        ("0::/", {}, 64),
        ("0::/", {"cpu.max": "max 100000"}, 64),
        ("0::/", {"cpu.max": "200000 100000"}, 2),
        ("0::/", {"cpu.max": "250000 100000"}, 2),
        ("0::/", {"cpu.max": "20000 100000"}, 1),
        ("0::/jobs/7", {"jobs/7/cpu.max": "800000 100000", "jobs/cpu.max": "400000 100000"}, 4),
        ("0::/jobs/7", {"jobs/7/cpu.max": "300000 100000", "jobs/cpu.max": "max 100000", "other/cpu.max": "1 1"}, 3),
        ("2:cpuset:/\n1:cpu,cpuacct:/a", {"cpu,cpuacct/a/cpu.cfs_quota_us": "300000"}, 3),
        ("1:cpu:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_quota_us": "500000"}, 5),
        ("1:cpuset:/a", {"cpu/a/cpu.cfs_quota_us": "100000"}, 64),
        ("0::/", {"cpu.max": "unreadable"}, 64),
    ],
)
def test_a_control_group_limits_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, limits: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(64)), raising=False)
    for name, content in limits.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
        if name.endswith("quota_us"):
            path.with_name("cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "proc/self").mkdir(parents=True, exist_ok=True)
    (tmp_path / "proc/self/cgroup").write_text(f"{groups}\n")
    assert machine.cores(tmp_path) == cores


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    ("info", "bf16", "name"),
    [
        ("model name\t: AMD EPYC\nflags\t\t: fpu avx512f avx512_bf16\n", True, "AMD EPYC"),
        ("model name\t: Old Xeon\nflags\t\t: fpu avx512f\n", False, "Old Xeon"),
        ("Features\t: fp asimd bf16\n", True, "unknown processor"),
        ("", False, "unknown processor"),
    ],
)
def test_the_processors_name_and_bf16_support_are_read(
    monkeypatch: pytest.MonkeyPatch, info: str, bf16: bool, name: str
) -> None:
    monkeypatch.setattr(machine, "_cpu_info", lambda: info)
    monkeypatch.setattr(machine._cpu_info, "cache_clear", lambda: None, raising=False)
    assert machine.has_bf16() is bf16
    assert machine.processor_name() == name


def test_bf16_is_refused_where_the_processor_lacks_it(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.training.devices.has_bf16", lambda: False)
    with pytest.raises(
        ConfigError, match=r"Precision bf16 is not available on this machine's cpu\. Choose fp32"
    ) as caught:
        next(train(TrainConfig(precision="bf16", device="cpu"), digits))
    assert caught.value.field == "precision"

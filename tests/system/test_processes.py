"""Identifying processes and sending them signals."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_core.records import ProcessIdentity
from mnist_core.system import processes
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import count_oom_kills, is_alive, is_gone, own_identity, send_signal
from tests.support.processes import Eventually

pytestmark = pytest.mark.fault

NEVER_A_PID = 2**22 + 1  # above the maximum that Linux allows


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process with blanks and parentheses in its name that prints its identity and then waits."""
    code = (
        "import dataclasses, sys\n"
        "open('/proc/self/comm', 'w').write('a) S (b') if sys.platform == 'linux' else None\n"
        "from mnist_core.system.processes import own_identity\n"
        "print(*dataclasses.astuple(own_identity()), flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield process
        process.kill()


def identity_of(child: subprocess.Popen[str]) -> ProcessIdentity:
    assert child.stdout
    pid, ticks, boot, host, namespace = child.stdout.readline().split()
    return ProcessIdentity(int(pid), int(ticks), boot, host, namespace)


def test_this_process_is_alive() -> None:
    assert own_identity().pid == os.getpid()
    assert own_identity() == own_identity()
    assert is_alive(own_identity())


def test_a_reused_pid_is_another_process() -> None:
    assert not is_alive(dataclasses.replace(own_identity(), start_ticks=own_identity().start_ticks + 1))


def test_the_same_pid_before_a_restart_of_the_machine_is_another_process() -> None:
    assert not is_alive(dataclasses.replace(own_identity(), boot_id="another boot"))


@pytest.mark.parametrize("other", [{"pid_namespace": "4026539999"}, {"host": "another-host"}])
def test_a_process_elsewhere_is_neither_seen_to_run_nor_known_to_be_gone(other: dict[str, Any]) -> None:
    here = own_identity()
    for elsewhere in (dataclasses.replace(here, **other), dataclasses.replace(here, pid=NEVER_A_PID, **other)):
        assert not is_alive(elsewhere)
        assert not is_gone(elsewhere)
    gone = dataclasses.replace(here, pid=NEVER_A_PID)
    assert (is_gone(here), is_gone(gone)) == (False, True)


def test_after_a_restart_of_this_host_its_processes_are_gone() -> None:
    assert is_gone(dataclasses.replace(own_identity(), boot_id="another boot"))


def test_where_proc_shows_another_namespace_no_pid_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = own_identity()
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text(here.boot_id)
    (tmp_path / "self").symlink_to(str(os.getpid() + 1))
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert own_identity().pid_namespace is None
    assert not is_gone(here)


def test_an_identity_of_an_older_version_is_alive_if_its_process_is_seen_and_else_unknown() -> None:
    here = dataclasses.replace(own_identity(), host=None, pid_namespace=None)
    ended = dataclasses.replace(here, pid=NEVER_A_PID)
    assert (is_alive(here), is_gone(here)) == (True, False)
    assert (is_alive(ended), is_gone(ended)) == (False, False)


def test_an_unused_pid_is_dead() -> None:
    assert not is_alive(dataclasses.replace(own_identity(), pid=NEVER_A_PID))


def test_another_process_is_alive_until_it_ends_and_a_zombie_is_not(
    child: subprocess.Popen[str], eventually: Eventually
) -> None:
    identity = identity_of(child)
    assert identity.pid == child.pid
    assert identity.boot_id == own_identity().boot_id
    assert is_alive(identity)
    child.kill()  # a zombie now, since nobody has waited for it
    eventually(lambda: not is_alive(identity))
    assert child.returncode is None
    child.wait()
    assert not is_alive(identity)


def test_a_signal_reaches_the_identified_process(child: subprocess.Popen[str]) -> None:
    identity = identity_of(child)
    assert send_signal(identity, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not send_signal(identity, signal.SIGKILL)


@pytest.mark.parametrize("other", [{"start_ticks": 1}, {"boot_id": "another boot"}, {"pid": NEVER_A_PID}])
def test_another_process_under_the_same_pid_is_never_signalled(
    child: subprocess.Popen[str], other: dict[str, Any]
) -> None:
    identity = identity_of(child)
    assert not send_signal(dataclasses.replace(identity, **other), signal.SIGKILL)
    assert is_alive(identity)


def test_a_process_is_identified_by_its_pid(child: subprocess.Popen[str]) -> None:
    assert processes.identify(child.pid) == identity_of(child)
    assert processes.identify(NEVER_A_PID) is None


def test_processor_time_stands_still_while_a_process_waits(child: subprocess.Popen[str]) -> None:
    identity = identity_of(child)
    used = processes.cpu_seconds(identity)
    assert used > 0
    assert processes.cpu_seconds(identity) == used
    assert processes.cpu_seconds(dataclasses.replace(identity, pid=NEVER_A_PID)) == 0


@pytest.mark.parametrize(
    ("groups", "counter"),
    [
        ("0::/user.slice/trainer\n", "user.slice/trainer/memory.events"),
        ("0::/\n", "memory.events"),
        ("5:cpu:/\n4:memory:/jobs/7\n0::/\n", "memory/jobs/7/memory.oom_control"),
    ],
)
def test_out_of_memory_kills_are_counted_in_our_own_control_group(tmp_path: Path, groups: str, counter: str) -> None:
    assert count_oom_kills(tmp_path) == 0
    listed, counted = tmp_path / "proc/self/cgroup", tmp_path / "sys/fs/cgroup" / counter
    for path in (listed, counted):
        path.parent.mkdir(parents=True)
    listed.write_text(groups)
    assert count_oom_kills(tmp_path) == 0
    counted.write_text("low 0\noom 9\noom_kill 3\noom_group_kill 4\n")
    assert count_oom_kills(tmp_path) == 3


def test_a_lower_priority_counts_for_the_session_too_and_is_taken_back() -> None:
    code = """
import os
from pathlib import Path
from mnist_core.system.processes import lower_priority, restore_session_priority
group = Path("/proc/self/autogroup")
def session(): return group.read_text().split()[-1] if group.exists() else ""
lower_priority(5)
print(os.nice(0), session())
restore_session_priority()
print(os.nice(0), session())
"""
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, start_new_session=True)
    before, after = (line.split() for line in ended.stdout.splitlines())
    assert before in (["5", "5"], ["5"])
    assert after in (["5", "0"], ["5"])

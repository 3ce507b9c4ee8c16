"""Telling one process from another, and finding runs whose trainer is gone."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import ProcessIdentity, RunStatus
from mnist_core.scheduler.supervisor import recover
from mnist_core.store import RunStore
from mnist_core.system import processes
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import Silence, is_alive, oom_kills, own_identity, send_signal

NEVER_A_PID = 2**22 + 1  # above the most that Linux allows


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process with blanks and parentheses in its name; it tells its identity and then waits."""
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
    pid, ticks, boot = child.stdout.readline().split()
    return ProcessIdentity(int(pid), int(ticks), boot)


def test_this_process_is_alive() -> None:
    assert own_identity().pid == os.getpid()
    assert own_identity() == own_identity()
    assert is_alive(own_identity())


def test_a_reused_pid_is_another_process() -> None:
    assert not is_alive(dataclasses.replace(own_identity(), start_ticks=own_identity().start_ticks + 1))


def test_the_same_pid_before_a_restart_of_the_machine_is_another_process() -> None:
    assert not is_alive(dataclasses.replace(own_identity(), boot_id="another boot"))


def test_a_pid_that_nobody_has_is_dead() -> None:
    assert not is_alive(dataclasses.replace(own_identity(), pid=NEVER_A_PID))


def test_another_process_lives_until_it_ends_even_as_a_zombie(
    child: subprocess.Popen[str], eventually: Callable[[Callable[[], object]], None]
) -> None:
    identity = identity_of(child)
    assert identity.pid == child.pid
    assert identity.boot_id == own_identity().boot_id
    assert is_alive(identity)
    child.kill()  # nobody has waited for it yet: it is a zombie now
    eventually(lambda: not is_alive(identity))
    assert child.returncode is None
    child.wait()
    assert not is_alive(identity)


def test_a_signal_reaches_that_very_process(child: subprocess.Popen[str]) -> None:
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


def test_the_identity_behind_a_pid(child: subprocess.Popen[str]) -> None:
    assert processes.identity_of(child.pid) == identity_of(child)
    assert processes.identity_of(NEVER_A_PID) is None


def test_processor_time_stands_still_while_a_process_waits(child: subprocess.Popen[str]) -> None:
    identity = identity_of(child)
    used = processes.cpu_seconds(identity)
    assert used > 0
    assert processes.cpu_seconds(identity) == used
    assert processes.cpu_seconds(dataclasses.replace(identity, pid=NEVER_A_PID)) == 0


def test_silence_is_counted_from_the_last_sign() -> None:
    now = [100.0]
    silence = Silence(3.0, clock=lambda: now[0])

    def look(**signs: int) -> set[int]:
        now[0] += 1.0
        return silence.look({int(name[1:]): sign for name, sign in signs.items()})

    assert [look(r1=1, r2=1), look(r1=1, r2=2), look(r1=1, r2=2)] == [set(), set(), set()]
    assert look(r1=1, r2=2) == {1}
    assert look(r1=2, r2=2) == {2}
    assert look(r2=2) == {2}
    assert [look(r1=2), look(r1=2), look(r1=2)] == [set(), set(), set()], "a newcomer, though known before"


def test_nobody_falls_silent_while_the_observer_itself_was_stopped() -> None:
    now = [0.0]
    silence = Silence(30.0, longest_look=2.0, clock=lambda: now[0])
    assert silence.look({1: "here"}) == set()
    now[0] += 3600.0
    assert silence.look({1: "here"}) == set()


@pytest.mark.parametrize(
    ("groups", "counter"),
    [
        ("0::/user.slice/trainer\n", "user.slice/trainer/memory.events"),
        ("0::/\n", "memory.events"),
        ("5:cpu:/\n4:memory:/jobs/7\n0::/\n", "memory/jobs/7/memory.oom_control"),
    ],
)
def test_what_the_kernel_killed_for_memory_is_counted_in_our_own_control_group(
    tmp_path: Path, groups: str, counter: str
) -> None:
    assert oom_kills(tmp_path) == 0
    listed, counted = tmp_path / "proc/self/cgroup", tmp_path / "sys/fs/cgroup" / counter
    for path in (listed, counted):
        path.parent.mkdir(parents=True)
    listed.write_text(groups)
    assert oom_kills(tmp_path) == 0
    counted.write_text("low 0\noom 9\noom_kill 3\noom_group_kill 4\n")
    assert oom_kills(tmp_path) == 3


def test_recover_marks_runs_whose_trainer_is_gone_and_no_others(store: RunStore) -> None:
    me = own_identity()
    gone = {
        "no such pid": dataclasses.replace(me, pid=NEVER_A_PID),
        "pid reused": dataclasses.replace(me, start_ticks=me.start_ticks - 1),
        "restarted": dataclasses.replace(me, boot_id="another boot"),
    }
    alive = store.create_run(TrainConfig(), "alive", trainer=me)
    queued = store.create_run(TrainConfig(), "queued")
    ended = store.create_run(TrainConfig(), "ended", trainer=gone["restarted"])
    store.finish_run(ended, RunStatus.COMPLETED)
    for name, trainer in gone.items():
        store.create_run(TrainConfig(), name, trainer=trainer)
    stopping = store.create_run(TrainConfig(), "stopping", trainer=gone["pid reused"])
    store.request_stop(stopping.id)

    assert {run.name for run in recover(store)} == {*gone, "stopping"}
    by_name = {run.name: run for run in store.list_runs()}
    for name in (*gone, "stopping"):
        assert by_name[name].status is RunStatus.INTERRUPTED
        assert by_name[name].finished_at
    assert by_name["no such pid"].reason == f"Its trainer process (pid {NEVER_A_PID}) is gone."
    assert by_name["alive"] == alive
    assert by_name["queued"] == queued
    assert by_name["ended"].status is RunStatus.COMPLETED
    assert recover(store) == []


def test_recover_spares_runs_that_somebody_else_will_judge(store: RunStore) -> None:
    run = store.create_run(TrainConfig(), trainer=dataclasses.replace(own_identity(), pid=NEVER_A_PID))
    assert recover(store, spare=frozenset({run.id})) == []
    assert store.get_run(run.id) == run

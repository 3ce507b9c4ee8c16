"""What the supervisor makes of a trainer that ends, never begins or falls silent. The host is scripted."""

import dataclasses
import os
import signal
from collections.abc import Callable

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import Progress, RunStatus, StepMetrics
from mnist_core.scheduler import supervisor as module
from mnist_core.scheduler.fork_client import FORK_SERVER_LOST
from mnist_core.scheduler.stall_detector import StallDetector
from mnist_core.scheduler.supervisor import interrupt_lost_runs
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.processes import Eventually
from tests.support.scripted_fork_server import DEAD, SupervisorHarness

NEVER_A_PID = 2**22 + 1  # above the most that Linux allows


def test_a_run_whose_terminal_trainer_died_is_noticed(started: SupervisorHarness, eventually: Eventually) -> None:
    run = started.store.commands.create_run(TrainConfig(), trainer=DEAD)
    eventually(lambda: started.store.queries.get_run(run.id).status is RunStatus.INTERRUPTED)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (-signal.SIGKILL, RunStatus.INTERRUPTED, "Its trainer process was killed (SIGKILL)."),
        (-signal.SIGTERM, RunStatus.INTERRUPTED, "Its trainer process was killed (SIGTERM)."),
        (-signal.SIGSEGV, RunStatus.FAILED, "Its trainer process crashed (SIGSEGV)."),
        (-signal.SIGABRT, RunStatus.FAILED, "Its trainer process crashed (SIGABRT)."),
        (1, RunStatus.FAILED, "Its trainer process ended without a word (exit code 1)."),
        (FORK_SERVER_LOST, RunStatus.INTERRUPTED, "Its trainer process is gone."),
    ],
)
def test_a_trainer_that_left_its_run_going_is_explained(
    stage: SupervisorHarness, a_step: Callable[..., StepMetrics], code: int, status: RunStatus, reason: str
) -> None:
    held = stage.launched()
    stage.store.trainer_writes.append_steps(held, Progress(step=1), [a_step(1)])
    stage.host.end(held.id, code)
    run = stage.store.queries.get_run(held.id)
    assert (run.status, run.reason) == (status, reason)
    assert len(stage.store.queries.read_steps(run.id)) == 1


def test_a_trainer_killed_because_memory_ran_out_has_failed(
    started: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them, and a third that somebody killed later."""
    kills = [5]
    monkeypatch.setattr(module, "count_oom_kills", lambda: kills[0])
    submitted = [started.supervisor.actions.submit(TrainConfig()) for _ in range(2)]
    eventually(lambda: len(started.host.launched) == 2)
    for run in submitted:
        started.store.trainer_writes.claim_run(run.id, DEAD, max_active=2)
    kills[0] += 2
    for run in submitted:
        started.host.end(run.id, -signal.SIGKILL)
        failed = started.store.queries.get_run(run.id)
        assert failed.status is RunStatus.FAILED
        assert failed.reason.startswith("Out of memory: ")
    later = started.supervisor.actions.submit(TrainConfig())
    eventually(lambda: len(started.host.launched) == 3)
    started.store.trainer_writes.claim_run(later.id, DEAD, max_active=2)
    started.host.end(later.id, -signal.SIGKILL)
    assert started.store.queries.get_run(later.id).status is RunStatus.INTERRUPTED


def test_a_trainer_whose_host_was_killed_too_when_memory_ran_out_has_failed(
    started: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = [0]
    monkeypatch.setattr(module, "count_oom_kills", lambda: kills[0])
    run = started.supervisor.actions.submit(TrainConfig())
    eventually(lambda: started.host.launched)
    started.store.trainer_writes.claim_run(run.id, DEAD, max_active=2)
    kills[0] += 2
    started.host.end(run.id, FORK_SERVER_LOST)
    failed = started.store.queries.get_run(run.id)
    assert failed.status is RunStatus.FAILED
    assert failed.reason.startswith("Out of memory: ")


def test_a_run_whose_trainers_die_for_memory_before_claiming_it_says_so_and_can_be_resumed(
    started: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter(range(100))
    monkeypatch.setattr(module, "count_oom_kills", lambda: next(kills))
    run = started.supervisor.actions.submit(TrainConfig())
    for launches in (1, 2, 3):
        eventually(lambda launches=launches: started.host.launched == [run.id] * launches)  # type: ignore[misc]
        started.host.end(run.id, -signal.SIGKILL)
        started.supervisor._wake.set()
    given_up = started.store.queries.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason.startswith("Out of memory: the system killed its trainer before it began.")


def test_an_orderly_end_is_left_as_it_is(stage: SupervisorHarness) -> None:
    held = stage.launched()
    stage.store.trainer_writes.finish_run(held, RunStatus.DIVERGED, "Loss became NaN.")
    before = stage.store.queries.get_run(held.id)
    stage.host.end(held.id, 0)
    assert stage.store.queries.get_run(held.id) == before


def test_a_trainer_that_outlives_its_host_keeps_its_run(stage: SupervisorHarness) -> None:
    run = stage.supervisor.actions.submit(TrainConfig())
    held = stage.store.trainer_writes.claim_run(run.id, own_identity(), max_active=1)
    stage.host.end(run.id, FORK_SERVER_LOST)
    assert stage.store.queries.get_run(run.id) == held


@pytest.mark.parametrize("code", [1, -signal.SIGSEGV])
def test_a_run_whose_trainer_fails_before_claiming_it_is_refused(
    started: SupervisorHarness, eventually: Eventually, code: int
) -> None:
    run = started.supervisor.actions.submit(TrainConfig())
    eventually(lambda: started.host.launched)
    started.host.end(run.id, code)
    refused = started.store.queries.get_run(run.id)
    assert refused.status is RunStatus.FAILED
    assert refused.reason == "No trainer process could be started; the terminal says why."


@pytest.mark.parametrize("code", [-signal.SIGKILL, FORK_SERVER_LOST])
def test_a_run_whose_trainer_is_killed_before_claiming_it_is_tried_again_but_not_for_ever(
    started: SupervisorHarness, eventually: Eventually, code: int
) -> None:
    run = started.supervisor.actions.submit(TrainConfig())
    for launches in (1, 2, 3):
        assert started.store.queries.get_run(run.id).status is RunStatus.QUEUED
        eventually(lambda launches=launches: started.host.launched == [run.id] * launches)  # type: ignore[misc]
        started.host.end(run.id, code)
        started.supervisor._wake.set()
    given_up = started.store.queries.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason == "No trainer process could be started; the terminal says why."
    started.supervisor.actions.resume(run.id)
    eventually(lambda: started.host.launched == [run.id] * 4)


def test_a_trainer_that_is_reported_after_its_run_was_resumed_does_not_end_it(
    started: SupervisorHarness, eventually: Eventually
) -> None:
    """Another process has seen it dead first, and a person was quick."""
    run = started.supervisor.actions.submit(TrainConfig())
    eventually(lambda: started.host.launched)
    held = started.store.trainer_writes.claim_run(run.id, DEAD, max_active=2)
    assert held
    assert interrupt_lost_runs(started.store) == [held]
    started.supervisor.actions.resume(run.id)
    started.host.end(run.id, -signal.SIGKILL)
    assert started.store.queries.get_run(run.id).status is RunStatus.QUEUED
    eventually(lambda: started.host.launched == [run.id, run.id])


@pytest.fixture
def silent(stage: SupervisorHarness, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A clock of the supervisor's: each call lets that many seconds pass and looks. The wall's clock goes astray."""
    now = [0.0]
    stage.supervisor._stall_detector = StallDetector(30.0, clock=lambda: now[0])
    used = [0.0]
    monkeypatch.setattr(module, "cpu_seconds", lambda _process: used[0])

    def report_lost_trainers(seconds: float, cpu: float = 0.0) -> None:
        now[0] += seconds
        used[0] += cpu
        monkeypatch.setattr("time.time", lambda: 1e9 - 3600 * now[0])
        stage.supervisor._interrupt_stalled_runs()

    return report_lost_trainers


def test_a_live_trainer_that_says_and_does_nothing_for_30_seconds_loses_its_run(
    stage: SupervisorHarness, silent: Callable[..., None]
) -> None:
    run = stage.store.commands.create_run(TrainConfig(), trainer=own_identity())
    stage.host.going.add(run.id)
    for _ in range(30):
        silent(1.0)
    assert stage.store.queries.get_run(run.id).status is RunStatus.PREPARING
    silent(1.0)
    given_up = stage.store.queries.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason == f"Its trainer process (pid {os.getpid()}) has not been heard of for 30 s."
    assert run.id not in stage.host.run_ids, "so that another can be launched"


def test_a_beat_or_work_keeps_a_run(stage: SupervisorHarness, silent: Callable[..., None]) -> None:
    run = stage.store.commands.create_run(TrainConfig(), trainer=own_identity())
    for second in range(100):
        silent(1.0, cpu=0.01 if 40 < second < 80 and second % 20 == 0 else 0.0)
        if second % 20 == 0 and not 40 < second < 80:
            stage.store.trainer_writes.heartbeat(run)
    assert stage.store.queries.get_run(run.id).status is RunStatus.PREPARING


def test_recover_marks_runs_whose_trainer_is_gone_and_no_others(store: RunStore) -> None:
    me = own_identity()
    gone = {
        "no such pid": dataclasses.replace(me, pid=NEVER_A_PID),
        "pid reused": dataclasses.replace(me, start_ticks=me.start_ticks - 1),
        "restarted": dataclasses.replace(me, boot_id="another boot"),
    }
    alive = store.commands.create_run(TrainConfig(), "alive", trainer=me)
    queued = store.commands.create_run(TrainConfig(), "queued")
    ended = store.commands.create_run(TrainConfig(), "ended", trainer=gone["restarted"])
    store.trainer_writes.finish_run(ended, RunStatus.COMPLETED)
    for name, trainer in gone.items():
        store.commands.create_run(TrainConfig(), name, trainer=trainer)
    stopping = store.commands.create_run(TrainConfig(), "stopping", trainer=gone["pid reused"])
    store.commands.request_stop(stopping.id)

    assert {run.name for run in interrupt_lost_runs(store)} == {*gone, "stopping"}
    by_name = {run.name: run for run in store.queries.list_runs()}
    for name in (*gone, "stopping"):
        assert by_name[name].status is RunStatus.INTERRUPTED
        assert by_name[name].finished_at
    assert by_name["no such pid"].reason == f"Its trainer process (pid {NEVER_A_PID}) is gone."
    assert by_name["alive"] == alive
    assert by_name["queued"] == queued
    assert by_name["ended"].status is RunStatus.COMPLETED
    assert interrupt_lost_runs(store) == []


def test_recover_spares_runs_that_somebody_else_will_judge(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=dataclasses.replace(own_identity(), pid=NEVER_A_PID))
    assert interrupt_lost_runs(store, spare=frozenset({run.id})) == []
    assert store.queries.get_run(run.id) == run

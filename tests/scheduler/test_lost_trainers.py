"""How the supervisor handles trainers that end, never begin or stall, with a scripted fork server."""

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import Progress, RunStatus, StepMetrics
from mnist_core.scheduler import fork_client, recovery
from mnist_core.scheduler import supervisor as module
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN, is_orphan
from mnist_core.scheduler.recovery import StallDetector, interrupt_lost_runs
from mnist_core.store import commands
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.processes import own_identity
from tests.scheduler.scripted_fork_server import DEAD, SupervisorHarness
from tests.support.files.storage import locked_database
from tests.support.processes import Eventually


@pytest.mark.fault
def test_a_run_whose_terminal_trainer_died_is_noticed(running: SupervisorHarness, eventually: Eventually) -> None:
    run = running.store.commands.create_run(TrainConfig(), trainer=DEAD)
    eventually(lambda: running.store.queries.get_run(run.id).status is RunStatus.INTERRUPTED)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (-signal.SIGKILL, RunStatus.INTERRUPTED, "Its trainer process was killed (SIGKILL)."),
        (-signal.SIGTERM, RunStatus.INTERRUPTED, "Its trainer process was killed (SIGTERM)."),
        (-signal.SIGSEGV, RunStatus.FAILED, "Its trainer process crashed (SIGSEGV)."),
        (-signal.SIGABRT, RunStatus.FAILED, "Its trainer process crashed (SIGABRT)."),
        (1, RunStatus.FAILED, "Its trainer process ended without a word (exit code 1)."),
        (EXIT_CODE_UNKNOWN, RunStatus.INTERRUPTED, "Its trainer process is gone."),
    ],
)
def test_the_exit_of_a_trainer_with_an_unfinished_run_is_explained(
    idle: SupervisorHarness, a_step: Callable[..., StepMetrics], code: int, status: RunStatus, reason: str
) -> None:
    claimed = idle.submit_and_claim()
    idle.store.trainer_writes.append_steps(claimed, Progress(step=1), [a_step(1)])
    idle.fork_server.end(claimed.id, code)
    run = idle.store.queries.get_run(claimed.id)
    assert (run.status, run.reason) == (status, reason)
    assert len(idle.store.queries.read_steps(run.id)) == 1


def test_a_trainer_killed_because_memory_ran_out_has_failed(
    running: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two trainers run out of memory, and a third is killed later."""
    kills = [5]
    monkeypatch.setattr(module, "count_oom_kills", lambda: kills[0])
    submitted = [running.supervisor.actions.submit(TrainConfig()) for _ in range(2)]
    eventually(lambda: len(running.fork_server.launched_ids) == 2)
    for run in submitted:
        running.store.trainer_writes.claim_run(run.id, DEAD, max_active=2)
    kills[0] += 2
    for run in submitted:
        running.fork_server.end(run.id, -signal.SIGKILL)
        failed = running.store.queries.get_run(run.id)
        assert failed.status is RunStatus.FAILED
        assert failed.reason.startswith("Out of memory: ")
    later = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: len(running.fork_server.launched_ids) == 3)
    running.store.trainer_writes.claim_run(later.id, DEAD, max_active=2)
    running.fork_server.end(later.id, -signal.SIGKILL)
    assert running.store.queries.get_run(later.id).status is RunStatus.INTERRUPTED


def test_a_trainer_whose_fork_server_was_killed_too_when_memory_ran_out_has_failed(
    running: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = [0]
    monkeypatch.setattr(module, "count_oom_kills", lambda: kills[0])
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: running.fork_server.launched_ids)
    running.store.trainer_writes.claim_run(run.id, DEAD, max_active=2)
    kills[0] += 2
    running.fork_server.end(run.id, EXIT_CODE_UNKNOWN)
    failed = running.store.queries.get_run(run.id)
    assert failed.status is RunStatus.FAILED
    assert failed.reason.startswith("Out of memory: ")


def test_a_run_whose_trainers_run_out_of_memory_before_claiming_it_can_be_resumed(
    running: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter(range(100))
    monkeypatch.setattr(module, "count_oom_kills", lambda: next(kills))
    run = running.supervisor.actions.submit(TrainConfig())
    for launches in (1, 2, 3):
        eventually(lambda launches=launches: running.fork_server.launched_ids == [run.id] * launches)  # type: ignore[misc]
        running.fork_server.end(run.id, -signal.SIGKILL)
        running.supervisor._wake.set()
    given_up = running.store.queries.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason.startswith("Out of memory: the system killed its trainer before it began.")


def test_an_orderly_end_is_not_changed(idle: SupervisorHarness) -> None:
    claimed = idle.submit_and_claim()
    idle.store.trainer_writes.finish_run(claimed, RunStatus.DIVERGED, "Loss became NaN.")
    before = idle.store.queries.get_run(claimed.id)
    idle.fork_server.end(claimed.id, 0)
    assert idle.store.queries.get_run(claimed.id) == before


def test_a_trainer_that_outlives_its_fork_server_keeps_its_run(idle: SupervisorHarness) -> None:
    run = idle.supervisor.actions.submit(TrainConfig())
    claimed = idle.store.trainer_writes.claim_run(run.id, own_identity(), max_active=1)
    idle.fork_server.end(run.id, EXIT_CODE_UNKNOWN)
    assert idle.store.queries.get_run(run.id) == claimed


@pytest.mark.parametrize("code", [1, -signal.SIGSEGV])
def test_a_run_whose_trainer_fails_before_claiming_it_is_refused(
    running: SupervisorHarness, eventually: Eventually, code: int
) -> None:
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: running.fork_server.launched_ids)
    running.fork_server.end(run.id, code)
    refused = running.store.queries.get_run(run.id)
    assert refused.status is RunStatus.FAILED
    assert refused.reason == "No trainer process could be started; the terminal says why."


@pytest.mark.parametrize("code", [-signal.SIGKILL, EXIT_CODE_UNKNOWN])
def test_a_run_whose_trainer_is_killed_before_claiming_it_is_retried_three_times(
    running: SupervisorHarness, eventually: Eventually, code: int
) -> None:
    run = running.supervisor.actions.submit(TrainConfig())
    for launches in (1, 2, 3):
        assert running.store.queries.get_run(run.id).status is RunStatus.QUEUED
        eventually(lambda launches=launches: running.fork_server.launched_ids == [run.id] * launches)  # type: ignore[misc]
        running.fork_server.end(run.id, code)
        running.supervisor._wake.set()
    given_up = running.store.queries.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason == "No trainer process could be started; the terminal says why."
    running.supervisor.actions.resume(run.id)
    eventually(lambda: running.fork_server.launched_ids == [run.id] * 4)


def test_a_late_report_of_a_dead_trainer_does_not_end_the_resumed_run(
    running: SupervisorHarness, eventually: Eventually
) -> None:
    """Another process noticed the death first, and a person resumed the run at once."""
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: running.fork_server.launched_ids)
    claimed = running.store.trainer_writes.claim_run(run.id, DEAD, max_active=2)
    assert claimed
    assert interrupt_lost_runs(running.store) == [claimed]
    running.supervisor.actions.resume(run.id)
    running.fork_server.end(run.id, -signal.SIGKILL)
    assert running.store.queries.get_run(run.id).status is RunStatus.QUEUED
    eventually(lambda: running.fork_server.launched_ids == [run.id, run.id])


@pytest.fixture
def silent(idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that lets seconds pass on the supervisor's clock, while the wall clock runs wrong, and checks runs."""
    now = [0.0]
    idle.supervisor._seen_trainers = StallDetector(30.0, clock=lambda: now[0])
    idle.supervisor._unseen_trainers = StallDetector(60.0, clock=lambda: now[0])
    used = [0.0]
    monkeypatch.setattr(recovery, "cpu_seconds", lambda _process: used[0])

    def report_lost_trainers(seconds: float, cpu: float = 0.0) -> None:
        now[0] += seconds
        used[0] += cpu
        monkeypatch.setattr("time.time", lambda: 1e9 - 3600 * now[0])
        idle.supervisor._interrupt_stalled_runs()

    return report_lost_trainers


def test_a_trainer_without_heartbeat_or_work_for_30_seconds_loses_its_run(
    idle: SupervisorHarness, silent: Callable[..., None]
) -> None:
    run = idle.store.commands.create_run(TrainConfig(), trainer=own_identity())
    idle.fork_server.live_ids.add(run.id)
    for _ in range(30):
        silent(1.0)
    assert idle.store.queries.get_run(run.id).status is RunStatus.PREPARING
    silent(1.0)
    given_up = idle.store.queries.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason == f"Its trainer process (pid {os.getpid()}) has not been heard of for 30 s."
    assert run.id not in idle.fork_server.run_ids, "so that another can be launched"


def test_a_heartbeat_or_work_keeps_a_run(idle: SupervisorHarness, silent: Callable[..., None]) -> None:
    run = idle.store.commands.create_run(TrainConfig(), trainer=own_identity())
    for second in range(100):
        silent(1.0, cpu=0.01 if 40 < second < 80 and second % 20 == 0 else 0.0)
        if second % 20 == 0 and not 40 < second < 80:
            idle.store.trainer_writes.heartbeat(run)
    assert idle.store.queries.get_run(run.id).status is RunStatus.PREPARING


ELSEWHERE = dataclasses.replace(own_identity(), pid_namespace="4026539999")
"""A trainer in another container: its pid may be that of another process here."""


def test_a_trainer_elsewhere_keeps_its_run_for_60_seconds_without_a_heartbeat(
    idle: SupervisorHarness, silent: Callable[..., None]
) -> None:
    run = idle.store.commands.create_run(TrainConfig(), trainer=ELSEWHERE)
    for second in range(200):
        if second % 50 == 0:
            idle.store.trainer_writes.heartbeat(run)
        assert interrupt_lost_runs(idle.store) == []
        silent(1.0, cpu=1.0)
    for _ in range(10):
        silent(1.0, cpu=1.0)
    assert idle.store.queries.get_run(run.id).status is RunStatus.PREPARING
    silent(1.0, cpu=1.0)
    assert idle.store.queries.get_run(run.id).reason == (
        f"Its trainer process (pid {os.getpid()}) has not been heard of for 60 s."
    )


def test_time_in_which_the_database_is_locked_does_not_count_as_silence(
    idle: SupervisorHarness, silent: Callable[..., None], places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "CHECK_SECONDS", 0.0)
    run = idle.store.commands.create_run(TrainConfig(), trainer=own_identity())
    for _ in range(20):
        silent(1.0)
    with locked_database(places / "runs" / DATABASE_NAME):
        for _ in range(100):
            silent(1.0)
    silent(1.0)
    assert idle.store.queries.get_run(run.id).status is RunStatus.PREPARING
    for _ in range(10):
        silent(1.0)
    assert idle.store.queries.get_run(run.id).status is RunStatus.INTERRUPTED


def test_a_trainer_elsewhere_is_never_adopted(idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {os.getpid(): {fork_client.FORK_SERVER_MODULE}}
    monkeypatch.setattr(fork_client, "_server_modules", lambda process: modules.get(process.pid, set()))
    assert is_orphan(own_identity())
    assert not is_orphan(ELSEWHERE)

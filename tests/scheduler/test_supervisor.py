"""What the supervisor starts, and when. For lost trainers see test_lost_trainers.py."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.inference.client import INFERENCE_RUN_ID
from mnist_core.records import RunStatus
from mnist_core.scheduler import fork_client
from mnist_core.scheduler import supervisor as module
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN
from mnist_core.scheduler.recovery import interrupt_lost_runs
from mnist_core.scheduler.supervisor import parse_max_runs
from mnist_core.system import paths as real_places
from mnist_core.system.processes import own_identity
from mnist_core.trainer.speed import CALIBRATION_RUN_ID
from tests.scheduler.scripted_fork_server import DEAD, SupervisorHarness
from tests.support.processes import Eventually


def test_submit_queues_a_run_under_its_name(idle: SupervisorHarness) -> None:
    run = idle.supervisor.actions.submit(TrainConfig(lr=0.5), "mine")
    assert (run.name, run.status, run.config.lr) == ("mine", RunStatus.QUEUED, 0.5)
    with pytest.raises(ConfigError, match="exists already"):
        idle.supervisor.actions.submit(TrainConfig(), "mine")


def test_simultaneous_submits_get_one_run_each_and_none_is_started_twice(
    running: SupervisorHarness, eventually: Eventually
) -> None:
    tabs = 6
    together = threading.Barrier(tabs)

    def press(_: int) -> int:
        together.wait()
        return running.supervisor.actions.submit(TrainConfig()).id

    with ThreadPoolExecutor(tabs) as pool:
        ids = sorted(pool.map(press, range(tabs)))
    runs = running.store.queries.list_runs()
    assert [run.id for run in runs] == ids
    assert len({run.name for run in runs}) == tabs
    for run_id in ids:
        eventually(lambda run_id=run_id: run_id in running.fork_server.launched_ids)  # type: ignore[misc]
        claimed = running.store.trainer_writes.claim_run(run_id, own_identity(), max_active=2)
        assert claimed
        running.store.trainer_writes.finish_run(claimed, RunStatus.COMPLETED)
        running.fork_server.end(run_id, 0)
    assert running.fork_server.launched_ids == ids


def test_the_oldest_runs_are_started_up_to_the_limit(running: SupervisorHarness, eventually: Eventually) -> None:
    runs = [running.supervisor.actions.submit(TrainConfig()) for _ in range(4)]
    eventually(lambda: len(running.fork_server.launched_ids) == 2)
    claimed = running.store.trainer_writes.claim_run(runs[0].id, own_identity(), max_active=2)
    assert claimed
    running.store.trainer_writes.finish_run(claimed, RunStatus.COMPLETED)
    running.fork_server.end(claimed.id, 0)
    eventually(lambda: len(running.fork_server.launched_ids) == 3)
    assert running.fork_server.launched_ids == [run.id for run in runs[:3]]


def test_runs_are_started_in_the_order_that_people_choose(idle: SupervisorHarness, eventually: Eventually) -> None:
    runs = [idle.supervisor.actions.submit(TrainConfig()) for _ in range(4)]
    idle.supervisor.actions.move_in_queue(runs[3].id, before=runs[0].id)
    idle.supervisor.actions.move_in_queue(runs[0].id, after=runs[1].id)
    idle.supervisor.start()
    eventually(lambda: len(idle.fork_server.launched_ids) == 2)
    idle.supervisor.close()
    assert idle.fork_server.launched_ids == [runs[3].id, runs[1].id]


@pytest.mark.fault
def test_runs_started_in_a_terminal_count_towards_the_limit(running: SupervisorHarness, eventually: Eventually) -> None:
    for _ in range(2):
        terminal_run = running.store.commands.create_run(TrainConfig(), trainer=own_identity())
    queued = running.supervisor.actions.submit(TrainConfig())
    probe = running.store.commands.create_run(
        TrainConfig(), trainer=DEAD
    )  # once it is interrupted, the queue has been checked
    eventually(lambda: running.store.queries.get_run(probe.id).status is RunStatus.INTERRUPTED)
    assert running.fork_server.launched_ids == []
    running.store.trainer_writes.finish_run(terminal_run, RunStatus.COMPLETED)
    eventually(lambda: running.fork_server.launched_ids == [queued.id])


@pytest.mark.fault
def test_the_speed_is_measured_while_idle_and_a_run_takes_precedence(
    running: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    eventually(lambda: running.fork_server.launched_ids == [CALIBRATION_RUN_ID])
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: f"kill {CALIBRATION_RUN_ID}" in running.fork_server.calls)
    running.fork_server.end(CALIBRATION_RUN_ID, -signal.SIGKILL)
    eventually(lambda: running.fork_server.launched_ids == [CALIBRATION_RUN_ID, run.id])
    running.supervisor.actions.request_stop(run.id)
    running.fork_server.end(run.id, 0)
    eventually(lambda: running.fork_server.launched_ids == [CALIBRATION_RUN_ID, run.id, CALIBRATION_RUN_ID])


@pytest.mark.fault
def test_a_killed_speed_measurement_is_not_repeated(
    running: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    eventually(lambda: running.fork_server.launched_ids == [CALIBRATION_RUN_ID])
    running.fork_server.end(CALIBRATION_RUN_ID, -signal.SIGKILL)
    probe = running.store.commands.create_run(
        TrainConfig(), trainer=DEAD
    )  # once it is interrupted, the queue has been checked
    eventually(lambda: running.store.queries.get_run(probe.id).status is RunStatus.INTERRUPTED)
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: run.id in running.fork_server.launched_ids)
    assert running.fork_server.launched_ids == [CALIBRATION_RUN_ID, run.id]


@pytest.mark.fault
def test_the_queue_is_served_again_after_an_error(
    idle: SupervisorHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    idle.supervisor.actions.submit(TrainConfig())
    with monkeypatch.context() as broken:
        broken.setattr(module, "interrupt_lost_runs", lambda *_args, **_kwargs: 1 / 0)
        idle.supervisor.start()
        eventually(lambda: "Cannot check the queue" in caplog.text)
        assert idle.fork_server.launched_ids == []
    eventually(lambda: len(idle.fork_server.launched_ids) == 1)
    idle.supervisor.close()


def test_a_stopped_run_is_never_started(idle: SupervisorHarness, eventually: Eventually) -> None:
    stopped, queued = (idle.supervisor.actions.submit(TrainConfig()) for _ in range(2))
    assert idle.supervisor.actions.request_stop(stopped.id) is RunStatus.STOPPED
    idle.supervisor.start()
    eventually(lambda: queued.id in idle.fork_server.launched_ids)
    idle.supervisor.close()
    assert idle.fork_server.launched_ids == [queued.id]


def test_close_asks_trainers_to_end_before_it_kills_them(idle: SupervisorHarness) -> None:
    idle.supervisor.start()
    idle.supervisor.close()
    assert idle.fork_server.calls == ["start", "SIGTERM", "SIGKILL", "close"]


def test_only_an_interrupted_run_can_be_resumed(idle: SupervisorHarness) -> None:
    run = idle.supervisor.actions.submit(TrainConfig())
    with pytest.raises(RunStateError, match="run-1 is queued: only an interrupted run can be resumed"):
        idle.supervisor.actions.resume(run.id)


@pytest.mark.parametrize("code", [1, -signal.SIGTERM, EXIT_CODE_UNKNOWN])
def test_a_run_that_is_queued_when_the_server_closes_stays_queued(
    idle: SupervisorHarness, eventually: Eventually, code: int
) -> None:
    run = idle.supervisor.actions.submit(TrainConfig())
    idle.supervisor.start()
    eventually(lambda: idle.fork_server.launched_ids == [run.id])
    idle.supervisor.close()
    idle.fork_server.end(run.id, code)
    assert idle.store.queries.get_run(run.id).status is RunStatus.QUEUED


@pytest.mark.parametrize(("text", "count"), [("", 1), ("1", 1), ("64", 64)])
def test_the_limit_of_runs_is_read_from_the_environment(text: str, count: int) -> None:
    assert parse_max_runs(text) == count


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "1.5", " "])
def test_an_invalid_limit_of_runs_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(ConfigError, match=r"MNIST_MAX_RUNS must be a whole number from 1 to 64") as caught:
        parse_max_runs(text)
    assert str(caught.value).endswith(f"got {text!r}.")


@pytest.mark.parametrize("given", ["runs", "~/runs", "/tmp/runs"])
def test_trainers_see_the_same_folders_as_the_server(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_RUNS_DIR", given)
    monkeypatch.delenv("MNIST_DATA_DIR")
    here = real_places.runs_dir()
    environment = fork_client._fork_server_environment({"MNIST_RUNS_DIR": given, "OTHER": "kept"})
    monkeypatch.chdir("/")
    monkeypatch.setenv("MNIST_RUNS_DIR", environment["MNIST_RUNS_DIR"])
    assert real_places.runs_dir() == here
    assert environment["OTHER"] == "kept"
    assert fork_client._fork_server_environment({"GOMP_SPINCOUNT": "7"})["GOMP_SPINCOUNT"] == "7"


def test_an_inference_process_is_launched_and_its_end_is_no_runs_end(
    running: SupervisorHarness, eventually: Eventually
) -> None:
    running.supervisor.launch_inference("5 /tmp/some folder/socket")
    eventually(lambda: running.fork_server.launched_ids == [INFERENCE_RUN_ID])
    assert running.fork_server.arguments == ["5 /tmp/some folder/socket"]
    running.fork_server.end(INFERENCE_RUN_ID, -9)


def race(harness: SupervisorHarness) -> list[int]:
    lanes = harness.supervisor.actions.start_race([TrainConfig(lr=lr) for lr in (0.01, 0.1, 0.5)])
    return [lane.id for lane in lanes]


def test_one_trainer_is_started_for_all_lanes_of_a_race_which_count_as_one(
    running: SupervisorHarness, eventually: Eventually
) -> None:
    lanes = race(running)
    others = [running.supervisor.actions.submit(TrainConfig()).id for _ in range(2)]
    eventually(lambda: len(running.fork_server.launched_ids) == 2)
    claimed = running.store.trainer_writes.claim_lanes(lanes[0], own_identity(), max_active=2)
    assert [lane.id for lane in claimed] == lanes
    running.fork_server.end(others[0], 0)
    running.supervisor.actions.remove_from_queue(others[0])
    eventually(lambda: len(running.fork_server.launched_ids) == 3)
    assert running.fork_server.launched_ids == [lanes[0], *others]


def test_a_race_whose_trainer_is_killed_is_interrupted_in_all_lanes(idle: SupervisorHarness) -> None:
    lanes = race(idle)
    idle.fork_server.live_ids.add(lanes[0])
    done, *_ = idle.store.trainer_writes.claim_lanes(lanes[0], DEAD, max_active=1)
    idle.store.trainer_writes.finish_run(done, RunStatus.COMPLETED)
    idle.fork_server.end(lanes[0], -signal.SIGKILL)
    ended = [idle.store.queries.get_run(lane) for lane in lanes]
    assert [run.status for run in ended] == [RunStatus.COMPLETED, RunStatus.INTERRUPTED, RunStatus.INTERRUPTED]
    assert ended[1].reason == ended[2].reason == "Its trainer process was killed (SIGKILL)."


def test_lanes_of_a_trainer_whose_exit_will_be_reported_are_spared(idle: SupervisorHarness) -> None:
    lanes = race(idle)
    idle.store.trainer_writes.claim_lanes(lanes[0], DEAD, max_active=1)
    assert interrupt_lost_runs(idle.store, spare=frozenset(lanes[:1])) == []
    assert [run.id for run in interrupt_lost_runs(idle.store)] == lanes

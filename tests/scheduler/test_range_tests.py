"""When the supervisor starts, replaces and cancels learning-rate range tests, over a scripted fork server."""

import dataclasses
import json
import signal

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, NotSavedError, RunStateError
from mnist_core.records import RunStatus
from mnist_core.runs.actions import RunActions
from mnist_core.scheduler.supervisor import Supervisor
from mnist_core.sweeps.rate_zones import RANGE_TEST_RUN_ID, find_zones_of
from mnist_core.system.processes import own_identity
from mnist_core.trainer.speed import CALIBRATION_RUN_ID
from tests.scheduler.scripted_fork_server import SupervisorHarness
from tests.support.processes import Eventually

CONFIG = TrainConfig(momentum=0.9)
OTHER = TrainConfig(momentum=0.5)
KILL = f"kill {RANGE_TEST_RUN_ID}"


def launched_configs(harness: SupervisorHarness) -> list[TrainConfig]:
    """Return the settings of the tests that were launched."""
    launched = zip(harness.fork_server.launched_ids, harness.fork_server.arguments, strict=True)
    return [TrainConfig(**json.loads(str(argument))) for run_id, argument in launched if run_id == RANGE_TEST_RUN_ID]


def test_a_requested_test_is_launched_and_ends(running: SupervisorHarness, eventually: Eventually) -> None:
    tests = running.supervisor.range_tests
    tests.request(CONFIG)
    assert tests.is_testing(dataclasses.replace(CONFIG, lr=0.3, epochs=9)), "the rate is what is tested"
    assert not tests.is_testing(OTHER)
    eventually(lambda: launched_configs(running) == [CONFIG])
    assert tests.is_testing(CONFIG)
    running.fork_server.end(RANGE_TEST_RUN_ID, 0)
    assert not tests.is_active
    assert find_zones_of(CONFIG) is None, "its process would have saved them"


def test_a_run_that_is_submitted_cancels_the_test(running: SupervisorHarness, eventually: Eventually) -> None:
    tests = running.supervisor.range_tests
    tests.request(CONFIG)
    eventually(lambda: launched_configs(running))
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: KILL in running.fork_server.calls)
    eventually(lambda: run.id in running.fork_server.launched_ids)  # without waiting for the end of the test
    assert tests.is_active
    assert not tests.is_testing(CONFIG)
    running.fork_server.end(RANGE_TEST_RUN_ID, -signal.SIGKILL)
    assert not tests.is_active
    assert find_zones_of(CONFIG) is None, "a cancelled test has not failed"


def test_no_test_starts_while_a_run_trains_or_waits(idle: SupervisorHarness) -> None:
    tests = idle.supervisor.range_tests
    run = idle.supervisor.actions.submit(TrainConfig())
    with pytest.raises(RunStateError, match=r"^Learning rates can be tested while no run trains or waits\."):
        tests.request(CONFIG)
    claimed = idle.store.trainer_writes.claim_run(run.id, own_identity(), max_active=1)
    assert claimed
    with pytest.raises(RunStateError):
        tests.request(CONFIG)
    idle.store.trainer_writes.finish_run(claimed, RunStatus.COMPLETED)
    tests.request(CONFIG)
    idle.supervisor.actions.submit(TrainConfig())  # before the supervisor has looked
    tests.tend()
    assert not tests.is_active
    assert launched_configs(idle) == []


def test_other_settings_replace_the_running_test(running: SupervisorHarness, eventually: Eventually) -> None:
    tests = running.supervisor.range_tests
    tests.request(CONFIG)
    eventually(lambda: launched_configs(running) == [CONFIG])
    tests.request(OTHER)
    eventually(lambda: KILL in running.fork_server.calls)
    assert tests.is_testing(OTHER)
    assert not tests.is_testing(CONFIG)
    running.fork_server.end(RANGE_TEST_RUN_ID, -signal.SIGKILL)
    eventually(lambda: launched_configs(running) == [CONFIG, OTHER])
    assert find_zones_of(CONFIG) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (1, "The test failed. Try again; the terminal has the details."),
        (
            -signal.SIGKILL,
            "The test was killed: the system may be out of memory. Try again; the terminal has the details.",
        ),
    ],
)
def test_a_test_that_dies_says_so(running: SupervisorHarness, eventually: Eventually, code: int, problem: str) -> None:
    running.supervisor.range_tests.request(CONFIG)
    eventually(lambda: launched_configs(running))
    running.fork_server.end(RANGE_TEST_RUN_ID, code)
    found = find_zones_of(CONFIG)
    assert found is not None
    assert found.problem == problem


def test_a_server_that_closes_blames_no_test(running: SupervisorHarness, eventually: Eventually) -> None:
    running.supervisor.range_tests.request(CONFIG)
    eventually(lambda: launched_configs(running))
    running.fork_server.end(RANGE_TEST_RUN_ID, -signal.SIGTERM)
    assert find_zones_of(CONFIG) is None


def test_the_speed_is_not_measured_during_a_test(idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.scheduler.supervisor.IDLE_SECONDS", 0.0)
    supervisor: Supervisor = idle.supervisor
    supervisor.range_tests.request(CONFIG)
    supervisor._calibrate_when_idle()
    assert CALIBRATION_RUN_ID not in idle.fork_server.launched_ids
    assert f"kill {CALIBRATION_RUN_ID}" in idle.fork_server.calls


def test_the_action_checks_who_asks_and_the_network(idle: SupervisorHarness) -> None:
    requested: list[TrainConfig] = []

    def refuse() -> None:
        raise NotSavedError("You are watching.")

    with pytest.raises(NotSavedError):
        RunActions(idle.store, before_action=refuse, test_rates=requested.append).test_rates(CONFIG)
    actions = RunActions(idle.store, test_rates=requested.append)
    with pytest.raises(ConfigError, match=r"missing\.py"):
        actions.test_rates(dataclasses.replace(CONFIG, model="missing.py:Net"))
    actions.test_rates(CONFIG)
    assert requested == [CONFIG]

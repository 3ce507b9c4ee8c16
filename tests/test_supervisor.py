"""What the supervisor decides: whom to start, and what an exit code means. The host is scripted."""

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_core import places as real_places
from mnist_core import supervisor as module
from mnist_core import trainers
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.processes import Silence, own_identity
from mnist_core.records import Progress, Run, RunStatus, StepMetrics
from mnist_core.speed import CALIBRATION
from mnist_core.store import RunStore
from mnist_core.supervisor import Supervisor, max_runs_allowed, recover
from mnist_core.trainers import HOST_ENDED

Wait = Callable[[Callable[[], object]], None]
DEAD = dataclasses.replace(own_identity(), start_ticks=1)


class ScriptedHost:
    """Notes what it is asked to launch; a test says what then becomes of it."""

    def __init__(self, exited: trainers.Exited) -> None:
        self.exited = exited
        self.launched: list[int] = []
        self.going: set[int] = set()
        self.calls: list[str] = []
        self.lock = threading.Lock()

    @property
    def run_ids(self) -> frozenset[int]:
        with self.lock:
            return frozenset(self.going)

    def start(self) -> None:
        self.calls.append("start")

    def launch(self, run_id: int, max_active: int) -> None:
        with self.lock:
            self.launched.append(run_id)
            self.going.add(run_id)

    def kill(self, run_id: int) -> None:
        self.calls.append(f"kill {run_id}")

    def abandon(self, run_id: int) -> None:
        with self.lock:
            self.going.discard(run_id)

    def look_after(self) -> None:
        pass

    def end_trainers(self, number: signal.Signals, timeout: float) -> None:
        self.calls.append(number.name)

    def close(self) -> None:
        self.calls.append("close")

    def end(self, run_id: int, code: int) -> None:
        self.exited(run_id, code)
        with self.lock:
            self.going.discard(run_id)


@dataclasses.dataclass
class Stage:
    store: RunStore
    supervisor: Supervisor
    host: ScriptedHost

    def launched(self) -> Run:
        """A run that its trainer has claimed; that trainer is dead by now, but has not been reported."""
        run = self.supervisor.submit(TrainConfig())
        self.host.going.add(run.id)
        held = self.store.claim_run(run.id, DEAD, max_active=64)
        assert held
        return held


@pytest.fixture
def stage(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Stage:
    hosts: list[ScriptedHost] = []

    def make(exited: trainers.Exited) -> ScriptedHost:
        hosts.append(ScriptedHost(exited))
        return hosts[0]

    monkeypatch.setattr(module, "TrainerHost", make)
    supervisor = Supervisor(store, max_runs=2)
    return Stage(store, supervisor, hosts[0])


@pytest.fixture
def started(stage: Stage) -> Iterator[Stage]:
    stage.supervisor.start()
    yield stage
    stage.supervisor.close()


def test_submit_queues_a_run_under_its_name(stage: Stage) -> None:
    run = stage.supervisor.submit(TrainConfig(lr=0.5), "mine")
    assert (run.name, run.status, run.config.lr) == ("mine", RunStatus.QUEUED, 0.5)
    with pytest.raises(ConfigError, match="exists already"):
        stage.supervisor.submit(TrainConfig(), "mine")


def test_tabs_that_submit_at_once_get_one_run_each_and_none_is_started_twice(started: Stage, eventually: Wait) -> None:
    tabs = 6
    together = threading.Barrier(tabs)

    def press(_: int) -> int:
        together.wait()
        return started.supervisor.submit(TrainConfig()).id

    with ThreadPoolExecutor(tabs) as pool:
        ids = sorted(pool.map(press, range(tabs)))
    runs = started.store.list_runs()
    assert [run.id for run in runs] == ids
    assert len({run.name for run in runs}) == tabs
    for run_id in ids:
        eventually(lambda run_id=run_id: run_id in started.host.launched)  # type: ignore[misc]
        held = started.store.claim_run(run_id, own_identity(), max_active=2)
        assert held
        started.store.finish_run(held, RunStatus.COMPLETED)
        started.host.end(run_id, 0)
    assert started.host.launched == ids


def test_as_many_runs_are_started_as_may_go_at_once_oldest_first(started: Stage, eventually: Wait) -> None:
    runs = [started.supervisor.submit(TrainConfig()) for _ in range(4)]
    eventually(lambda: len(started.host.launched) == 2)
    held = started.store.claim_run(runs[0].id, own_identity(), max_active=2)
    assert held
    started.store.finish_run(held, RunStatus.COMPLETED)
    started.host.end(held.id, 0)
    eventually(lambda: len(started.host.launched) == 3)
    assert started.host.launched == [run.id for run in runs[:3]]


def test_runs_started_in_a_terminal_count_too(started: Stage, eventually: Wait) -> None:
    for _ in range(2):
        held = started.store.create_run(TrainConfig(), trainer=own_identity())
    waiting = started.supervisor.submit(TrainConfig())
    probe = started.store.create_run(TrainConfig(), trainer=DEAD)  # once it is recovered, the queue was looked at
    eventually(lambda: started.store.get_run(probe.id).status is RunStatus.INTERRUPTED)
    assert started.host.launched == []
    started.store.finish_run(held, RunStatus.COMPLETED)
    eventually(lambda: started.host.launched == [waiting.id])


def test_a_run_whose_terminal_trainer_died_is_noticed(started: Stage, eventually: Wait) -> None:
    run = started.store.create_run(TrainConfig(), trainer=DEAD)
    eventually(lambda: started.store.get_run(run.id).status is RunStatus.INTERRUPTED)


def test_the_speed_is_measured_when_nobody_trains_and_a_run_goes_first(
    started: Stage, eventually: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    eventually(lambda: started.host.launched == [CALIBRATION])
    run = started.supervisor.submit(TrainConfig())
    eventually(lambda: f"kill {CALIBRATION}" in started.host.calls)
    started.host.end(CALIBRATION, -signal.SIGKILL)
    eventually(lambda: started.host.launched == [CALIBRATION, run.id])
    started.supervisor.request_stop(run.id)
    started.host.end(run.id, 0)
    eventually(lambda: started.host.launched == [CALIBRATION, run.id, CALIBRATION])


def test_the_queue_is_looked_after_again_after_an_error(
    stage: Stage, eventually: Wait, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.supervisor.submit(TrainConfig())
    with monkeypatch.context() as broken:
        broken.setattr(module, "recover", lambda *_args, **_kwargs: 1 / 0)
        stage.supervisor.start()
        eventually(lambda: "could not be looked after" in caplog.text)
        assert stage.host.launched == []
    eventually(lambda: len(stage.host.launched) == 1)
    stage.supervisor.close()


def test_a_stopped_run_is_never_started(stage: Stage) -> None:
    run = stage.supervisor.submit(TrainConfig())
    assert stage.supervisor.request_stop(run.id) is RunStatus.STOPPED
    stage.supervisor.start()
    stage.supervisor.close()
    assert stage.host.launched == []


def test_close_asks_trainers_to_end_before_it_kills_them(stage: Stage) -> None:
    stage.supervisor.start()
    stage.supervisor.close()
    assert stage.host.calls == ["start", "SIGTERM", "SIGKILL", "close"]


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (-signal.SIGKILL, RunStatus.INTERRUPTED, "Its trainer process was killed (SIGKILL)."),
        (-signal.SIGTERM, RunStatus.INTERRUPTED, "Its trainer process was killed (SIGTERM)."),
        (-signal.SIGSEGV, RunStatus.FAILED, "Its trainer process crashed (SIGSEGV)."),
        (-signal.SIGABRT, RunStatus.FAILED, "Its trainer process crashed (SIGABRT)."),
        (1, RunStatus.FAILED, "Its trainer process ended without a word (exit code 1)."),
        (HOST_ENDED, RunStatus.INTERRUPTED, "Its trainer process is gone."),
    ],
)
def test_a_trainer_that_left_its_run_going_is_explained(
    stage: Stage, a_step: Callable[..., StepMetrics], code: int, status: RunStatus, reason: str
) -> None:
    held = stage.launched()
    stage.store.append(held, Progress(step=1), [a_step(1)])
    stage.host.end(held.id, code)
    run = stage.store.get_run(held.id)
    assert (run.status, run.reason) == (status, reason)
    assert len(stage.store.read_steps(run.id)) == 1


def test_a_trainer_killed_because_memory_ran_out_has_failed(
    started: Stage, eventually: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them, and a third that somebody killed later."""
    kills = [5]
    monkeypatch.setattr(module, "oom_kills", lambda: kills[0])
    submitted = [started.supervisor.submit(TrainConfig()) for _ in range(2)]
    eventually(lambda: len(started.host.launched) == 2)
    for run in submitted:
        started.store.claim_run(run.id, DEAD, max_active=2)
    kills[0] += 2
    for run in submitted:
        started.host.end(run.id, -signal.SIGKILL)
        failed = started.store.get_run(run.id)
        assert failed.status is RunStatus.FAILED
        assert failed.reason.startswith("Out of memory: ")
    later = started.supervisor.submit(TrainConfig())
    eventually(lambda: len(started.host.launched) == 3)
    started.store.claim_run(later.id, DEAD, max_active=2)
    started.host.end(later.id, -signal.SIGKILL)
    assert started.store.get_run(later.id).status is RunStatus.INTERRUPTED


def test_an_orderly_end_is_left_as_it_is(stage: Stage) -> None:
    held = stage.launched()
    stage.store.finish_run(held, RunStatus.DIVERGED, "Loss became NaN.")
    before = stage.store.get_run(held.id)
    stage.host.end(held.id, 0)
    assert stage.store.get_run(held.id) == before


def test_a_trainer_that_outlives_its_host_keeps_its_run(stage: Stage) -> None:
    run = stage.supervisor.submit(TrainConfig())
    held = stage.store.claim_run(run.id, own_identity(), max_active=1)
    stage.host.end(run.id, HOST_ENDED)
    assert stage.store.get_run(run.id) == held


@pytest.mark.parametrize("code", [1, -signal.SIGSEGV])
def test_a_run_whose_trainer_fails_before_claiming_it_is_refused(started: Stage, eventually: Wait, code: int) -> None:
    run = started.supervisor.submit(TrainConfig())
    eventually(lambda: started.host.launched)
    started.host.end(run.id, code)
    refused = started.store.get_run(run.id)
    assert refused.status is RunStatus.FAILED
    assert refused.reason == "No trainer process could be started; the terminal says why."


@pytest.mark.parametrize("code", [-signal.SIGKILL, HOST_ENDED])
def test_a_run_whose_trainer_is_killed_before_claiming_it_is_tried_again_but_not_for_ever(
    started: Stage, eventually: Wait, code: int
) -> None:
    run = started.supervisor.submit(TrainConfig())
    for launches in (1, 2, 3):
        assert started.store.get_run(run.id).status is RunStatus.QUEUED
        eventually(lambda launches=launches: started.host.launched == [run.id] * launches)  # type: ignore[misc]
        started.host.end(run.id, code)
        started.supervisor._wake.set()
    given_up = started.store.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason == "No trainer process could be started; the terminal says why."
    started.supervisor.resume(run.id)
    eventually(lambda: started.host.launched == [run.id] * 4)


def test_a_trainer_that_is_reported_after_its_run_was_resumed_does_not_end_it(started: Stage, eventually: Wait) -> None:
    """Another process has seen it dead first, and a person was quick."""
    run = started.supervisor.submit(TrainConfig())
    eventually(lambda: started.host.launched)
    held = started.store.claim_run(run.id, DEAD, max_active=2)
    assert held
    assert recover(started.store) == [held]
    started.supervisor.resume(run.id)
    started.host.end(run.id, -signal.SIGKILL)
    assert started.store.get_run(run.id).status is RunStatus.QUEUED
    eventually(lambda: started.host.launched == [run.id, run.id])


def test_only_an_interrupted_run_can_be_resumed(stage: Stage) -> None:
    run = stage.supervisor.submit(TrainConfig())
    with pytest.raises(RunStateError, match="run-1 is queued: only an interrupted run can be resumed"):
        stage.supervisor.resume(run.id)


@pytest.fixture
def silent(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A clock of the supervisor's: each call lets that many seconds pass and looks. The wall's clock goes astray."""
    now = [0.0]
    stage.supervisor._silence = Silence(30.0, clock=lambda: now[0])
    used = [0.0]
    monkeypatch.setattr(module, "cpu_seconds", lambda _process: used[0])

    def look_after(seconds: float, cpu: float = 0.0) -> None:
        now[0] += seconds
        used[0] += cpu
        monkeypatch.setattr("time.time", lambda: 1e9 - 3600 * now[0])
        stage.supervisor._give_up_the_silent()

    return look_after


def test_a_live_trainer_that_says_and_does_nothing_for_30_seconds_loses_its_run(
    stage: Stage, silent: Callable[..., None]
) -> None:
    run = stage.store.create_run(TrainConfig(), trainer=own_identity())
    stage.host.going.add(run.id)
    for _ in range(30):
        silent(1.0)
    assert stage.store.get_run(run.id).status is RunStatus.PREPARING
    silent(1.0)
    given_up = stage.store.get_run(run.id)
    assert given_up.status is RunStatus.INTERRUPTED
    assert given_up.reason == f"Its trainer process (pid {os.getpid()}) has not been heard of for 30 s."
    assert run.id not in stage.host.run_ids, "so that another can be launched"


def test_a_beat_or_work_keeps_a_run(stage: Stage, silent: Callable[..., None]) -> None:
    run = stage.store.create_run(TrainConfig(), trainer=own_identity())
    for second in range(100):
        silent(1.0, cpu=0.01 if 40 < second < 80 and second % 20 == 0 else 0.0)
        if second % 20 == 0 and not 40 < second < 80:
            stage.store.beat(run)
    assert stage.store.get_run(run.id).status is RunStatus.PREPARING


def test_a_run_that_waits_when_the_server_closes_stays_in_the_queue(stage: Stage) -> None:
    run = stage.supervisor.submit(TrainConfig())
    stage.supervisor.start()
    stage.supervisor.close()
    stage.host.end(run.id, HOST_ENDED)
    assert stage.store.get_run(run.id).status is RunStatus.QUEUED


@pytest.mark.parametrize(("text", "count"), [("", 1), ("1", 1), ("64", 64)])
def test_how_many_runs_may_go_at_once_is_read_from_the_environment(text: str, count: int) -> None:
    assert max_runs_allowed(text) == count


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "1.5", " "])
def test_a_bad_number_of_runs_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(ConfigError, match=r"MNIST_MAX_RUNS must be a whole number from 1 to 64") as caught:
        max_runs_allowed(text)
    assert str(caught.value).endswith(f"got {text!r}.")


@pytest.mark.parametrize("given", ["runs", "~/runs", "/tmp/runs"])
def test_trainers_see_the_same_folders_as_the_server(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_RUNS_DIR", given)
    monkeypatch.delenv("MNIST_DATA_DIR")
    here = real_places.runs_dir()
    environment = trainers._environment_of_host({"MNIST_RUNS_DIR": given, "OTHER": "kept"})
    monkeypatch.chdir("/")
    monkeypatch.setenv("MNIST_RUNS_DIR", environment["MNIST_RUNS_DIR"])
    assert real_places.runs_dir() == here
    assert environment["OTHER"] == "kept"
    assert trainers._environment_of_host({"GOMP_SPINCOUNT": "7"})["GOMP_SPINCOUNT"] == "7"

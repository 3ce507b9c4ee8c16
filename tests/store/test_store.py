"""The run store: creating, naming, queueing, claiming and stopping runs. Metrics: test_store_metrics.py."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import pytest

from mnist_core.annotations import MAX_NAME_LENGTH
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, MnistError, RunNotFoundError, StaleAttemptError
from mnist_core.records import ProcessIdentity, Progress, Run, RunStatus
from mnist_core.store import RunStore

TRAINER = ProcessIdentity(4321, 99, "boot")
OTHER_TRAINER = ProcessIdentity(4322, 100, "boot")
ENDINGS = [RunStatus.COMPLETED, RunStatus.STOPPED, RunStatus.FAILED, RunStatus.DIVERGED, RunStatus.INTERRUPTED]


def claimed(store: RunStore, name: str = "") -> Run:
    run = store.trainer_writes.claim_run(store.commands.create_run(TrainConfig(), name).id, TRAINER, max_active=64)
    assert run
    return run


def training(store: RunStore) -> Run:
    run = claimed(store)
    sizes = {"train_images": 270, "validation_images": 30, "test_images": 100}
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", **sizes, device="cpu", threads=2)
    return run


def test_a_new_run_is_queued_with_its_config(store: RunStore) -> None:
    config = TrainConfig(lr=0.1, batch_size=7, dataset="mnist-5k", save_model=True, validation_fraction=0)
    before = datetime.now(UTC)
    run = store.commands.create_run(config, "first")
    assert (run.name, run.status, run.config, run.attempt) == ("first", RunStatus.QUEUED, config, 0)
    assert before <= run.created_at <= datetime.now(UTC)
    assert (run.started_at, run.finished_at, run.trainer) == (None, None, None)
    assert run.progress == Progress()
    assert store.queries.get_run(run.id) == run


def test_a_run_created_by_its_trainer_is_held_at_once(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=TRAINER)
    assert (run.status, run.attempt, run.trainer) == (RunStatus.PREPARING, 1, TRAINER)
    assert run.started_at
    assert store.queries.list_queued_runs() == []


# Names


def test_a_run_without_a_name_is_named_by_its_number(store: RunStore) -> None:
    assert [store.commands.create_run(TrainConfig()).name for _ in range(2)] == ["run-1", "run-2"]


def test_a_default_name_that_is_taken_gets_a_suffix(store: RunStore) -> None:
    for name in ("run-3", "run-3-2"):
        store.commands.create_run(TrainConfig(), name)
    assert store.commands.create_run(TrainConfig(), "  ").name == "run-3-3"


def test_blanks_around_a_name_are_dropped(store: RunStore) -> None:
    assert store.commands.create_run(TrainConfig(), "  größer, langsamer \n").name == "größer, langsamer"


def test_a_name_that_is_taken_is_refused_and_adds_no_run(store: RunStore) -> None:
    store.commands.create_run(TrainConfig(), "mine")
    with pytest.raises(ConfigError, match=r"A run named 'mine' exists already. Choose another name") as caught:
        store.commands.create_run(TrainConfig(), " mine ")
    assert caught.value.field == "name"
    assert len(store.queries.list_runs()) == 1


def test_a_name_has_a_maximum_length(store: RunStore) -> None:
    assert store.commands.create_run(TrainConfig(), "x" * MAX_NAME_LENGTH).name == "x" * MAX_NAME_LENGTH
    with pytest.raises(ConfigError, match="Run name must have at most 80 characters, got 81"):
        store.commands.create_run(TrainConfig(), "x" * (MAX_NAME_LENGTH + 1))


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\x00b", "a\u202eb"])
def test_control_characters_in_a_name_are_refused(store: RunStore, name: str) -> None:
    with pytest.raises(ConfigError, match="Run name must not contain control characters"):
        store.commands.create_run(TrainConfig(), name)
    assert store.queries.list_runs() == []


def test_the_number_of_a_deleted_run_is_not_reused(store: RunStore) -> None:
    last = [store.commands.create_run(TrainConfig()) for _ in range(2)][-1]
    store.commands.delete_runs([last.id])
    store.commands.purge_runs([last.id])
    assert store.commands.create_run(TrainConfig()).id == last.id + 1


# Reading


def test_a_missing_run_is_an_error(store: RunStore) -> None:
    with pytest.raises(RunNotFoundError, match="There is no run 7"):
        store.queries.get_run(7)
    with pytest.raises(RunNotFoundError):
        store.commands.request_stop(7)
    with pytest.raises(RunNotFoundError):
        store.trainer_writes.claim_run(7, TRAINER, max_active=1)


def test_requested_runs_come_in_that_order_without_deleted_ones(store: RunStore) -> None:
    first, binned, last = (store.commands.create_run(TrainConfig()) for _ in range(3))
    store.commands.delete_runs([binned.id])
    assert store.queries.get_runs([last.id, 99, binned.id, first.id]) == [last, first]
    assert store.queries.get_runs([*range(last.id, 40_000)]) == [
        last
    ]  # more than the maximum number of parameters of a statement
    assert store.queries.get_runs([]) == []


def test_names_are_listed_newest_first_without_deleted_runs(store: RunStore) -> None:
    ids = [store.commands.create_run(TrainConfig(), name).id for name in ("a", "b", "c")]
    store.commands.delete_runs([ids[1]])
    assert list(store.queries.list_names().items()) == [(ids[2], "c"), (ids[0], "a")]


def test_an_empty_store_lists_nothing(store: RunStore) -> None:
    assert store.queries.list_runs() == store.queries.list_active_runs() == store.queries.list_unfinished_runs() == []
    assert store.queries.latest_run() is None


def test_runs_are_listed_by_status(store: RunStore) -> None:
    queued, active, stopped = (
        store.commands.create_run(TrainConfig(), name) for name in ("queued", "active", "stopped")
    )
    store.trainer_writes.claim_run(active.id, TRAINER, max_active=64)
    store.commands.request_stop(stopped.id)

    def names(runs: list[Run]) -> list[str]:
        return [run.name for run in runs]

    assert names(store.queries.list_runs()) == ["queued", "active", "stopped"]
    assert names(store.queries.list_runs({RunStatus.STOPPED, RunStatus.QUEUED})) == ["queued", "stopped"]
    assert names(store.queries.list_active_runs()) == ["active"]
    assert names(store.queries.list_queued_runs()) == ["queued"]
    assert names(store.queries.list_unfinished_runs()) == ["active", "queued"]
    assert store.queries.latest_run() == store.queries.get_run(stopped.id)
    assert queued.id < active.id < stopped.id


# Claiming


def test_a_claim_hands_over_the_run_once(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    claimed_run = store.trainer_writes.claim_run(run.id, TRAINER, max_active=2)
    assert claimed_run
    assert (claimed_run.status, claimed_run.attempt, claimed_run.trainer) == (RunStatus.PREPARING, 1, TRAINER)
    assert store.trainer_writes.claim_run(run.id, OTHER_TRAINER, max_active=2) is None
    assert store.queries.get_run(run.id) == claimed_run


def test_claims_stop_at_the_limit_of_active_runs(store: RunStore) -> None:
    first, second = (store.commands.create_run(TrainConfig()) for _ in range(2))
    claimed_run = store.trainer_writes.claim_run(first.id, TRAINER, max_active=1)
    assert claimed_run
    assert store.trainer_writes.claim_run(second.id, OTHER_TRAINER, max_active=1) is None
    store.trainer_writes.finish_run(claimed_run, RunStatus.COMPLETED)
    assert store.trainer_writes.claim_run(second.id, OTHER_TRAINER, max_active=1)


def test_one_of_many_simultaneous_claims_succeeds(store: RunStore) -> None:
    for _ in range(5):
        run = store.commands.create_run(TrainConfig())
        trainers = [ProcessIdentity(pid, 1, "boot") for pid in range(8)]
        with ThreadPoolExecutor(8) as pool:
            claims = list(pool.map(partial(store.trainer_writes.claim_run, run.id, max_active=64), trainers))
        (winner,) = filter(None, claims)
        assert store.queries.get_run(run.id) == winner
        assert winner.attempt == 1


# Stopping


def test_a_queued_run_that_is_stopped_leaves_the_queue(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    assert store.commands.request_stop(run.id) is RunStatus.STOPPED
    stopped = store.queries.get_run(run.id)
    assert stopped.finished_at
    assert stopped.reason == "Removed from the queue."
    assert store.trainer_writes.claim_run(run.id, TRAINER, max_active=1) is None


def test_an_active_run_is_asked_to_stop(store: RunStore) -> None:
    run = claimed(store)
    assert store.commands.request_stop(run.id) is RunStatus.STOPPING
    assert store.queries.get_run(run.id).finished_at is None
    assert store.trainer_writes.append_steps(run, Progress(step=1)) is RunStatus.STOPPING


def test_a_stop_asked_for_while_preparing_is_not_forgotten(store: RunStore) -> None:
    run = claimed(store)
    store.commands.request_stop(run.id)
    assert store.trainer_writes.set_notice(run, "Downloading MNIST, 34 %") is RunStatus.STOPPING
    status = store.trainer_writes.begin_training(
        run,
        dataset="MNIST",
        notice="",
        train_images=270,
        validation_images=30,
        test_images=100,
        device="cpu",
        threads=2,
    )
    assert status is RunStatus.STOPPING
    assert store.queries.get_run(run.id).status is RunStatus.STOPPING


@pytest.mark.parametrize("ending", ENDINGS)
def test_stopping_a_run_that_has_ended_does_nothing(store: RunStore, ending: RunStatus) -> None:
    run = claimed(store)
    store.trainer_writes.finish_run(run, ending, "over")
    before = store.queries.get_run(run.id)
    assert store.commands.request_stop(run.id) is ending
    assert store.queries.get_run(run.id) == before


# The trainer's writes


def test_a_trainer_sets_a_notice(store: RunStore) -> None:
    run = claimed(store)
    assert store.trainer_writes.set_notice(run, "Downloading MNIST, 34 %") is RunStatus.PREPARING
    assert store.queries.get_run(run.id).notice == "Downloading MNIST, 34 %"


def test_the_dataset_is_recorded_when_training_begins(store: RunStore) -> None:
    run = claimed(store)
    status = store.trainer_writes.begin_training(
        run,
        dataset="MNIST-5k",
        notice="No network",
        train_images=3600,
        validation_images=400,
        test_images=1000,
        device="cpu",
        threads=2,
    )
    assert status is RunStatus.RUNNING
    begun = store.queries.get_run(run.id)
    assert (begun.dataset, begun.notice, begun.total_steps) == ("MNIST-5k", "No network", 3 * 56)
    assert (begun.train_images, begun.validation_images, begun.test_images) == (3600, 400, 1000)
    assert (begun.device, begun.threads) == ("cpu", 2)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_finished_run_records_how_and_when_it_ended(store: RunStore, ending: RunStatus) -> None:
    run = training(store)
    store.trainer_writes.finish_run(run, ending, "because", "runs/models/run-1.pt")
    ended = store.queries.get_run(run.id)
    assert (ended.status, ended.reason, ended.model_file) == (ending, "because", "runs/models/run-1.pt")
    assert ended.finished_at
    assert ended.started_at
    assert ended.finished_at >= ended.started_at


def test_only_an_active_run_is_marked_interrupted(store: RunStore) -> None:
    run = training(store)
    assert store.commands.interrupt_run(run, "gone")
    interrupted = store.queries.get_run(run.id)
    assert (interrupted.status, interrupted.reason) == (RunStatus.INTERRUPTED, "gone")
    assert interrupted.finished_at
    assert not store.commands.interrupt_run(run, "gone again")
    assert store.queries.get_run(run.id) == interrupted


def test_a_run_that_crashed_is_marked_failed(store: RunStore) -> None:
    run = training(store)
    assert store.commands.interrupt_run(run, "crashed", RunStatus.FAILED)
    assert store.queries.get_run(run.id).status is RunStatus.FAILED


def test_only_a_queued_run_is_refused(store: RunStore) -> None:
    queued, active = store.commands.create_run(TrainConfig()), claimed(store)
    store.commands.end_queued_run(queued.id, "no trainer")
    store.commands.end_queued_run(active.id, "no trainer")
    refused = store.queries.get_run(queued.id)
    assert (refused.status, refused.reason) == (RunStatus.FAILED, "no trainer")
    assert refused.finished_at
    assert store.queries.get_run(active.id) == active


def test_a_stale_attempt_is_an_error_that_can_be_shown(store: RunStore) -> None:
    run = training(store)
    stale = dataclasses.replace(run, attempt=0)
    with pytest.raises(MnistError, match=r"Attempt 0 at run-1 no longer holds the run.*Nothing was written") as caught:
        store.trainer_writes.append_steps(stale, Progress(step=5))
    assert isinstance(caught.value, StaleAttemptError)


def test_a_resumed_run_keeps_its_first_start(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=TRAINER)
    store.commands.interrupt_run(run, "Interrupted.")
    store.commands.requeue_run(run.id)
    monkeypatch.setattr("time.time", lambda: 4e9)
    resumed = store.trainer_writes.claim_run(run.id, OTHER_TRAINER, 1)
    assert resumed
    assert (resumed.attempt, resumed.trainer) == (2, OTHER_TRAINER)
    assert resumed.started_at == run.started_at

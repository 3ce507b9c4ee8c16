"""The actions on existing runs: edit, delete, restore, purge, more seeds."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mnist_core.annotations import MAX_NOTES_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, MnistError, RunNotFoundError, RunStateError
from mnist_core.records import Progress, Run, RunStatus, StepMetrics
from mnist_core.runs import retention
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.factories import purge_until
from tests.support.files.run_files import give_checkpoint, give_model

Step = Callable[..., StepMetrics]
SIZES = {"train_images": 270, "validation_images": 30, "test_images": 100, "threads": 1}


@pytest.fixture
def actions(store: RunStore) -> RunActions:
    return RunActions(store)


def training(store: RunStore, name: str = "") -> Run:
    run = store.commands.create_run(TrainConfig(), name, trainer=own_identity())
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", device="cpu", **SIZES)
    return store.queries.get_run(run.id)


def finished(store: RunStore, name: str = "") -> Run:
    run = training(store, name)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    return store.queries.get_run(run.id)


# Edit


def test_names_notes_and_tags_are_kept_as_written(store: RunStore, actions: RunActions) -> None:
    run = finished(store)
    notes = "# Plan\n\n\tfirst <b>bold</b>\n=SUM(A1)"
    edited = actions.edit_run(
        run.id, name=" <i>=1+1</i> ", notes=notes, tags=["good", " slow ", "good"], starred=True, archived=True
    )
    assert (edited.name, edited.notes, edited.tags) == ("<i>=1+1</i>", notes, ("good", "slow"))
    assert (edited.starred, edited.archived) == (True, True)
    assert store.queries.get_run(run.id) == edited


def test_fields_that_are_not_given_stay(store: RunStore, actions: RunActions) -> None:
    run = actions.edit_run(finished(store, "mine").id, notes="n", tags=["t"], starred=True)
    assert actions.edit_run(run.id, archived=True) == store.queries.get_run(run.id)
    assert (
        store.queries.get_run(run.id).notes,
        store.queries.get_run(run.id).tags,
        store.queries.get_run(run.id).starred,
    ) == (
        "n",
        ("t",),
        True,
    )
    assert actions.edit_run(run.id, starred=False).starred is False
    assert actions.edit_run(run.id, tags=()).tags == ()


def test_a_run_in_progress_can_be_edited(store: RunStore, actions: RunActions) -> None:
    run = training(store)
    actions.edit_run(run.id, name="renamed")
    assert store.trainer_writes.append_steps(run, Progress(step=1)) is RunStatus.RUNNING
    assert store.queries.get_run(run.id).name == "renamed"


def test_notes_have_a_maximum_length(store: RunStore, actions: RunActions) -> None:
    run = finished(store)
    assert len(actions.edit_run(run.id, notes="x" * MAX_NOTES_LENGTH).notes) == MAX_NOTES_LENGTH
    with pytest.raises(ConfigError, match="Notes must have at most 10,000 characters, got 10,001"):
        actions.edit_run(run.id, notes="y" * (MAX_NOTES_LENGTH + 1))
    assert store.queries.get_run(run.id).notes == "x" * MAX_NOTES_LENGTH


def test_line_ends_are_normalised(store: RunStore, actions: RunActions) -> None:
    assert actions.edit_run(finished(store).id, notes="a\r\nb").notes == "a\nb"


@pytest.mark.parametrize("notes", ["a\x00b", "a\x1b[31mb", "a\rb", "\ud800"])
def test_control_characters_in_notes_are_refused(store: RunStore, actions: RunActions, notes: str) -> None:
    with pytest.raises(ConfigError, match="Notes must not contain control characters"):
        actions.edit_run(finished(store).id, notes=notes)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([""], "A tag must have 1 to 30 characters, got ''"),
        (["x" * (MAX_TAG_LENGTH + 1)], "A tag must have 1 to 30 characters"),
        (["a,b"], "must not contain commas"),
        (["a\nb"], "must not contain commas or control characters"),
        ([str(number) for number in range(MAX_TAGS + 1)], "at most 20 tags, got 21"),
    ],
)
def test_tags_that_are_unusable_are_refused(
    store: RunStore, actions: RunActions, tags: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        actions.edit_run(finished(store).id, tags=tags)


def test_a_run_cannot_get_a_taken_or_empty_name(store: RunStore, actions: RunActions) -> None:
    finished(store, "first")
    second = finished(store, "second")
    with pytest.raises(ConfigError, match="A run named 'first' exists already"):
        actions.edit_run(second.id, name="first", notes="lost")
    with pytest.raises(ConfigError, match="must not be empty"):
        actions.edit_run(second.id, name=" ")
    assert store.queries.get_run(second.id) == second
    assert actions.edit_run(second.id, name="second").name == "second"


def test_names_that_look_alike_are_the_same(store: RunStore, actions: RunActions) -> None:
    actions.edit_run(finished(store).id, name="caf\u00e9")
    with pytest.raises(ConfigError, match="exists already"):
        actions.edit_run(finished(store).id, name=" cafe\u0301 ")


def test_a_missing_run_cannot_be_edited(actions: RunActions) -> None:
    with pytest.raises(RunNotFoundError, match="There is no run 7"):
        actions.edit_run(7, starred=True)


# Delete and restore


def test_a_deleted_run_is_in_the_bin_and_is_restored_unchanged(store: RunStore, actions: RunActions) -> None:
    other, run = finished(store), finished(store, "mine")
    actions.delete_runs([run.id])
    assert store.queries.list_runs() == [other] == [store.queries.latest_run()]
    assert [deleted.id for deleted in store.queries.list_deleted_runs()] == [run.id]
    assert actions.restore_runs([run.id]) == [run]
    assert store.queries.list_runs() == [other, run]


def test_the_name_of_a_deleted_run_can_be_used_again(store: RunStore, actions: RunActions) -> None:
    first = finished(store, "mine")
    actions.delete_runs([first.id])
    second = finished(store, "mine")
    actions.delete_runs([second.id])
    third = finished(store, "mine")
    assert [run.name for run in actions.restore_runs([first.id, second.id])] == ["mine-2", "mine-3"]
    assert store.queries.find_run("mine") == third


def test_deleting_a_run_that_is_training_stops_it(store: RunStore, actions: RunActions) -> None:
    run = training(store)
    actions.delete_runs([run.id])
    assert store.queries.list_runs() == []
    assert [active.id for active in store.queries.list_active_runs()] == [run.id]
    assert store.trainer_writes.append_steps(run, Progress(step=1)) is RunStatus.STOPPING
    store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    assert store.queries.list_active_runs() == []
    (restored,) = actions.restore_runs([run.id])
    assert (restored.status, restored.progress.step) == (RunStatus.STOPPED, 1)


def test_deleting_a_queued_run_dequeues_it(store: RunStore, actions: RunActions) -> None:
    run = actions.submit(TrainConfig())
    actions.delete_runs([run.id])
    assert store.queries.list_queued_runs() == []
    assert store.trainer_writes.claim_run(run.id, own_identity(), 64) is None


def test_deleting_many_deletes_all_or_none(store: RunStore, actions: RunActions) -> None:
    runs = [finished(store) for _ in range(3)]
    with pytest.raises(RunNotFoundError):
        actions.delete_runs([runs[0].id, 99])
    assert store.queries.list_runs() == runs
    actions.delete_runs(run.id for run in runs)
    actions.delete_runs([runs[0].id])
    assert store.queries.list_runs() == []


def test_a_deleted_run_can_only_be_restored(store: RunStore, actions: RunActions) -> None:
    run = training(store)
    store.commands.interrupt_run(run, "gone")
    actions.delete_runs([run.id])
    for act in (lambda: actions.edit_run(run.id, starred=True), lambda: actions.resume(run.id)):
        with pytest.raises(RunStateError, match=r"run-1 is in the bin\. Restore it first"):
            act()


def test_a_deleted_run_is_found_only_in_the_bin(store: RunStore, actions: RunActions) -> None:
    run = finished(store, "mine")
    actions.delete_runs([run.id])
    for text in ("mine", str(run.id)):
        with pytest.raises(RunNotFoundError, match="There is no run"):
            store.queries.find_run(text)
        assert store.queries.find_run(text, deleted=True).id == run.id
    with pytest.raises(RunNotFoundError, match="in the bin"):
        store.queries.find_run("other", deleted=True)


def files_of(store: RunStore, run: Run) -> list[Path]:
    return [give_checkpoint(store, run, 5), give_model(store, run, b"weights")]


def test_runs_deleted_long_ago_are_purged_with_their_files(store: RunStore, actions: RunActions) -> None:
    runs = [finished(store) for _ in range(2)]
    files, kept_files = files_of(store, runs[0]), files_of(store, runs[1])
    actions.delete_runs([runs[0].id])
    later = datetime.now(UTC) + retention.BIN_RETENTION
    assert purge_until(store, later - timedelta(minutes=1)) == []
    assert all(path.exists() for path in files)
    assert purge_until(store, later + timedelta(minutes=1)) == [runs[0].id]
    assert store.queries.list_deleted_runs() == []
    assert not any(path.exists() for path in files)
    assert all(path.exists() for path in kept_files)


def test_a_deleted_run_that_still_trains_is_not_purged(store: RunStore, actions: RunActions) -> None:
    run = training(store)
    actions.delete_runs([run.id])
    assert purge_until(store, datetime.now(UTC) + timedelta(days=31)) == []
    store.commands.purge_runs([run.id])
    assert store.queries.get_run(run.id).status is RunStatus.STOPPING


def test_files_that_cannot_be_removed_keep_their_run_in_the_bin(
    store: RunStore, actions: RunActions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = finished(store)
    files_of(store, run)
    actions.delete_runs([run.id])

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert purge_until(store, datetime.now(UTC) + timedelta(days=31)) == []
    assert "cannot be removed" in caplog.text
    assert [deleted.id for deleted in store.queries.list_deleted_runs()] == [run.id]


# More seeds


def test_new_seeds_are_those_not_tried_yet(store: RunStore, actions: RunActions) -> None:
    run = actions.submit(TrainConfig(seed=2, lr=0.1))
    actions.submit(TrainConfig(seed=3, lr=0.1))
    actions.submit(TrainConfig(seed=1, lr=0.2))
    more = actions.repeat_with_new_seeds(run.id, 3)
    assert [(queued.config.seed, queued.config.lr, queued.status) for queued in more] == [
        (seed, 0.1, RunStatus.QUEUED) for seed in (1, 4, 5)
    ]
    assert [queued.config.seed for queued in actions.repeat_with_new_seeds(run.id, 1)] == [6]


@pytest.mark.parametrize("count", [0, 21])
def test_a_count_of_seeds_out_of_range_is_refused(actions: RunActions, count: int) -> None:
    run = actions.submit(TrainConfig())
    with pytest.raises(MnistError, match=f"from 1 to 20 at once, got {count}"):
        actions.repeat_with_new_seeds(run.id, count)


def test_a_clock_that_jumps_ahead_does_not_empty_the_bin(store: RunStore, actions: RunActions) -> None:
    run = finished(store)
    actions.delete_runs([run.id])
    now = datetime.now(UTC)
    for jump in (timedelta(days=1500), timedelta(days=1501), timedelta(days=1520)):
        assert retention.purge_expired_runs(store, now + jump) == []
    for day in range(23):
        assert retention.purge_expired_runs(store, now + timedelta(days=day)) == [], "the clock is right again"
    assert actions.restore_runs([run.id])[0].deleted_at is None


def test_a_run_that_is_deleted_again_has_its_whole_time_in_the_bin(store: RunStore, actions: RunActions) -> None:
    run = finished(store)
    actions.delete_runs([run.id])
    assert purge_until(store, datetime.now(UTC) + timedelta(days=29)) == []
    actions.restore_runs([run.id])
    actions.delete_runs([run.id])
    assert store.commands.age_bin(time.time(), 1e9)[run.id] < 60

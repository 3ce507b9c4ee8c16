"""Kept drawings, and what the runs read on them."""

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, DrawingError
from mnist_core.records import MAX_DRAWINGS, DrawingScore, FileKind, KeptDrawing, Run, RunFile, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity

IMAGE = bytes(range(196)) * 4


def keep(store: RunStore, *labels: int) -> list[KeptDrawing]:
    return [store.drawings.keep(KeptDrawing(IMAGE, label)) for label in labels]


def add_run(store: RunStore, step: int = 9) -> Run:
    """Create a finished run that has saved weights at this step."""
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.record_file(run, RunFile(f"models/run-{run.id}.pt", FileKind.MODEL, step, "f" * 64))
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    return run


def test_a_drawing_is_kept_renamed_and_deleted(store: RunStore) -> None:
    (four, nine) = keep(store, 4, 9)
    assert store.drawings.list_drawings() == [KeptDrawing(IMAGE, 4, "", 1), KeptDrawing(IMAGE, 9, "", 2)]
    store.drawings.edit(KeptDrawing(IMAGE, 7, "  Anna’s  seven ", nine.id))
    store.drawings.delete(four.id)
    assert store.drawings.list_drawings() == [KeptDrawing(IMAGE, 7, "Anna’s seven", 2)]
    assert keep(store, 1)[0].id == 3


@pytest.mark.parametrize(
    ("image", "label", "name", "message"),
    [
        (b"short", 4, "", "A drawing must have 784 bytes, got 5"),
        (IMAGE, 10, "", "The digit of a drawing must be 0 to 9, got 10"),
        (IMAGE, -1, "", "must be 0 to 9"),
        (IMAGE, 4, "x" * 81, "at most 80 characters"),
        (IMAGE, 4, "a\nb", "control characters"),
    ],
)
def test_other_drawings_are_refused(store: RunStore, image: bytes, label: int, name: str, message: str) -> None:
    with pytest.raises((DrawingError, ConfigError), match=message):
        store.drawings.keep(KeptDrawing(image, label, name))
    assert store.drawings.list_drawings() == []


def test_the_number_of_drawings_has_a_limit(store: RunStore) -> None:
    keep(store, *[4] * MAX_DRAWINGS)
    with pytest.raises(DrawingError, match="200 drawings are kept, which is the most"):
        keep(store, 4)


def test_scores_count_what_is_right_of_all_drawings(store: RunStore) -> None:
    run, other = add_run(store), add_run(store)
    assert store.readings.scores() == {}
    four, nine = keep(store, 4, 9)
    store.readings.record(run.id, 9, {four.id: 4, nine.id: 4})
    store.readings.record(other.id, 9, {four.id: 4})
    assert store.readings.scores() == {run.id: DrawingScore(1, 2)}
    assert store.readings.read_digits(run.id) == {four.id: 4, nine.id: 4}
    store.drawings.edit(KeptDrawing(IMAGE, 4, "", nine.id))
    assert store.readings.scores() == {run.id: DrawingScore(2, 2)}
    store.drawings.delete(nine.id)
    assert store.readings.scores() == {run.id: DrawingScore(1, 1), other.id: DrawingScore(1, 1)}


def test_readings_of_older_weights_do_not_count_as_read(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    assert store.readings.newest_step(run.id) is None
    (four,) = keep(store, 4)
    store.trainer_writes.record_file(run, RunFile("a.ckpt", FileKind.SNAPSHOT, 5, "f" * 64))
    store.readings.record(run.id, 5, {four.id: 9})
    assert store.readings.read_digits(run.id) == {four.id: 9}
    store.trainer_writes.record_file(run, RunFile("b.ckpt", FileKind.SNAPSHOT, 8, "f" * 64))
    assert store.readings.newest_step(run.id) == 8
    assert store.readings.read_digits(run.id) == {}
    store.readings.record(run.id, 8, {four.id: 4})
    assert store.readings.read_digits(run.id) == {four.id: 4}


def test_finished_runs_with_weights_are_listed_until_they_have_read_everything(store: RunStore) -> None:
    runs = [add_run(store) for _ in range(4)]
    store.commands.create_run(TrainConfig())
    assert store.readings.list_unread_runs(10) == []
    (four,) = keep(store, 4)
    store.commands.delete_runs([2])
    assert store.readings.list_unread_runs(10) == [4, 3, 1]
    assert store.readings.list_unread_runs(1, leave_out=[4]) == [3]
    store.readings.record(runs[3].id, 9, {four.id: 4})
    assert store.readings.list_unread_runs(10) == [3, 1]


def test_what_was_deleted_meanwhile_gets_no_readings(store: RunStore) -> None:
    run = add_run(store)
    four, nine = keep(store, 4, 9)
    store.drawings.delete(four.id)
    store.readings.record(run.id, 9, {four.id: 4, nine.id: 9})
    store.readings.record(99, 9, {nine.id: 9})
    assert store.readings.scores() == {run.id: DrawingScore(1, 1)}

"""The order of the queued runs: new ones last, resumed ones first, and as people move them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import RunStateError
from mnist_core.records import History, ProcessIdentity, Run, RunStatus
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore

TRAINER = ProcessIdentity(1, 1, "boot")


@pytest.fixture
def queued(store: RunStore) -> list[Run]:
    """Four runs: run-1 to run-4."""
    return [store.commands.create_run(TrainConfig()) for _ in range(4)]


def order(store: RunStore) -> str:
    return " ".join(run.name.removeprefix("run-") for run in store.queries.list_queued_runs())


@pytest.mark.parametrize(
    ("run_id", "before", "after", "expected"),
    [
        (3, 2, None, "1 3 2 4"),
        (4, 1, None, "4 1 2 3"),
        (1, None, 2, "2 1 3 4"),
        (1, None, 4, "2 3 4 1"),
        (2, 3, None, "1 2 3 4"),  # it is there already
        (3, None, 1, "1 2 3 4"),
        (2, 2, None, "1 2 3 4"),
        (2, None, None, "1 2 3 4"),
        (2, 99, None, "1 2 3 4"),  # no such run
    ],
)
@pytest.mark.usefixtures("queued")
def test_a_run_moves_next_to_another(
    store: RunStore, run_id: int, before: int | None, after: int | None, expected: str
) -> None:
    store.commands.move_queued_run(run_id, before=before, after=after)
    assert order(store) == expected


def test_new_runs_join_at_the_end_and_resumed_ones_at_the_front(store: RunStore, queued: list[Run]) -> None:
    started = store.trainer_writes.claim_run(1, TRAINER, max_active=1)
    assert started is not None
    store.commands.interrupt_run(started, "Its server was closed.")
    store.commands.move_queued_run(4, before=2)
    store.commands.create_run(TrainConfig())
    assert order(store) == "4 2 3 5"
    store.commands.requeue_run(1)
    assert order(store) == "1 4 2 3 5"


def test_two_people_who_move_a_run_up_at_once_move_it_once(store: RunStore, queued: list[Run]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: store.commands.move_queued_run(3, before=2), range(2)))
    assert order(store) == "1 3 2 4"


def test_moves_of_many_people_lose_no_run(store: RunStore, queued: list[Run]) -> None:
    moves = [(run_id, other) for run_id in range(1, 5) for other in range(1, 5)] * 3
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda move: store.commands.move_queued_run(move[0], before=move[1]), moves))
    assert sorted(order(store).split()) == ["1", "2", "3", "4"]
    assert len({run.queue_rank for run in store.queries.list_queued_runs()}) == 4


def test_nothing_moves_when_the_other_run_has_started_meanwhile(store: RunStore, queued: list[Run]) -> None:
    store.trainer_writes.claim_run(1, TRAINER, max_active=1)
    store.commands.move_queued_run(2, before=1)
    assert order(store) == "2 3 4"


def test_a_run_that_has_started_cannot_be_moved(store: RunStore, queued: list[Run]) -> None:
    store.trainer_writes.claim_run(1, TRAINER, max_active=1)
    with pytest.raises(RunStateError, match="run-1 is preparing: only a queued run can be moved"):
        store.commands.move_queued_run(1, after=2)
    assert order(store) == "2 3 4"


def test_a_removed_run_returns_to_its_place(store: RunStore, queued: list[Run]) -> None:
    store.commands.move_queued_run(4, before=2)
    store.commands.request_stop(4)
    assert store.queries.get_run(4).was_removed_from_queue
    assert order(store) == "1 2 3"
    store.commands.return_to_queue(4)
    assert order(store) == "1 4 2 3"
    run = store.queries.get_run(4)
    assert (run.reason, run.finished_at, run.status) == ("", None, RunStatus.QUEUED)


def test_only_a_removed_run_can_return(store: RunStore, queued: list[Run]) -> None:
    with pytest.raises(RunStateError, match="run-2 is queued: only a run removed from the queue"):
        store.commands.return_to_queue(2)
    store.trainer_writes.claim_run(1, TRAINER, max_active=1)
    store.commands.request_stop(1)
    with pytest.raises(RunStateError, match="run-1 is stopping"):
        store.commands.return_to_queue(1)
    store.commands.request_stop(2)
    store.commands.delete_runs([2])
    with pytest.raises(RunStateError, match="run-2 is in the bin"):
        store.commands.return_to_queue(2)


def test_moving_wakes_the_supervisor(store: RunStore, queued: list[Run]) -> None:
    wakes: list[str] = []
    actions = RunActions(store, wake=lambda: wakes.append("wake"))
    actions.move_in_queue(2, before=1)
    actions.request_stop(3)
    actions.return_to_queue(3)
    assert order(store) == "2 1 3 4"
    assert wakes == ["wake", "wake"]


def test_an_imported_run_has_no_place_in_the_queue(store: RunStore, queued: list[Run]) -> None:
    store.commands.move_queued_run(4, before=1)
    store.commands.request_stop(4)
    ended = store.queries.get_run(4)
    (imported,) = store.commands.import_runs([(ended, History(store.queries.read_steps(4)))])
    assert imported.queue_rank == 0
    assert order(store) == "1 2 3"

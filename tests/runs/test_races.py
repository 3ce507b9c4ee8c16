"""Which settings can race, how a race is queued, claimed and resumed."""

from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.records import Command, RunStatus
from mnist_core.runs.actions import RunActions
from mnist_core.runs.races import check_lanes
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity

CONFIG = TrainConfig()
CONFIGS = [replace(CONFIG, lr=lr) for lr in (0.01, 0.1, 0.5)]


@pytest.mark.parametrize(
    ("configs", "field", "problem"),
    [
        ([CONFIG], "race", r"A race has 2 to 4 lanes, got 1\."),
        ([replace(CONFIG, lr=lr / 10) for lr in range(1, 6)], "race", "2 to 4 lanes, got 5"),
        ([CONFIG, replace(CONFIG, seed=2)], "seed", "Seed must be the same in all lanes .* got 1 and 2"),
        ([CONFIG, replace(CONFIG, dataset="mnist-5k", lr=0.5)], "dataset", "got auto and mnist-5k"),
        ([CONFIG, CONFIGS[1], CONFIGS[2], CONFIGS[1]], "race", "Lanes 2 and 4 have the same settings"),
    ],
)
def test_lanes_that_cannot_race_are_refused_and_nothing_is_queued(
    store: RunStore, configs: list[TrainConfig], field: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        RunActions(store).start_race(configs)
    assert caught.value.field == field
    assert store.queries.list_runs() == []


def test_lanes_may_differ_in_all_that_leaves_the_images_alone() -> None:
    check_lanes([CONFIG, replace(CONFIG, batch_size=128, epochs=2, model="mlp"), replace(CONFIG, optimizer="adam")])


def test_a_race_is_queued_as_its_runs_and_wakes_the_supervisor(store: RunStore) -> None:
    woken: list[bool] = []
    other = store.commands.create_run(CONFIG)
    lanes = RunActions(store, wake=lambda: woken.append(True)).start_race(CONFIGS)
    assert woken == [True]
    assert [(lane.status, lane.race_id, lane.config.lr) for lane in lanes] == [
        (RunStatus.QUEUED, lanes[0].id, lr) for lr in (0.01, 0.1, 0.5)
    ]
    assert store.queries.list_lanes(lanes[0].id) == lanes
    assert (other.race_id, store.queries.list_lanes(other.id)) == (None, [])


def test_one_trainer_claims_all_queued_lanes_or_none(store: RunStore) -> None:
    actions = RunActions(store)
    lanes = actions.start_race(CONFIGS)
    actions.remove_from_queue(lanes[1].id)
    assert store.trainer_writes.claim_lanes(lanes[1].id, own_identity(), 1) == []
    claimed = store.trainer_writes.claim_lanes(lanes[2].id, own_identity(), 1)
    assert [lane.id for lane in claimed] == [lanes[0].id, lanes[2].id]
    assert store.queries.count_active_trainers() == 1
    waiting = store.commands.create_run(CONFIG)
    assert store.trainer_writes.claim_lanes(waiting.id, own_identity(), 1) == []
    assert len(store.trainer_writes.claim_lanes(waiting.id, own_identity(), 2)) == 1
    assert store.queries.count_active_trainers() == 2


def test_pause_resume_and_step_reach_all_lanes_that_one_trainer_holds(store: RunStore) -> None:
    lanes = RunActions(store).start_race(CONFIGS)
    store.trainer_writes.claim_lanes(lanes[0].id, own_identity(), 1)
    store.trainer_writes.finish_run(store.queries.get_run(lanes[2].id), RunStatus.COMPLETED)
    for command in (Command.PAUSE, Command.RESUME, Command.STEP, Command.EVALUATE):
        store.commands.send_command(lanes[1].id, command, by="page")
    sent = [[pending.command for pending in store.queries.list_commands(lane.id, 0)] for lane in lanes]
    together = [Command.PAUSE, Command.RESUME, Command.STEP]
    assert sent == [together, [*together, Command.EVALUATE], []]


def test_a_race_is_resumed_by_its_interrupted_lanes(store: RunStore) -> None:
    actions = RunActions(store)
    lanes = actions.start_race(CONFIGS)
    with pytest.raises(RunStateError, match=r"No lane of the race of run-1 is interrupted"):
        actions.resume_race(lanes[0].id)
    for lane in store.trainer_writes.claim_lanes(lanes[0].id, own_identity(), 1)[1:]:
        store.commands.interrupt_run(lane, "killed")
    assert [lane.id for lane in actions.resume_race(lanes[0].id)] == [lane.id for lane in lanes[1:]]
    alone = store.commands.create_run(CONFIG)
    with pytest.raises(RunStateError, match=r"run-4 is in no race\. Resume it alone\."):
        actions.resume_race(alone.id)

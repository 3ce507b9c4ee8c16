"""The standing of a race over HTTP: its moments, and one sentence on whether the lead is more than noise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mnist_core.analysis.comparison.race_standing import find_standing
from mnist_core.analysis.seed_groups import describe_differences
from mnist_core.data.datasets import Dataset
from mnist_core.data.run_images import RunImages
from mnist_core.records import Run
from mnist_core.runs.races import start_race
from mnist_core.store import RunStore, sql
from mnist_core.sweeps.race import train_race
from mnist_core.system.processes import own_identity
from mnist_dashboard.inspection import race_route
from tests.dashboard.inspection.conftest import CONFIG, Get, json_of
from tests.support.factories import finished_run


@pytest.fixture
def lanes(store: RunStore, small_mnist: Dataset, signals_restored: None) -> list[Run]:
    return train_race(store, start_race(store, [replace(CONFIG, lr=lr) for lr in (0.001, 0.3)], own_identity()))


def address(lanes: list[Run]) -> str:
    return f"/race.json?runs={','.join(str(lane.id) for lane in lanes)}"


def test_a_race_has_its_moments_and_the_sentence_of_the_command_line(
    get: Get, store: RunStore, lanes: list[Run]
) -> None:
    content = json_of(get(address(lanes)))
    labels = RunImages().split_of(lanes[0], "validation").labels
    standing = find_standing([(lane, store.queries.list_evaluations(lane.id)) for lane in lanes], labels)
    assert standing
    assert content["sentence"] == standing.describe(describe_differences(lanes))
    assert (content["is_real"], content["is_level"]) == (standing.is_real, standing.is_level)
    assert [moment["epochs"] for moment in content["moments"]] == [0.5, 1.0]
    last = content["moments"][-1]
    assert last["leader"] == standing.lanes[0].run.id
    assert set(last["accuracies"]) == set(last["steps"]) == {str(lane.id) for lane in lanes}


def test_the_verdict_is_computed_once_for_all_viewers(
    get: Get, lanes: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = json_of(get(address(lanes)))
    monkeypatch.setattr(race_route, "find_standing", None)
    assert json_of(get(address(lanes))) == first


def test_a_race_whose_images_are_gone_keeps_its_moments_and_says_nothing_of_noise(get: Get, store: RunStore) -> None:
    lanes = [finished_run(store, replace(CONFIG, lr=lr), validation=lr) for lr in (0.5, 0.6)]
    with store.commands._engine.begin() as connection:
        for lane in lanes:
            sql.update_run(connection, lane.id, race_id=lanes[0].id)
    content = json_of(get(address(lanes)))
    assert (len(content["moments"]), content["sentence"], content["is_real"]) == (1, "", False)


def test_lanes_that_are_no_race_are_refused_in_a_sentence(get: Get, store: RunStore) -> None:
    queued = store.commands.create_run(CONFIG)
    assert get(f"/race.json?runs={queued.id}").body == b"runs must be 2 to 4 lanes of a race, such as runs=7,8.\n"
    assert get(f"/race.json?runs={queued.id},999").status == 404
    assert get("/race.json?runs=1,2,3,4,5").status == 400
    other = store.commands.create_run(replace(CONFIG, lr=0.5, validation_fraction=0.3))
    response = get(address([queued, other]))
    assert (response.status, response.body) == (400, b"run-1, run-2 are not lanes of one race.\n")
    races = [store.commands.create_race([CONFIG, replace(CONFIG, lr=0.5)]) for _ in range(2)]
    assert get(address([races[0][0], races[1][0]])).status == 400
    assert get(address([races[0][0], other])).status == 400


def test_a_race_before_its_first_evaluation_has_no_moments(get: Get, store: RunStore) -> None:
    lanes = store.commands.create_race([CONFIG, replace(CONFIG, lr=0.5)])
    empty = {"moments": [], "sentence": "", "is_real": False, "is_level": True}
    assert json_of(get(address(lanes))) == empty

"""Searches in the live feed: all of one at first, then what changes, read once for all viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.records import (
    EvalMetrics,
    Progress,
    Run,
    RunStatus,
    Sweep,
    SweepStatus,
    Trial,
    TrialRole,
    TrialStatus,
)
from mnist_core.store import RunStore
from mnist_core.sweeps.space import Range, Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.processes import own_identity
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.sweeps import sweep_feed
from mnist_dashboard.feed.sweeps.trial_json import trial_to_json
from tests.support.factories import NO_CONFUSION
from tests.support.web.feed_reader import Reader, run_scenario, running_hub

SPEC = SweepSpec(
    parameters=(Range("lr", 0.001, 1.0, log=True), Values("batch_size", (32, 64))),
    fixed={"epochs": 2},
    trials=40,
    pruner="median",
    workers=2,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_feed, "SPACING_SECONDS", 0.0)


@pytest.fixture
def writer(places: Path, store: RunStore) -> RunStore:
    """The store of controller and trainers, with its own connections as in other processes."""
    return RunStore.open(places / "runs")


@pytest.fixture
def sweep(writer: RunStore) -> Sweep:
    return writer.sweeps.claim_sweep(writer.sweeps.create_sweep(SPEC.to_json()).id, own_identity())


def begin_trial(store: RunStore, sweep: Sweep, lr: float = 0.1) -> tuple[Trial, Run]:
    trial = store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": lr, "batch_size": 32}, {})
    run = store.sweeps.begin_run(
        sweep.id,
        trial.number,
        attempt=sweep.attempt,
        config=SPEC.config(trial.values),
        trainer=own_identity(),
        name=f"trial {trial.number}",
    )
    assert run
    return trial, run


def evaluate(store: RunStore, run: Run, step: int, accuracy: float) -> None:
    measured = EvalMetrics(step, 1, "validation", 1 - accuracy, accuracy, NO_CONFUSION, np.zeros(1, np.uint8), 1.0)
    store.trainer_writes.append_steps(run, Progress(step=step), [], [measured])


def reader(hub: LiveHub, sweep: Sweep, last_event_id: str = "") -> Reader:
    return Reader(hub, [], last_event_id, sweep_id=sweep.id)


async def changed_trial(viewer: Reader, **wanted: Any) -> dict[str, Any]:
    """Wait for a changed trial with these values."""
    while True:
        for trial in (await viewer.event("trials"))["trials"]:
            if wanted.items() <= trial.items():
                found: dict[str, Any] = trial
                return found


def test_a_new_viewer_gets_the_whole_search(store: RunStore, writer: RunStore, sweep: Sweep) -> None:
    trial, run = begin_trial(writer, sweep)
    evaluate(writer, run, 100, 0.9)
    writer.sweeps.end_trial(sweep, trial, TrialStatus.COMPLETED, value=0.9)
    begin_trial(writer, sweep, lr=0.2)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            event = await reader(hub, sweep).event("sweep")
            assert (event["sweep"], event["name"], event["status"]) == (1, "sweep-1", "running")
            assert event["detail"] == "TPE, median pruner, 2 epochs a trial"
            assert event["parameters"] == [
                {"name": "lr", "label": "Learning rate", "low": 0.001, "high": 1.0, "log": True, "values": None},
                {"name": "batch_size", "label": "Batch size", "low": None, "high": None, "log": False}
                | {"values": [32, 64]},
            ]
            assert (event["counts"]["ended"], event["counts"]["running"]) == (1, 1)
            assert event["best"] == {"trial": 1, "value": 0.9, "text": "90.00 %"}
            assert event["sentence"] == "Best so far is trial 1: learning rate 0.1, batch size 32."
            first, second = event["trials"]
            assert (first["status"], first["value"], first["curve"]) == ("completed", 0.9, [[100, 0.9]])
            assert first["values"] == {"lr": 0.1, "batch_size": 32}
            assert first["runs"] == [{"id": run.id, "name": "trial 1", "status": "preparing"}]
            assert (second["status"], second["value"], second["curve"]) == ("running", None, [])

    run_scenario(scenario)


def test_then_only_what_changes_is_sent(store: RunStore, writer: RunStore, sweep: Sweep) -> None:
    ended, _ = begin_trial(writer, sweep)
    writer.sweeps.end_trial(sweep, ended, TrialStatus.PRUNED)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            viewer = reader(hub, sweep)
            await viewer.event("sweep")
            trial, run = begin_trial(writer, sweep, lr=0.2)
            await changed_trial(viewer, number=2, status="running")
            evaluate(writer, run, 50, 0.8)
            evaluate(writer, run, 100, 0.85)
            changed = await changed_trial(viewer, number=2, latest=0.85)
            assert (changed["curve"], changed["step"]) == ([[50, 0.8], [100, 0.85]], 100)
            writer.sweeps.end_trial(sweep, trial, TrialStatus.COMPLETED, value=0.85)
            while True:
                event = await viewer.event("trials")
                assert [trial["number"] for trial in event["trials"]] in ([], [2])
                if event["best"]:
                    assert event["best"]["trial"] == 2
                    return

    run_scenario(scenario)


def test_a_viewer_who_comes_back_gets_the_whole_search_again(store: RunStore, writer: RunStore, sweep: Sweep) -> None:
    async def scenario() -> None:
        async with running_hub(store) as hub:
            viewer = reader(hub, sweep)
            await viewer.event("sweep")
            begin_trial(writer, sweep)
            await viewer.event("trials")
            await viewer.close()
            begin_trial(writer, sweep)  # nobody watches
            back = reader(hub, sweep, viewer.last_id)
            event = await back.event("sweep", "trials")
            assert (event["kind"], len(event["trials"])) == ("sweep", 2)

    run_scenario(scenario)


def test_who_watches_no_search_hears_of_its_runs_only(store: RunStore, writer: RunStore, sweep: Sweep) -> None:
    async def scenario() -> None:
        async with running_hub(store) as hub:
            viewer, other = reader(hub, sweep), Reader(hub, [])
            await viewer.event("sweep")
            await other.event("audience")
            begin_trial(writer, sweep)
            await viewer.event("trials")
            assert (await other.event("run", "sweep", "trials"))["kind"] == "run"
            stranger = Reader(hub, [], sweep_id=99)  # there is no such search
            assert (await stranger.event("sweep", "audience"))["kind"] == "audience"

    run_scenario(scenario)


def test_the_winner_is_shown_with_its_test_results_and_the_verdict(
    store: RunStore, writer: RunStore, sweep: Sweep
) -> None:
    trial, _ = begin_trial(writer, sweep)
    writer.sweeps.end_trial(sweep, trial, TrialStatus.COMPLETED, value=0.9)
    final = writer.sweeps.add_trial(sweep, TrialRole.WINNER, trial.values, {})
    for seed, accuracy in zip(SPEC.fresh_seeds, (0.8, 0.9, 1.0), strict=True):
        config = SPEC.winner_config(trial.values, seed)
        run = writer.sweeps.begin_run(
            sweep.id, final.number, attempt=sweep.attempt, config=config, trainer=own_identity(), name=""
        )
        assert run
        tested = EvalMetrics(9, 1, "test", 0.1, accuracy, NO_CONFUSION, np.zeros(1, np.uint8), 1.0)
        writer.trainer_writes.append_steps(run, Progress(step=9), [], [tested])
        writer.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    writer.sweeps.end_trial(sweep, final, TrialStatus.COMPLETED, value=0.9)
    writer.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            event = await reader(hub, sweep).event("sweep")
            assert event["status"] == "completed"
            assert event["sentence"].startswith("Trial 1 won: 90.00 % of test digits right after 2 epochs")
            assert event["verdict"].startswith("90.00 % of test digits right after 2 epochs (3 seeds)")
            assert event["rivals"] == {"baseline": "The defaults have not been tested."}
            test = event["trials"][1]["test"]
            assert (test["accuracy"], test["seeds"]) == (pytest.approx(0.9), 3)
            assert test["low"] < 0.8
            assert test["high"] == 1.0

    run_scenario(scenario)


def test_a_search_that_ends_and_is_extended_is_sent_as_such(store: RunStore, writer: RunStore, sweep: Sweep) -> None:
    async def scenario() -> None:
        async with running_hub(store) as hub:
            viewer = reader(hub, sweep)
            await viewer.event("sweep")
            writer.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)
            while (await viewer.event("trials"))["status"] != "completed":
                pass
            writer.sweeps.replace_spec(sweep.id, lambda spec: {**spec, "trials": 60})
            while (await viewer.event("trials"))["max_trials"] != 60:
                pass

    run_scenario(scenario)


def test_a_controller_that_is_killed_is_noticed_though_it_commits_nothing(
    store: RunStore, writer: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_feed, "CHECK_SECONDS", 0.1)
    created = writer.sweeps.create_sweep(SPEC.to_json())
    sweep = writer.sweeps.claim_sweep(created.id, own_identity())

    async def scenario() -> None:
        async with running_hub(store) as hub:
            viewer = reader(hub, sweep)
            assert (await viewer.event("sweep"))["status"] == "running"
            monkeypatch.setattr("mnist_core.sweeps.control.is_alive", lambda _controller: False)
            assert (await viewer.event("trials"))["status"] == "interrupted"

    run_scenario(scenario)


def test_searches_that_nobody_watches_are_kept_for_a_while_and_read_up_to_date(
    store: RunStore, writer: RunStore, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_feed, "MAX_IDLE", 2)
    others = [writer.sweeps.create_sweep(SPEC.to_json()) for _ in range(2)]
    readings: list[int] = []
    list_runs = store.sweeps.list_runs

    def note_and_list(sweep_id: int) -> list[Run]:
        readings.append(sweep_id)
        return list_runs(sweep_id)

    monkeypatch.setattr(store.sweeps, "list_runs", note_and_list)

    async def visit(hub: LiveHub, visited: Sweep) -> int:
        viewer = reader(hub, visited)
        trials = len((await viewer.event("sweep"))["trials"])
        await viewer.close()
        return trials

    async def scenario() -> None:
        async with running_hub(store) as hub:
            assert await visit(hub, sweep) == 0
            begin_trial(writer, sweep)
            assert await visit(hub, sweep) == 1
            assert readings == [sweep.id]
            for other in others:
                await visit(hub, other)
            assert await visit(hub, sweep) == 1
            assert readings == [sweep.id, *(other.id for other in others), sweep.id]

    run_scenario(scenario)


def test_rivals_of_the_winner_show_the_settings_in_which_they_may_differ() -> None:
    set_by_a_person = {"lr": 0.0005, "momentum": 0.5, "epochs": 9, "seed": 4, "weight_decay": 0.0}
    spec = SweepSpec(parameters=(Range("lr", 0.001, 0.3, log=True),), trials=1, compare_with=set_by_a_person)

    def shown(role: TrialRole, values: dict[str, Any]) -> Any:
        trial = Trial(sweep_id=1, number=1, role=role, status=TrialStatus.RUNNING, values=values)
        return trial_to_json(spec, trial, [], [])["values"]

    assert shown(TrialRole.SEARCH, {"lr": 0.1}) == {"lr": 0.1}
    assert shown(TrialRole.BASELINE, {}) == {"lr": 0.01}
    assert shown(TrialRole.COMPARED, set_by_a_person) == {"lr": 0.0005}

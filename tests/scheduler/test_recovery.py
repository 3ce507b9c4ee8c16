"""Runs whose trainer is gone, and processes that have stalled, by their signs of life and a scripted clock."""

import dataclasses
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.scheduler import recovery
from mnist_core.scheduler.recovery import LEASE_SECONDS, StallDetector, interrupt_if_lost, interrupt_lost_runs
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity

NEVER_A_PID = 2**22 + 1  # above the maximum that Linux allows


def test_a_process_is_stalled_once_its_sign_of_life_stays_the_same() -> None:
    now = [100.0]
    detector = StallDetector(3.0, clock=lambda: now[0])

    def observe(**signs: int) -> set[int]:
        now[0] += 1.0
        return detector.observe({int(name[1:]): sign for name, sign in signs.items()})

    assert [observe(r1=1, r2=1), observe(r1=1, r2=2), observe(r1=1, r2=2)] == [set(), set(), set()]
    assert observe(r1=1, r2=2) == {1}
    assert observe(r1=2, r2=2) == {2}
    assert observe(r2=2) == {2}
    assert [observe(r1=2), observe(r1=2), observe(r1=2)] == [set(), set(), set()], "a newcomer, though known before"


def test_time_while_the_observer_was_suspended_does_not_count() -> None:
    now = [0.0]
    detector = StallDetector(30.0, longest_gap=2.0, clock=lambda: now[0])
    assert detector.observe({1: "here"}) == set()
    now[0] += 3600.0
    assert detector.observe({1: "here"}) == set()


def test_only_runs_whose_trainer_is_gone_are_interrupted(store: RunStore) -> None:
    me = own_identity()
    gone = {
        "no such pid": dataclasses.replace(me, pid=NEVER_A_PID),
        "pid reused": dataclasses.replace(me, start_ticks=me.start_ticks - 1),
        "restarted": dataclasses.replace(me, boot_id="another boot"),
    }
    alive = store.commands.create_run(TrainConfig(), "alive", trainer=me)
    queued = store.commands.create_run(TrainConfig(), "queued")
    ended = store.commands.create_run(TrainConfig(), "ended", trainer=gone["restarted"])
    store.trainer_writes.finish_run(ended, RunStatus.COMPLETED)
    for name, trainer in gone.items():
        store.commands.create_run(TrainConfig(), name, trainer=trainer)
    stopping = store.commands.create_run(TrainConfig(), "stopping", trainer=gone["pid reused"])
    store.commands.request_stop(stopping.id)

    assert {run.name for run in interrupt_lost_runs(store)} == {*gone, "stopping"}
    by_name = {run.name: run for run in store.queries.list_runs()}
    for name in (*gone, "stopping"):
        assert by_name[name].status is RunStatus.INTERRUPTED
        assert by_name[name].finished_at
    assert by_name["no such pid"].reason == f"Its trainer process (pid {NEVER_A_PID}) is gone."
    assert by_name["alive"] == alive
    assert by_name["queued"] == queued
    assert by_name["ended"].status is RunStatus.COMPLETED
    assert interrupt_lost_runs(store) == []


def test_runs_to_spare_are_not_interrupted(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=dataclasses.replace(own_identity(), pid=NEVER_A_PID))
    assert interrupt_lost_runs(store, spare=frozenset({run.id})) == []
    assert store.queries.get_run(run.id) == run


def test_a_mere_look_from_another_namespace_or_host_interrupts_nothing(store: RunStore) -> None:
    here = own_identity()
    places: dict[str, dict[str, Any]] = {
        "container": {"pid_namespace": "4026539999"},
        "host": {"host": "another-host"},
    }
    for name, place in places.items():
        trainer = dataclasses.replace(here, pid=NEVER_A_PID, **place)
        run = store.commands.create_run(TrainConfig(), name, trainer=trainer)
        assert interrupt_lost_runs(store) == []
        assert interrupt_if_lost(store, run) == run


def test_a_command_on_a_run_interrupts_it_when_the_lease_of_its_trainer_has_ended(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = dataclasses.replace(own_identity(), pid_namespace="4026539999")
    run = store.commands.create_run(TrainConfig(), trainer=elsewhere)
    monkeypatch.setattr("time.time", lambda: 4e9)  # the wall clock of this process decides nothing
    assert interrupt_if_lost(store, run) == run
    assert 0 <= store.queries.list_silent_seconds()[run.id] < LEASE_SECONDS
    monkeypatch.setattr(recovery, "LEASE_SECONDS", -1.0)
    assert interrupt_if_lost(store, run).status is RunStatus.INTERRUPTED
    assert store.queries.list_silent_seconds() == {}


def test_a_command_on_a_run_interrupts_it_when_its_trainer_is_gone(store: RunStore) -> None:
    gone = store.commands.create_run(TrainConfig(), trainer=dataclasses.replace(own_identity(), pid=NEVER_A_PID))
    alive = store.commands.create_run(TrainConfig(), trainer=own_identity())
    assert interrupt_if_lost(store, alive) == alive
    assert interrupt_if_lost(store, gone).reason == f"Its trainer process (pid {NEVER_A_PID}) is gone."

"""A race: lanes in lock step on the same images, commands to them, and the same results as alone."""

import os
import signal
import threading
from collections import defaultdict
from dataclasses import replace

import pytest
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.records import Adjustment, Command, Confusion, EvalMetrics, Event, Run, RunStatus, StepMetrics
from mnist_core.runs import lineage
from mnist_core.runs.races import resume_race, start_race
from mnist_core.store import RunStore
from mnist_core.sweeps.race import train_queued_runs, train_race
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_core.training.train_step import TrainStep
from tests.support.processes import Eventually
from tests.support.training import claimed_run, resume

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=2, device="cpu")
CONFIGS = (CONFIG, replace(CONFIG, model="mlp", batch_size=90, optimizer="adam", lr=0.001), replace(CONFIG, lr=0.1))


def claimed_race(store: RunStore, *configs: TrainConfig) -> list[Run]:
    return start_race(store, configs, own_identity())


def losses(store: RunStore, run: Run) -> list[float]:
    return list(store.queries.read_steps(run.id)["loss"].tolist())


def results(store: RunStore, run: Run) -> tuple[RunStatus, list[float], list[tuple[int, str, list[int]]]]:
    """Return what must not depend on how a run was trained."""
    evaluations = store.queries.list_evaluations(run.id)
    predicted = [(found.step, found.split, found.predictions.tolist()) for found in evaluations]
    return store.queries.get_run(run.id).status, losses(store, run), predicted


def assert_as_alone(store: RunStore, lanes: list[Run]) -> None:
    for lane in lanes:
        assert results(store, lane) == results(store, train_run(store, claimed_run(store, lane.config)))


def test_all_lanes_have_seen_the_same_images_at_every_moment(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = TrainStep.__call__
    seen: dict[int, list[int]] = defaultdict(list)

    def spy(step: TrainStep, batch: Tensor, lr: float) -> tuple[float, Confusion]:
        seen[step._state.batch_size + 1000 * int(100 * step._state.lr)] += batch.tolist()
        return compute(step, batch, lr)

    monkeypatch.setattr(TrainStep, "__call__", spy)
    images: dict[int, int] = defaultdict(int)
    apart: list[int] = []

    def observe(run: Run, event: Event) -> None:
        if isinstance(event, StepMetrics):
            images[run.id] += sum(map(sum, event.confusion))
            apart.append(max(images.values()) - min(images.values()) if len(images) == 3 else 0)

    lanes = train_race(store, claimed_race(store, *CONFIGS), observe)
    assert [lane.status for lane in lanes] == [RunStatus.COMPLETED] * 3
    assert max(apart) == 90
    first, *others = seen.values()
    assert len(first) == 2 * 270
    assert others == [first, first]


def test_a_race_gives_each_lane_the_results_that_it_has_alone(store: RunStore) -> None:
    assert_as_alone(store, train_race(store, claimed_race(store, *CONFIGS)))


def test_a_lane_that_stops_early_leaves_the_race_to_the_others(store: RunStore) -> None:
    impatient = replace(CONFIG, epochs=6, patience=1, min_delta=0.5)
    lanes = train_race(store, claimed_race(store, impatient, CONFIG))
    assert lanes[0].progress.step < lanes[0].total_steps
    assert_as_alone(store, lanes)


@pytest.mark.usefixtures("commit_every_event")
def test_a_pause_of_one_lane_pauses_all_until_any_is_resumed(store: RunStore, eventually: Eventually) -> None:
    begun = claimed_race(store, *CONFIGS[:2])
    steps_of_pause: list[int] = []

    def statuses() -> set[RunStatus]:
        return {store.queries.get_run(run.id).status for run in begun}

    def resume_once_all_are_paused() -> None:
        eventually(lambda: statuses() == {RunStatus.PAUSED})
        steps_of_pause.extend(store.queries.count_steps(run.id) for run in begun)
        store.commands.send_command(begun[0].id, Command.STEP, by="page")
        eventually(lambda: sum(store.queries.count_steps(run.id) for run in begun) > sum(steps_of_pause))
        store.commands.send_command(begun[0].id, Command.RESUME, by="page")

    helper = threading.Thread(target=resume_once_all_are_paused)

    def observe(run: Run, event: Event) -> None:
        if run.id == begun[1].id and event.step == 2 and isinstance(event, StepMetrics):
            store.commands.send_command(run.id, Command.PAUSE, by="page")
            helper.start()

    lanes = train_race(store, begun, observe)
    helper.join()
    assert steps_of_pause in ([5, 2], [6, 2], [4, 2], [3, 2])
    assert_as_alone(store, lanes)


@pytest.mark.usefixtures("commit_every_event")
def test_a_race_goes_on_without_a_lane_that_is_stopped_also_during_a_pause(
    store: RunStore, eventually: Eventually
) -> None:
    begun = claimed_race(store, *CONFIGS)

    def status(lane: int) -> RunStatus:
        return store.queries.get_run(begun[lane].id).status

    def stop_then_resume() -> None:
        eventually(lambda: status(2) is RunStatus.PAUSED)
        store.commands.request_stop(begun[0].id)
        eventually(lambda: status(0) is RunStatus.STOPPED)
        assert status(1) is RunStatus.PAUSED
        store.commands.send_command(begun[2].id, Command.RESUME, by="page")

    helper = threading.Thread(target=stop_then_resume)

    def observe(run: Run, event: Event) -> None:
        if run.id == begun[0].id and event.step == 3 and isinstance(event, StepMetrics):
            store.commands.send_command(run.id, Command.PAUSE, by="page")
            helper.start()

    stopped, *others = train_race(store, begun, observe)
    helper.join()
    assert stopped.status is RunStatus.STOPPED
    assert_as_alone(store, others)


@pytest.mark.usefixtures("commit_every_event")
def test_a_change_reaches_only_its_lane_which_repeats_alone(store: RunStore) -> None:
    begun = claimed_race(store, *CONFIGS)

    def observe(run: Run, event: Event) -> None:
        if run.id == begun[0].id and event.step == 3 and isinstance(event, StepMetrics):
            store.commands.send_command(run.id, Command.ADJUST, Adjustment(lr=0.5), by="page")

    changed, *others = train_race(store, begun, observe)
    assert [change.field for change in changed.interventions] == ["lr"]
    repeated = train_run(store, lineage.repeat(store, changed, trainer=own_identity()))
    assert results(store, repeated) == results(store, changed)
    assert_as_alone(store, others)


@pytest.mark.parametrize("is_together", [True, False])
@pytest.mark.usefixtures("commit_every_event")
def test_an_interrupted_race_resumes_together_or_lane_by_lane(store: RunStore, is_together: bool) -> None:
    begun = claimed_race(store, *CONFIGS)

    def observe(run: Run, event: Event) -> None:
        if run.id == begun[1].id and event.step == 2 and isinstance(event, EvalMetrics):
            os.kill(os.getpid(), signal.SIGTERM)

    lanes = train_race(store, begun, observe)
    assert {lane.status for lane in lanes} == {RunStatus.INTERRUPTED}
    if is_together:
        assert [lane.id for lane in resume_race(store, lanes[1])] == [lane.id for lane in lanes]
        train_queued_runs(lanes[2].id, 1)
        assert {store.queries.get_run(lane.id).attempt for lane in lanes} == {2}
    else:
        for lane in lanes:
            resume(store, lane)
    assert_as_alone(store, lanes)


def test_a_lane_that_diverges_or_cannot_begin_leaves_the_race_to_the_others(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = TrainStep.__call__

    def diverge(step: TrainStep, batch: Tensor, lr: float) -> tuple[float, Confusion]:
        loss, confusion = compute(step, batch, lr)
        return (float("nan") if lr == 0.5 and step._state.step == 2 else loss), confusion

    monkeypatch.setattr(TrainStep, "__call__", diverge)
    diverging, too_large = replace(CONFIG, lr=0.5), replace(CONFIG, batch_size=271)
    diverged, failed, well = train_race(store, claimed_race(store, diverging, too_large, CONFIG))
    assert (diverged.status, diverged.progress.step) == (RunStatus.DIVERGED, 3)
    assert (failed.status, "Batch size" in failed.reason) == (RunStatus.FAILED, True)
    assert_as_alone(store, [well])


def test_a_lane_that_another_trainer_took_over_leaves_the_race(store: RunStore) -> None:
    begun = claimed_race(store, *CONFIGS[:2])

    def observe(run: Run, event: Event) -> None:
        if run.id == begun[0].id and event.step == 1 and isinstance(event, StepMetrics):
            store.commands.interrupt_run(run, "taken")

    lost, well = train_race(store, begun, observe)
    assert (lost.status, lost.reason) == (RunStatus.INTERRUPTED, "taken")
    assert_as_alone(store, [well])


def test_lanes_ahead_of_others_still_obey(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.sweeps.race.LANE_POLL_SECONDS", 0.0)
    begun = claimed_race(store, CONFIG, replace(CONFIG, batch_size=270))

    def observe(run: Run, event: Event) -> None:
        if run.id == begun[0].id and event.step == 2 and isinstance(event, StepMetrics):
            store.commands.request_stop(begun[1].id)

    well, stopped = train_race(store, begun, observe)
    assert (stopped.status, stopped.progress.step) == (RunStatus.STOPPED, 1)
    assert_as_alone(store, [well])

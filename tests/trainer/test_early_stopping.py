"""Early stopping of a run in the store: what is recorded, saved, exported and continued, and that it repeats."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_core.checkpoints import files
from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.data.datasets import Dataset
from mnist_core.exports import archive
from mnist_core.exports.weights import load_model
from mnist_core.inference.weights import Weights
from mnist_core.records import Adjustment, Command, EvalMetrics, Event, Intervention, Run, RunStatus
from mnist_core.runs import lineage, remedies
from mnist_core.store import RunStore
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import Observer, train_run
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.support.training import EARLY, claimed_run, resume

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")

STOPS_AT, BEST = 36, 23
REASON = (
    f"Stopped at step {STOPS_AT}: validation loss had not improved for 3 evaluations. "
    f"The weights are those of step {BEST}."
)


class Killed(BaseException):
    """Ends a trainer as SIGKILL does: nothing is recorded or saved."""


def kill() -> None:
    raise Killed


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def outcome(store: RunStore, run: Run) -> list[Any]:
    """Return everything of a run that must repeat to the last bit, which files it has, and those recorded too much."""
    table = store.queries.read_steps(run.id)
    evaluations = store.queries.list_evaluations(run.id)
    recorded = [runs_dir() / file.path for file in store.queries.list_files(run.id) if file.step > BEST]
    return [
        *(table[name].tolist() for name in ("epoch", "loss", "accuracy", "lr", "momentum")),
        *((event.step, event.split, event.loss, event.predictions.tolist()) for event in evaluations),
        [weight.tolist() for weight in load_model(store.queries, run).state_dict().values()],
        recorded,
        sorted(path.name for path in checkpoints_dir(run).iterdir()),
        (run.status, run.reason, run.results),
    ]


@pytest.fixture
def undisturbed(store: RunStore) -> Run:
    return train_run(store, claimed_run(store, EARLY))


def test_a_run_says_where_it_stopped_and_why(store: RunStore, undisturbed: Run) -> None:
    assert (undisturbed.status, undisturbed.reason) == (RunStatus.COMPLETED, REASON)
    assert (undisturbed.progress.step, undisturbed.total_steps) == (STOPS_AT, 72)
    sentence = remedies.examine(store.queries, undisturbed)
    assert sentence
    assert sentence.text.endswith(f" {REASON}")
    (test,) = [event for event in store.queries.list_evaluations(undisturbed.id) if event.split == "test"]
    assert test.step == BEST
    assert undisturbed.results.test_accuracy == test.accuracy


def test_everything_that_is_kept_holds_the_best_weights(store: RunStore, digits: Dataset) -> None:
    run = train_run(store, claimed_run(store, replace(EARLY, save_model=True)))
    state = TrainState.initial(EARLY)
    for _event in train(EARLY, digits, state=state):
        pass
    best = {name: weight.tolist() for name, weight in state.model.state_dict().items()}
    paths = sorted(checkpoints_dir(run).iterdir())
    assert {f"step-{BEST:08}.ckpt", f"best-{BEST:08}.ckpt"} <= {path.name for path in paths}
    assert max(file.step for file in store.queries.list_files(run.id)) == BEST
    assert list(lineage.fork_points(store.queries, run))[-1] == BEST
    for model in (load_model(store.queries, run), Weights(store.queries).load_newest(run).model):
        assert {name: weight.tolist() for name, weight in model.state_dict().items()} == best
    for kind in ("step", "best"):
        saved = files.load(checkpoints_dir(run) / f"{kind}-{BEST:08}.ckpt").state
        assert {name: weight.tolist() for name, weight in saved.model.state_dict().items()} == best
        assert (saved.step, saved.waited, saved.tested) == (BEST, 0, False)


MOMENTS = [
    (10, "step"),
    (BEST, "validation"),
    (30, "step"),
    (STOPS_AT, "step"),
    (STOPS_AT, "validation"),
    (BEST, "test"),
]


@pytest.mark.parametrize("end", [kill, terminate])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_ends_at_any_event_resumes_as_if_undisturbed(
    store: RunStore, undisturbed: Run, moment: tuple[int, str], end: Any
) -> None:
    run = claimed_run(store, EARLY)
    try:
        run = train_run(store, run, at_event(*moment, end))
    except Killed:
        store.commands.interrupt_run(store.queries.get_run(run.id), "killed")
        run = store.queries.get_run(run.id)
    assert run.status is RunStatus.INTERRUPTED
    assert outcome(store, resume(store, run)) == outcome(store, undisturbed)


def at_event(step: int, split: str, act: Any) -> Observer:
    def observe(event: Event) -> None:
        if event.step == step and getattr(event, "split", "step") == split:
            act()

    return observe


@pytest.mark.parametrize(("moment", "pauses"), [((STOPS_AT, "validation"), False), ((BEST, "test"), True)])
def test_a_stop_while_the_best_weights_are_tested_comes_too_late(
    store: RunStore, undisturbed: Run, moment: tuple[int, str], pauses: bool
) -> None:
    run = claimed_run(store, EARLY)

    def stop() -> None:
        if pauses:
            store.commands.send_command(run.id, Command.PAUSE, by="test")
        store.commands.request_stop(run.id)

    assert outcome(store, train_run(store, run, at_event(*moment, stop))) == outcome(store, undisturbed)


def test_a_run_stopped_before_that_test_keeps_its_last_weights_untested(store: RunStore) -> None:
    run = claimed_run(store, EARLY)
    stopped = train_run(store, run, at_event(STOPS_AT, "step", lambda: store.commands.request_stop(run.id)))
    assert (stopped.status, stopped.results.test_accuracy) == (RunStatus.STOPPED, None)
    assert max(lineage.fork_points(store.queries, stopped)) == STOPS_AT


def test_a_run_killed_between_its_last_checkpoint_and_its_end_trains_the_last_steps_again(
    store: RunStore, undisturbed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = claimed_run(store, EARLY)
    with monkeypatch.context() as killed:
        killed.setattr(store.trainer_writes, "forget_files_after", lambda *_: kill())
        with pytest.raises(Killed):
            train_run(store, run)
    store.commands.interrupt_run(store.queries.get_run(run.id), "killed")
    assert outcome(store, resume(store, store.queries.get_run(run.id))) == outcome(store, undisturbed)


def test_a_steered_run_repeats_bit_for_bit(store: RunStore) -> None:
    run = claimed_run(store, EARLY)
    commands = {
        10: (Command.ADJUST, Adjustment(lr=0.02)),
        12: (Command.EVALUATE, None),
        20: (Command.ADJUST, Adjustment(batch_size=20)),
    }

    def steer(event: Event) -> None:
        if not isinstance(event, EvalMetrics) and event.step in commands:
            command, adjustment = commands.pop(event.step)
            store.commands.send_command(run.id, command, adjustment, by="test")
        if isinstance(event, EvalMetrics) and event.split == "test":  # too late to change anything
            store.commands.send_command(run.id, Command.ADJUST, Adjustment(momentum=0.1), by="test")

    steered = train_run(store, run, steer)
    assert "Stopped at step" in steered.reason
    assert steered.progress.step < steered.total_steps
    repeated = train_run(store, lineage.repeat(store, steered, trainer=own_identity()))
    first, second = (outcome(store, one) for one in (steered, repeated))
    asked = [item for item in first if isinstance(item, tuple) and item[:2] == (12, "validation")]
    assert [item for item in first if item not in asked] == second
    kept = [change for change in steered.interventions if change.step <= 20]
    assert [(change.field, change.step) for change in kept] == [("lr", 10), ("batch_size", 20)]


def test_a_run_that_continues_it_starts_from_the_best_weights_without_patience(
    store: RunStore, undisturbed: Run
) -> None:
    config = lineage.with_more_epochs(undisturbed, 1)
    assert (config.patience, config.epochs) == (0, 9)
    fork = train_run(store, lineage.fork(store, undisturbed, config, trainer=own_identity()))
    assert (fork.parent_step, fork.progress.step, fork.reason) == (BEST, 81, "")
    losses = [store.queries.read_steps(run.id)["loss"].tolist() for run in (undisturbed, fork)]
    assert losses[0] == losses[1][:STOPS_AT]


def test_a_run_that_lost_its_patience_at_its_last_step_is_continued_without_it(store: RunStore) -> None:
    run = train_run(store, claimed_run(store, replace(EARLY, epochs=4)))
    assert (run.progress.step, run.total_steps, run.lost_patience) == (STOPS_AT, STOPS_AT, True)
    assert run.reason == f"Trained to the end. The weights are those of step {BEST}, where validation loss was best."
    config = lineage.with_more_epochs(run, 3)
    assert (config.patience, config.epochs) == (0, 7)
    fork = train_run(store, lineage.fork(store, run, config, trainer=own_identity()))
    assert (fork.parent_step, fork.progress.step) == (BEST, 63)


def test_a_run_that_kept_its_patience_to_the_end_is_continued_with_it(store: RunStore) -> None:
    run = train_run(store, claimed_run(store, replace(EARLY, epochs=4, patience=5)))
    assert not run.lost_patience
    assert lineage.with_more_epochs(run, 3).patience == 5


def test_a_fork_keeps_the_best_weights_if_nothing_gets_better(store: RunStore, undisturbed: Run) -> None:
    config = replace(lineage.config_at(undisturbed, BEST), lr=1.0, patience=2)
    fork = train_run(store, lineage.fork(store, undisturbed, config, trainer=own_identity()))
    assert fork.reason.endswith(f"The weights are those of step {BEST}.")
    first, second = (load_model(store.queries, run).state_dict() for run in (undisturbed, fork))
    assert all((first[name] == second[name]).all() for name in first)
    # The parent's test of that step, which the fork inherits, is not kept beside its own.
    assert [event.step for event in store.queries.list_evaluations(fork.id) if event.split == "test"] == [BEST]


@pytest.mark.parametrize(("change", "keeps"), [({}, True), ({"monitor": "accuracy"}, False), ({"patience": 0}, False)])
def test_a_best_counted_by_other_settings_is_dropped(undisturbed: Run, change: dict[str, Any], keeps: bool) -> None:
    path = checkpoints_dir(undisturbed) / f"best-{BEST:08}.ckpt"
    state = files.load(path, settings=replace(EARLY, **change)).state
    assert (state.best is not None) is keeps


def test_a_fork_from_another_step_begins_its_patience_anew(store: RunStore) -> None:
    stopped = train_run(store, claimed_run(store, EARLY), at_event(30, "step", terminate))
    store.commands.requeue_run(stopped.id)
    store.commands.request_stop(stopped.id)
    stopped = store.queries.get_run(stopped.id)
    config = replace(lineage.config_at(stopped, 30), lr=0.001, patience=1)
    fork = train_run(store, lineage.fork(store, stopped, config, step=30, trainer=own_identity()))
    assert fork.status is RunStatus.COMPLETED
    tests = [event.step for event in store.queries.list_evaluations(fork.id) if event.split == "test"]
    assert min(tests) > 30


def test_an_archive_holds_the_run_with_its_reason(store: RunStore, undisturbed: Run, tmp_path: Path) -> None:
    archive.write_archive(store.queries, [undisturbed], tmp_path / "runs.zip")
    (imported,) = archive.import_archive(store, tmp_path / "runs.zip")
    assert (imported.reason, imported.config, imported.results) == (REASON, EARLY, undisturbed.results)
    steps = [event.step for event in store.queries.list_evaluations(imported.id)]
    assert steps == sorted(steps)


def test_interventions_of_the_last_steps_stay_recorded(store: RunStore) -> None:
    run = claimed_run(store, EARLY)

    def steer(event: Event) -> None:
        if event.step == 30 and not isinstance(event, EvalMetrics):
            store.commands.send_command(run.id, Command.ADJUST, Adjustment(lr=0.05), by="test")

    steered = train_run(store, run, steer)
    (change,) = steered.interventions
    assert isinstance(change, Intervention)
    assert change.step == 30
    assert steered.reason.endswith(f"The weights are those of step {BEST}.")


def test_untested_runs_name_the_accuracy_of_their_weights(store: RunStore) -> None:
    run = train_run(store, claimed_run(store, replace(EARLY, skip_test=True)))
    best = next(event for event in store.queries.list_evaluations(run.id) if event.step == BEST)
    sentence = remedies.examine(store.queries, run)
    assert sentence
    right = f"{100 * best.accuracy:.2f}\u202f% of the validation images right. Not tested, as its settings ask."
    assert sentence.text == f"{right} {REASON}"


def test_norms_by_layer_stay_those_of_their_steps(store: RunStore, undisturbed: Run) -> None:
    plain = train_run(store, claimed_run(store, replace(EARLY, patience=0)))
    norms = store.queries.list_layer_norms(undisturbed.id)
    assert norms == [entry for entry in store.queries.list_layer_norms(plain.id) if entry.step <= STOPS_AT]

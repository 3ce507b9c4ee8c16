"""Runs made from other runs: forked with other settings, continued for more epochs, or repeated."""

import dataclasses
from pathlib import Path

import pytest

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError, ConfigError, RunStateError
from mnist_core.records import Adjustment, Command, EvalMetrics, ProcessIdentity, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=2, momentum=0.9, device="cpu")
STEPS = 18


@pytest.fixture
def parent(store: RunStore) -> Run:
    return train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()))


def losses(store: RunStore, run: Run) -> list[float]:
    return list(store.queries.read_steps(run.id)["loss"].tolist())


def more(store: RunStore, parent: Run, trainer: ProcessIdentity | None = None) -> Run:
    """Continue a run for one more epoch."""
    return lineage.fork(store, parent, lineage.with_more_epochs(parent, 1), trainer=trainer)


def evaluations(store: RunStore, run: Run) -> list[tuple[int, str, float]]:
    return [
        (evaluation.step, evaluation.split, evaluation.loss) for evaluation in store.queries.list_evaluations(run.id)
    ]


def test_the_last_two_checkpoints_and_the_best_can_be_continued_from(store: RunStore) -> None:
    config = dataclasses.replace(CONFIG, epochs=3)
    run = train_run(store, store.commands.create_run(config, trainer=own_identity()))
    validations = [
        evaluation for evaluation in store.queries.list_evaluations(run.id) if evaluation.split == "validation"
    ]
    best = max(validations, key=lambda evaluation: evaluation.accuracy)
    assert list(lineage.fork_points(store.queries, run)) == sorted({best.step, 23, 27})


def test_continuing_for_more_epochs_equals_a_longer_run(store: RunStore, parent: Run) -> None:
    longer = train_run(store, store.commands.create_run(dataclasses.replace(CONFIG, epochs=3), trainer=own_identity()))
    continued = train_run(store, more(store, parent, trainer=own_identity()))
    assert (continued.status, continued.parent_id, continued.parent_step) == (RunStatus.COMPLETED, parent.id, STEPS)
    assert losses(store, continued) == losses(store, longer)
    tested_on_the_way = [(STEPS, "test")]
    assert [
        evaluation for evaluation in evaluations(store, continued) if evaluation[:2] not in tested_on_the_way
    ] == evaluations(store, longer)
    assert store.queries.get_run(parent.id) == parent


def test_a_fork_begins_with_its_parents_curve_and_then_differs(store: RunStore, parent: Run) -> None:
    step = min(lineage.fork_points(store.queries, parent))
    config = dataclasses.replace(CONFIG, lr=0.1, weight_decay=0.01, epochs=3)
    waiting = lineage.fork(store, parent, config, step=step, name="bold")
    assert (waiting.status, waiting.progress.step) == (RunStatus.QUEUED, step)
    assert losses(store, waiting) == losses(store, parent)[:step]
    claimed = store.trainer_writes.claim_run(waiting.id, own_identity(), 1)
    assert claimed
    forked = train_run(store, claimed)
    curve = losses(store, forked)
    assert curve[: step + 1] == losses(store, parent)[: step + 1]  # a loss is of the batch before its update
    assert len(curve) == 27
    assert curve[step + 1 : STEPS] != losses(store, parent)[step + 1 :]
    assert set(store.queries.read_steps(forked.id)["lr"][step:]) == {0.1}


def test_a_fork_keeps_adjusted_settings_unless_they_are_changed(store: RunStore) -> None:
    run = store.commands.create_run(CONFIG, trainer=own_identity())
    store.commands.send_command(run.id, Command.ADJUST, Adjustment(lr=0.05, momentum=0.5), by="page")
    parent = train_run(store, run)
    assert (lineage.config_at(parent).lr, lineage.config_at(parent, 0).lr) == (0.05, CONFIG.lr)
    config = dataclasses.replace(lineage.with_more_epochs(parent, 1), momentum=CONFIG.momentum)
    forked = train_run(store, lineage.fork(store, parent, config, trainer=own_identity()))
    steps = store.queries.read_steps(forked.id)[STEPS:]
    assert set(steps["lr"]) == {0.05}
    assert set(steps["momentum"]) == {CONFIG.momentum}
    assert [(change.step, change.field, change.new) for change in forked.interventions] == [
        (1, "lr", 0.05),
        (1, "momentum", 0.5),
        (STEPS, "momentum", CONFIG.momentum),
    ]


def test_a_repeated_run_is_the_same_run(store: RunStore, parent: Run) -> None:
    again = train_run(store, lineage.repeat(store, parent, trainer=own_identity()))
    assert losses(store, again) == losses(store, parent)
    assert (again.parent_id, again.parent_step) == (parent.id, None)


# What is refused


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("model", "mlp", "Network"),
        ("optimizer", "adam", "Optimizer"),
        ("seed", 2, "Seed"),
        ("dataset", "auto", "Data"),
        ("train_fraction", 0.5, "Training fraction"),
    ],
)
def test_settings_that_the_weights_depend_on_cannot_be_changed(
    store: RunStore, parent: Run, field: str, value: object, label: str
) -> None:
    with pytest.raises(ConfigError, match=rf"{label}.* cannot be changed in a run that continues another: run-1 has"):
        lineage.fork(store, parent, TrainConfig(**{**vars(CONFIG), field: value}))
    assert len(store.queries.list_runs()) == 1


def test_a_missing_checkpoint_is_refused_with_the_existing_ones(store: RunStore, parent: Run) -> None:
    with pytest.raises(RunStateError, match=r"run-1 has no checkpoint of step 3\. Choose one of .*18"):
        lineage.fork(store, parent, CONFIG, step=3)


def test_a_run_without_checkpoints_cannot_be_continued(store: RunStore) -> None:
    run = store.commands.create_run(CONFIG, trainer=own_identity())
    store.trainer_writes.finish_run(run, RunStatus.FAILED, "no")
    with pytest.raises(RunStateError, match="run-1 has no checkpoint to continue from"):
        more(store, store.queries.get_run(run.id))


def test_a_run_is_not_continued_beyond_the_maximum_of_epochs(parent: Run) -> None:
    with pytest.raises(ConfigError, match="Epochs must be between 1 and 50, got 51"):
        lineage.with_more_epochs(parent, 49)


def test_a_continued_run_is_not_repeated(store: RunStore, parent: Run) -> None:
    continued = more(store, parent)
    with pytest.raises(RunStateError, match="only a run that starts at step 0"):
        lineage.repeat(store, continued)


def test_a_fork_whose_checkpoint_cannot_be_copied_leaves_nothing(
    store: RunStore, parent: Run, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnist_core.runs.lineage.write_atomically", full)
    with pytest.raises(
        CheckpointError, match=r"could not be copied \(No space left on device\)\. Free some disk space"
    ):
        lineage.fork(store, parent, dataclasses.replace(CONFIG, epochs=3))
    assert len(store.queries.list_runs()) == 1
    assert [path.name for path in (places / "runs" / "checkpoints").iterdir()] == [checkpoints_dir(parent).name]


def test_a_test_set_is_evaluated_at_the_end_of_a_continued_run(store: RunStore, parent: Run) -> None:
    continued = train_run(store, more(store, parent, trainer=own_identity()))
    tests = [
        evaluation
        for evaluation in store.queries.list_evaluations(continued.id)
        if isinstance(evaluation, EvalMetrics) and evaluation.split == "test"
    ]
    assert [evaluation.step for evaluation in tests] == [STEPS, 27]
    assert checkpoints_dir(continued).is_dir()


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_without_epochs_left_is_refused_with_the_remedy(store: RunStore, parent: Run, epochs: int) -> None:
    with pytest.raises(ConfigError, match=r"at step 18: nothing is left to train\. Give it more epochs"):
        lineage.fork(store, parent, dataclasses.replace(CONFIG, epochs=epochs))
    assert store.queries.list_runs() == [parent]

"""How a trainer obeys commands, which tests send between two batches or, in `sleep`, during a pause."""

from collections.abc import Callable

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, RunStateError, StaleAttemptError
from mnist_core.records import Adjustment, Command, EvalMetrics, Intervention, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import steering as module
from mnist_core.trainer.steering import Steering
from mnist_core.training.train_state import TrainState

CONFIG = TrainConfig(device="cpu")
Step = Callable[..., StepMetrics]
Evaluation = Callable[..., EvalMetrics]


class SteeredRun:
    """A run in progress and its `Steering`. During a pause, each wait calls the next of `while_paused`."""

    def __init__(self, store: RunStore, run: Run) -> None:
        self.store, self.run = store, run
        self.state = TrainState.initial(run.config)
        self.commits = 0
        self.waits = 0
        self.while_paused: list[Callable[[], object]] = []
        self.is_ending = False
        self.steering = Steering(store, run, self.state, should_end=lambda: self.is_ending, sleep=self._sleep)

    def _sleep(self, _seconds: float) -> None:
        self.waits += 1
        assert self.while_paused, "it waits for ever"
        self.while_paused.pop(0)()

    def _commit(self) -> None:
        self.commits += 1

    def send(self, command: Command, adjustment: Adjustment | None = None) -> None:
        self.store.commands.send_command(self.run.id, command, adjustment, by="page")

    def after(self, event: StepMetrics | EvalMetrics) -> Adjustment | None:
        if isinstance(event, StepMetrics):
            self.state.step = event.step
        self.steering.observe(event, self._commit)
        self.steering.wait(self._commit)
        return self.steering.next_adjustment()

    @property
    def status(self) -> RunStatus:
        return self.store.queries.get_run(self.run.id).status


@pytest.fixture
def steered(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> SteeredRun:
    monkeypatch.setattr(module, "COMMAND_POLL_SECONDS", 0.0)
    run = store.commands.create_run(CONFIG, trainer=own_identity())
    sizes = {"train_images": 270, "validation_images": 30, "test_images": 100}
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", **sizes, device="cpu", threads=1)
    return SteeredRun(store, run)


def test_without_commands_training_continues(steered: SteeredRun, a_step: Step) -> None:
    assert steered.after(a_step(1)) is None
    assert (steered.waits, steered.status) == (0, RunStatus.RUNNING)


def test_a_pause_lasts_until_resume_and_commits_first(steered: SteeredRun, a_step: Step) -> None:
    seen: list[RunStatus] = []
    steered.send(Command.PAUSE)
    steered.while_paused = [lambda: seen.append(steered.status), lambda: steered.send(Command.RESUME)]
    assert steered.after(a_step(1)) is None
    assert (seen, steered.status, steered.commits) == ([RunStatus.PAUSED], RunStatus.RUNNING, 1)


def test_step_trains_one_batch_and_pauses_again(steered: SteeredRun, a_step: Step, an_evaluation: Evaluation) -> None:
    steered.send(Command.STEP)
    assert steered.after(a_step(1)) is None
    assert steered.status is RunStatus.PAUSED
    assert steered.after(an_evaluation(1)) is None, "an evaluation that was due is no batch"
    steered.while_paused = [lambda: steered.send(Command.STEP)]
    assert steered.after(a_step(2)) is None
    assert steered.waits == 1
    steered.while_paused = [lambda: steered.send(Command.RESUME)]
    assert steered.after(a_step(3)) is None
    assert (steered.waits, steered.status) == (2, RunStatus.RUNNING)


def test_evaluate_now_works_while_training_and_paused(
    steered: SteeredRun, a_step: Step, an_evaluation: Evaluation
) -> None:
    steered.send(Command.EVALUATE)
    assert steered.after(a_step(1)) == Adjustment(evaluate=True)
    steered.send(Command.PAUSE)
    steered.while_paused = [lambda: steered.send(Command.EVALUATE)]
    assert steered.after(a_step(2)) == Adjustment(evaluate=True)
    steered.while_paused = [lambda: steered.send(Command.RESUME)]
    assert steered.after(an_evaluation(2)) is None
    assert steered.waits == 2


def test_a_changed_setting_is_applied_and_recorded(steered: SteeredRun, a_step: Step) -> None:
    steered.send(Command.ADJUST, Adjustment(lr=0.05, momentum=CONFIG.momentum))
    assert steered.after(a_step(7)) == Adjustment(lr=0.05, momentum=CONFIG.momentum)
    (change,) = steered.store.queries.get_run(steered.run.id).interventions
    assert (change.step, change.field, change.old, change.new, change.by) == (7, "lr", 0.01, 0.05, "page")
    assert steered.after(a_step(8)) is None


def test_the_last_of_several_changes_applies(steered: SteeredRun, a_step: Step) -> None:
    steered.send(Command.ADJUST, Adjustment(lr=0.05))
    steered.send(Command.ADJUST, Adjustment(lr=0.02, batch_size=16))
    assert steered.after(a_step(1)) == Adjustment(lr=0.02, batch_size=16)
    assert [(change.field, change.old, change.new) for change in steered.steering.interventions] == [
        ("lr", 0.01, 0.02),
        ("batch_size", 64, 16),
    ]


def test_changes_during_a_pause_are_recorded_at_once_and_apply_when_it_ends(steered: SteeredRun, a_step: Step) -> None:
    seen: list[list[tuple[float, float]]] = []

    def note() -> None:
        changes = steered.store.queries.get_run(steered.run.id).interventions
        seen.append([(change.old, change.new) for change in changes])

    def adjust(lr: float) -> None:
        note()
        steered.send(Command.ADJUST, Adjustment(lr=lr))

    steered.send(Command.PAUSE)
    steered.while_paused = [
        lambda: adjust(0.5),
        lambda: adjust(0.01),  # undone
        lambda: adjust(0.2),
        note,
        lambda: steered.send(Command.RESUME),
    ]
    assert steered.after(a_step(1)) == Adjustment(lr=0.2)
    assert seen == [[], [(0.01, 0.5)], [], [(0.01, 0.2)]]


def test_a_command_sent_during_preparation_is_obeyed_when_training_begins(store: RunStore, a_step: Step) -> None:
    run = store.commands.create_run(CONFIG, trainer=own_identity())
    store.commands.send_command(run.id, Command.ADJUST, Adjustment(lr=0.05), by="terminal")
    assert SteeredRun(store, run).after(a_step(1)) == Adjustment(lr=0.05)


def test_stop_ends_a_pause(steered: SteeredRun, a_step: Step) -> None:
    steered.send(Command.PAUSE)
    steered.while_paused = [lambda: steered.store.commands.request_stop(steered.run.id)]
    assert steered.after(a_step(1)) is None
    assert steered.steering.was_stopped


def test_a_signal_ends_a_pause(steered: SteeredRun, a_step: Step) -> None:
    steered.send(Command.PAUSE)
    steered.while_paused = [lambda: setattr(steered, "is_ending", True)]
    assert steered.after(a_step(1)) is None
    assert not steered.steering.was_stopped


def test_a_plan_is_applied_at_its_steps(store: RunStore, steered: SteeredRun, a_step: Step) -> None:
    for step, value in ((2, 0.05), (4, 0.2)):
        steered.send(Command.ADJUST, Adjustment(lr=value))
        steered.after(a_step(step))
        steered.state.lr = value
    plan = store.queries.get_run(steered.run.id).interventions
    repeated = SteeredRun(
        store, store.commands.create_run(CONFIG, trainer=own_identity(), parent=steered.run, plan=plan)
    )
    sent = [repeated.after(a_step(step)) for step in range(1, 6)]
    assert sent == [None, Adjustment(lr=0.05), None, Adjustment(lr=0.2), None]


def test_commands_to_an_earlier_attempt_are_ignored(steered: SteeredRun, a_step: Step) -> None:
    steered.send(Command.PAUSE)
    steered.store.commands.interrupt_run(steered.run, "killed")
    steered.store.commands.requeue_run(steered.run.id)
    run = steered.store.trainer_writes.claim_run(steered.run.id, own_identity(), 1)
    assert run
    assert SteeredRun(steered.store, run).after(a_step(1)) is None


# What is refused


@pytest.mark.parametrize("command", list(Command))
def test_commands_to_a_run_that_has_ended_are_refused(steered: SteeredRun, command: Command) -> None:
    steered.store.trainer_writes.finish_run(steered.run, RunStatus.COMPLETED)
    with pytest.raises(RunStateError, match=f"run-1 is finished: there is nothing to {command}"):
        steered.send(command)


@pytest.mark.parametrize(
    ("adjustment", "problem"),
    [
        (Adjustment(lr=2.0), "Learning rate must be between"),
        (Adjustment(batch_size=271), "Batch size must be between 1 and 270"),
        (Adjustment(momentum=float("nan")), "Momentum must be a number"),
    ],
)
def test_an_adjustment_out_of_range_is_refused_at_once(
    steered: SteeredRun, adjustment: Adjustment, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        steered.send(Command.ADJUST, adjustment)
    assert steered.store.queries.list_commands(steered.run.id, after=0) == []


def test_a_momentum_that_the_optimizer_cannot_use_is_refused(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(optimizer="nesterov", device="cpu"), trainer=own_identity())
    with pytest.raises(ConfigError, match="Momentum must be above 0 with the optimizer nesterov"):
        store.commands.send_command(run.id, Command.ADJUST, Adjustment(momentum=0.0), by="page")


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.STOPPED, RunStatus.FAILED, RunStatus.DIVERGED])
def test_only_an_interrupted_run_can_be_resumed(steered: SteeredRun, status: RunStatus) -> None:
    steered.store.trainer_writes.finish_run(steered.run, status)
    with pytest.raises(RunStateError, match=f"run-1 is {status.word}: only an interrupted run can be resumed"):
        steered.store.commands.requeue_run(steered.run.id)


def test_interventions_are_kept_with_the_run(steered: SteeredRun, a_step: Step) -> None:
    steered.send(Command.ADJUST, Adjustment(batch_size=16))
    steered.after(a_step(3))
    (change,) = steered.store.queries.get_run(steered.run.id).interventions
    assert change == Intervention(3, "batch_size", 64, 16, change.at, "page")


def test_a_paused_trainer_sends_heartbeats_and_learns_that_it_lost_its_run(
    store: RunStore, a_step: Callable[..., StepMetrics]
) -> None:
    run = store.commands.create_run(TrainConfig(device="cpu"), trainer=own_identity())
    clock = [0.0]
    beats: list[int] = []

    def sleep(_seconds: float) -> None:
        clock[0] += 1.0
        beats.append(store.queries.list_heartbeats().get(run.id, 0))
        if len(beats) == 12:
            store.commands.interrupt_run(run, "stopped for long")

    state = TrainState.initial(run.config)
    steered = Steering(store, run, state, should_end=lambda: False, clock=lambda: clock[0], sleep=sleep)
    store.commands.send_command(run.id, Command.PAUSE, by="page")
    steered.observe(a_step(1), lambda: None)
    with pytest.raises(StaleAttemptError):
        steered.wait(lambda: None)
    assert len(set(beats[:12])) == 3, "two beats in 12 seconds of pause"
    assert len(beats) == 15

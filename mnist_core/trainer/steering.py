"""Carries out commands between two batches of a run: pause, resume, step, evaluate, and changes of settings.

The worker asks `Steering` what to send into `train()`, and waits while the run is paused. Each change of a setting is
recorded as an intervention. A run that repeats another makes the same interventions at the same steps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from mnist_core.records import Adjustment, Command, Event, Intervention, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.trainer.retries import retry_while_locked
from mnist_core.training.train_state import TrainState

Result = TypeVar("Result")

COMMAND_POLL_SECONDS = 0.1
"""Time between two reads of the commands during training. A read takes 0.2 ms."""

PAUSED_POLL_SECONDS = 0.03
"""Time between two reads of the commands during a pause."""

HEARTBEAT_SECONDS = 5.0
"""Time between two heartbeats during a pause. A heartbeat fails if another trainer has claimed the run meanwhile."""


class Steering:
    """Reads and carries out the commands to one run. `should_end` says whether a signal asked the trainer to end."""

    def __init__(
        self,
        store: RunStore,
        run: Run,
        state: TrainState,
        *,
        should_end: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._run = run
        self._state = state
        self._should_end = should_end
        self._clock = clock
        self._sleep = sleep
        self._last_command_id = 0
        self._next_read_at = -1.0
        self._alive_at = clock()
        self.interventions = list(run.interventions)
        done = {(change.step, change.field) for change in run.interventions}
        self._plan = deque(
            change for change in run.plan if change.step >= state.step and (change.step, change.field) not in done
        )
        self._pending_settings: dict[str, float] = {}
        self._pending_evaluation = False
        self._step_once = False
        self.is_paused = False
        self.was_stopped = False
        """Whether a person stopped the run during a pause."""

    def observe(self, event: Event, on_pause: Callable[[], object]) -> None:
        """Read what people ask of the run after an event, if it is time to.

        `on_pause` is called when a pause begins, to commit all metrics before it.
        """
        if self._step_once and isinstance(event, StepMetrics):
            self._step_once = False
            on_pause()
        self._alive_at = self._clock()
        if self._alive_at >= self._next_read_at:
            self._read_commands(on_pause)
        if self.is_paused:
            self._check_stop()

    @property
    def is_waiting(self) -> bool:
        """Whether the run is paused, and nobody has asked for a batch, an evaluation or its end."""
        has_request = self._step_once or self._pending_evaluation or self.was_stopped
        return self.is_paused and not has_request and not self._should_end()

    def poll(self, on_pause: Callable[[], object]) -> None:
        """Read what people ask of the run while it does not train, and show that its trainer is alive."""
        if self._clock() >= self._alive_at + HEARTBEAT_SECONDS:
            self._patiently(lambda: self._store.trainer_writes.heartbeat(self._run))
            self._alive_at = self._clock()
        self._read_commands(on_pause)
        self._check_stop()

    def wait(self, on_pause: Callable[[], object]) -> None:
        """Wait until the run is to train on, be evaluated, or end."""
        while self.is_waiting:
            self._sleep(PAUSED_POLL_SECONDS)
            self.poll(on_pause)

    def next_adjustment(self) -> Adjustment | None:
        """Return what to send into `train()` for its next event, or None."""
        while self._plan and self._plan[0].step <= self._state.step:
            change = self._plan.popleft()
            self._change_settings({change.field: change.new}, change.by)
        return self._pop_adjustment()

    def _patiently(self, action: Callable[[], Result]) -> Result:
        return retry_while_locked(action, self._should_end, self._sleep)

    def _check_stop(self) -> None:
        run = self._patiently(lambda: self._store.queries.get_run(self._run.id))
        self.was_stopped = run.status is RunStatus.STOPPING

    def _read_commands(self, on_pause: Callable[[], object]) -> None:
        for pending in self._patiently(lambda: self._store.queries.list_commands(self._run.id, self._last_command_id)):
            self._last_command_id = pending.id
            match pending.command:
                case Command.PAUSE:
                    self._pause(on_pause)
                case Command.RESUME:
                    self.is_paused = self._step_once = False
                    self._patiently(lambda: self._store.trainer_writes.set_paused(self._run, paused=False))
                case Command.STEP:
                    self._pause(on_pause)
                    self._step_once = True
                case Command.EVALUATE:
                    self._pending_evaluation = True
                case Command.ADJUST:
                    self._change_settings(pending.adjustment.settings(), pending.by)
        self._next_read_at = self._clock() + COMMAND_POLL_SECONDS

    def _pause(self, on_pause: Callable[[], object]) -> None:
        if not self.is_paused:
            on_pause()
            self.is_paused = True
            self._patiently(lambda: self._store.trainer_writes.set_paused(self._run, paused=True))

    def _change_settings(self, settings: Mapping[str, float], by: str) -> None:
        """Record changes at once, also during a pause.

        A change replaces an earlier one of the same setting at the same step: no batch was trained in between.
        """
        step, recorded = self._state.step, self.interventions
        for field, value in settings.items():
            replaced = [change for change in self.interventions if (change.step, change.field) == (step, field)]
            old = replaced[0].old if replaced else getattr(self._state, field)
            self.interventions = [change for change in self.interventions if change not in replaced]
            if value != old:
                self.interventions.append(Intervention(step, field, old, value, datetime.now(UTC), by))
        if self.interventions != recorded:
            self._patiently(lambda: self._store.trainer_writes.set_interventions(self._run, self.interventions))
        self._pending_settings |= settings

    def _pop_adjustment(self) -> Adjustment | None:
        """Return the pending settings and evaluation as one adjustment, or None."""
        if not self._pending_settings and not self._pending_evaluation:
            return None
        adjustment = Adjustment(**self._pending_settings, evaluate=self._pending_evaluation)  # type: ignore[arg-type]
        self._pending_settings, self._pending_evaluation = {}, False
        return adjustment

"""What people ask of a run while it trains: pausing, stepping, evaluating, and settings moved by hand.

Between two batches the worker asks `Steering` what to send into `train()`; that is where a pause waits, too. Every
changed setting is recorded as an intervention, and those of a run that is repeated are made again at their steps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from mnist_core.records import Adjustment, Command, Event, Intervention, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.training.engine import TrainState

COMMAND_POLL_SECONDS = 0.1
"""How often a trainer looks for orders while it trains; a look costs 0.2 ms."""

PAUSED_POLL_SECONDS = 0.03
"""How often it looks while it is paused."""

HEARTBEAT_SECONDS = 5.0
"""How often it says that it is there while it is paused; so, too, it learns that another trainer has the run by now."""


class Steering:
    """The hand on the wheel of one run. `should_end` says whether the trainer was asked from outside to end."""

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
        self._is_ending = should_end
        self._clock = clock
        self._sleep = sleep
        self._seen = 0
        self._due = -1.0
        self.interventions = list(run.interventions)
        made = {(one.step, one.field) for one in run.interventions}
        self._plan = deque(one for one in run.plan if one.step >= state.step and (one.step, one.field) not in made)
        self._changes: dict[str, float] = {}
        self._evaluate = False
        self._step_once = False
        self.is_paused = False
        self.was_stopped = False
        """Whether a person ended the run while it was paused."""

    def next_adjustment(self, event: Event, on_pause: Callable[[], object]) -> Adjustment | None:
        """What to send into `train()` after `event`; while paused it waits for something to train, or for the end.

        `on_pause` is called when a pause begins, so that all that was trained can be seen meanwhile.
        """
        if self._step_once and isinstance(event, StepMetrics):
            self._step_once = False
            on_pause()
        if self._clock() >= self._due:
            self._read_commands(on_pause)
        beat_at = self._clock()
        while self.is_paused and not (self._step_once or self._evaluate or self._should_stop()):
            if self._clock() >= beat_at + HEARTBEAT_SECONDS:
                self._store.trainer_writes.heartbeat(self._run)
                beat_at = self._clock()
            self._sleep(PAUSED_POLL_SECONDS)
            self._read_commands(on_pause)
        while self._plan and self._plan[0].step <= self._state.step:
            planned = self._plan.popleft()
            self._apply_change({planned.field: planned.new}, planned.by)
        return self._pop_adjustment()

    def _should_stop(self) -> bool:
        self.was_stopped = self._store.queries.get_run(self._run.id).status is RunStatus.STOPPING
        return self.was_stopped or self._is_ending()

    def _read_commands(self, on_pause: Callable[[], object]) -> None:
        for order in self._store.queries.list_commands(self._run.id, self._seen):
            self._seen = order.id
            match order.command:
                case Command.PAUSE:
                    self._pause(on_pause)
                case Command.RESUME:
                    self.is_paused = self._step_once = False
                    self._store.trainer_writes.set_paused(self._run, paused=False)
                case Command.STEP:
                    self._pause(on_pause)
                    self._step_once = True
                case Command.EVALUATE:
                    self._evaluate = True
                case Command.ADJUST:
                    self._apply_change(order.adjustment.settings(), order.by)
        self._due = self._clock() + COMMAND_POLL_SECONDS

    def _pause(self, on_pause: Callable[[], object]) -> None:
        if not self.is_paused:
            on_pause()
            self.is_paused = True
            self._store.trainer_writes.set_paused(self._run, paused=True)

    def _apply_change(self, settings: Mapping[str, float], by: str) -> None:
        """Record changes at once, also while paused. One of the same step, which no batch has seen, is replaced."""
        step, before = self._state.step, self.interventions
        for field, value in settings.items():
            same = [one for one in self.interventions if (one.step, one.field) == (step, field)]
            old = same[0].old if same else getattr(self._state, field)
            made = [Intervention(step, field, old, value, datetime.now(UTC), by)] if value != old else []
            self.interventions = [*(one for one in self.interventions if one not in same), *made]
        if self.interventions != before:
            self._store.trainer_writes.set_interventions(self._run, self.interventions)
        self._changes |= settings

    def _pop_adjustment(self) -> Adjustment | None:
        """What has gathered, as one adjustment."""
        if not self._changes and not self._evaluate:
            return None
        adjustment = Adjustment(**self._changes, evaluate=self._evaluate)  # type: ignore[arg-type]
        self._changes, self._evaluate = {}, False
        return adjustment

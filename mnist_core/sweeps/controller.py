"""The controller of a sweep: starts trials, watches them in the store, and ends those that are not worth going on with.

One controller at a time holds a sweep. All that it knows is in the store, so another one can go on where it was killed:
the runs train on meanwhile, and are adopted.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator, Iterator, Sequence

from mnist_core.errors import StaleAttemptError, StoreLockedError, StoreUnavailableError
from mnist_core.records import Run, Sweep, SweepStatus, Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.control import after_sweep, is_under_way
from mnist_core.sweeps.progress import confirming_seconds
from mnist_core.sweeps.searcher import Searcher, past_trials
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.finals import Final, missing_finals
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED, TrialProcesses
from mnist_core.sweeps.trials.running_trial import RunningTrial, TrialEnd
from mnist_core.sweeps.trials.watched_runs import PauseSwitch, interrupt_runs, read_runs

POLL_SECONDS = 0.05
"""Time between two looks at the processes of the trials."""

READ_SECONDS = 0.5
"""Time between two looks at the runs in the store while no process ends."""

REPORT_SECONDS = 1.0
"""Time between two reports of progress, with which the controller hears what people ask for."""

MAX_FAILURES = 3
"""Trials that may fail one after the other before any has a result; then the sweep fails, too."""


class Controller:
    """Carries out a sweep that this process has claimed. `events` does it; nothing runs before it is asked for."""

    def __init__(self, store: RunStore, sweep: Sweep, processes: TrialProcesses | None = None) -> None:
        self._store = store
        self._sweep = sweep
        self._spec = SweepSpec.of(sweep)
        self._processes = processes or TrialProcesses(str(self._spec.fixed.get("dataset", "auto")))
        self._searcher = Searcher(self._spec, sweep.uid, past_trials(store, sweep, self._spec))
        self._running = {
            trial.number: RunningTrial(self._spec, trial)
            for trial in store.sweeps.list_trials(sweep.id)
            if trial.status is TrialStatus.RUNNING
        }
        self._ended = [trial for trial in store.sweeps.list_trials(sweep.id) if trial.number not in self._running]
        self._confirming_seconds = confirming_seconds(self._spec, self._ended)
        """Estimated time of the runs that confirm the winner; the search ends so much earlier."""
        self._elapsed_seconds = sweep.elapsed_seconds
        self._ticked_at = time.monotonic()
        self._reported_at = self._read_at = -math.inf
        adopted = store.sweeps.list_runs(sweep.id, [*self._running])
        self._is_paused = any(run.status.is_active for run in adopted)
        """Whether its runs are paused. Those that it adopts are, or may be about to: the last controller told them."""
        self._pause_switch = PauseSwitch(store, sweep.name)
        self._waits_for = ""

    def events(self) -> Generator[Trial | Sweep, None, None]:
        """Yield each trial when it starts and when it ends, and the sweep when that ends.

        A consumer that closes the generator interrupts the sweep, which can be resumed. Raises `StaleAttemptError` when
        another controller has claimed the sweep, and `StoreUnavailableError` if the disk is full.
        """
        try:
            if self._sweep.status is SweepStatus.RUNNING:
                self._processes.start()  # while the first values are chosen
            while not self._sweep.status.is_finished:
                with contextlib.suppress(StoreLockedError):  # nothing was written; the next look tries again
                    yield from self._tick()
                if not self._sweep.status.is_finished:
                    time.sleep(POLL_SECONDS)
            yield self._sweep
        except StaleAttemptError:
            raise  # the runs are the other controller's now
        except BaseException:
            if not self._sweep.status.is_finished:
                with contextlib.suppress(StoreUnavailableError, StaleAttemptError):
                    self._interrupt()
            raise
        finally:
            self._processes.close()

    # ------------------------------------------------------------------ one look

    def _tick(self) -> Iterator[Trial]:
        self._measure_time()
        self._report_progress()
        self._pause_or_resume()
        ended_processes = self._processes.take_ended()  # before the runs are read: those have recorded their end
        if not ended_processes and self._ticked_at - self._read_at < READ_SECONDS:
            return
        self._read_at = self._ticked_at
        runs = self._read_runs()
        validations = self._store.sweeps.list_validations([run.id for run in runs])
        for number, trial in list(self._running.items()):
            trial.runs = {run.config.seed: run for run in runs if run.trial == number}
            trial.validations = {run.config.seed: validations[run.id] for run in trial.runs.values()}
            if self._count_lost(trial, {seed for ended, seed in ended_processes if ended == number}):
                trial.trial = self._store.sweeps.count_kill(self._sweep, trial.trial)
            if trial.trial.role is TrialRole.SEARCH:
                self._searcher.report(number, trial.reports())
            if end := self._end_of(trial):
                yield self._end_trial(trial, end)
        self._stop_needless_runs(runs)
        if self._is_paused:
            self._pause_switch.pause_others(runs)
        if self._sweep.status is SweepStatus.STOPPING:
            self._end_when_idle(SweepStatus.STOPPED)
        elif not self._is_paused:
            yield from self._launch()
        self._end_if_done()

    def _measure_time(self) -> None:
        now = time.monotonic()
        is_waiting = bool(self._waits_for) and not self._running
        is_running = self._sweep.status is SweepStatus.RUNNING and not self._is_paused
        if is_running and not is_waiting:
            self._elapsed_seconds += now - self._ticked_at
        self._ticked_at = now

    def _report_progress(self) -> None:
        if self._ticked_at - self._reported_at < REPORT_SECONDS:
            return
        self._sweep = self._store.sweeps.report_progress(self._sweep, self._elapsed_seconds, self._waits_for)
        self._spec = SweepSpec.of(self._sweep)  # a person may have extended it
        self._reported_at = self._ticked_at

    def _pause_or_resume(self) -> None:
        """Pause the runs when the sweep was paused, and resume them when it goes on."""
        should_pause = self._sweep.status is SweepStatus.PAUSED
        if should_pause is self._is_paused:
            return
        self._pause_switch.set(self._read_runs(), should_pause)
        self._is_paused = should_pause  # not before: while the database is locked, the next look tries again

    def _read_runs(self) -> list[Run]:
        return read_runs(self._store, self._sweep.id, [*self._running])

    def _count_lost(self, trial: RunningTrial, ended_seeds: set[int]) -> bool:
        """Whether a process of the trial was lost since the last look, and its run has to be resumed."""
        launched = {seed for number, seed in self._processes.launched if number == trial.trial.number}
        return trial.note_lost_processes(launched, ended_seeds)

    # ------------------------------------------------------------------ the end of a trial

    def _end_of(self, trial: RunningTrial) -> TrialEnd | None:
        """Return how a trial ends now; None if it goes on."""
        if end := trial.find_end():
            return end
        if self._sweep.status is SweepStatus.STOPPING:
            return TrialEnd(TrialStatus.STOPPED)
        if trial.trial.role is not TrialRole.SEARCH:
            return None
        if self._is_time_up:
            return TrialEnd(TrialStatus.STOPPED, reason="The time of the sweep was up.")
        if self._searcher.should_prune(trial.trial.number):
            return TrialEnd(TrialStatus.PRUNED, reason=self._searcher.why_pruned(trial.trial.number, trial.steps))
        return None

    def _end_trial(self, trial: RunningTrial, end: TrialEnd) -> Trial:
        number = trial.trial.number
        state = None
        if trial.trial.role is TrialRole.SEARCH:
            state = self._searcher.end(number, end.status, end.value)
        ended = self._store.sweeps.end_trial(
            self._sweep, trial.trial, end.status, value=end.value, sampler_state=state, reason=end.reason
        )
        for run in trial.runs.values():
            self._store.commands.request_stop(run.id, end.reason)
        del self._running[number]
        self._ended.append(ended)
        self._confirming_seconds = confirming_seconds(self._spec, self._ended)
        return ended

    def _stop_needless_runs(self, runs: Sequence[Run]) -> None:
        """Stop runs that have reached the target while other seeds of their trial train on."""
        for trial in self._running.values():
            for run in trial.runs.values():
                if run in runs and run.status.is_active and trial.has_reached_target(run.config.seed):
                    self._store.commands.request_stop(run.id)

    # ------------------------------------------------------------------ new trials

    def _launch(self) -> Iterator[Trial]:
        """Launch the runs that wait for a process, and new trials, while workers are free."""
        busy = set(self._processes.launched)
        for trial in self._running.values():
            busy |= {(trial.trial.number, seed) for seed, run in trial.runs.items() if run.status.is_active}
        free = self._spec.workers - len(busy)
        if free > 0 and (obstacle := self._find_obstacle()) != self._waits_for:
            self._waits_for, self._reported_at = obstacle, -math.inf  # the next look reports it
        while free > 0:
            waiting = [(trial, seed) for trial in self._running.values() for seed in trial.waiting_seeds(busy)]
            if not waiting and self._waits_for:
                return
            if not waiting:
                started = self._start_trial() or self._start_final_trial()
                if started is None:
                    return
                yield started
                continue
            for trial, seed in waiting[:free]:
                job = trial.job(self._sweep, seed)
                self._processes.launch(job)
                busy.add(job.key)
                free -= 1

    def _find_obstacle(self) -> str:
        """Return in one sentence why no new trial may start; empty if one may.

        Runs of people go first. Trials under way are not disturbed: they end soon. Runs that wait for a trainer count
        in a server alone, which starts them; without one they may wait for ever.
        """
        if run := self._store.sweeps.find_blocking_run(queued=self._sweep.in_server):
            return f"Waits until {run} has ended: runs go before trials."
        unfinished = self._store.sweeps.list_unfinished() if self._sweep.in_server else []
        older = [sweep for sweep in unfinished if sweep.in_server and sweep.id < self._sweep.id]
        return next((after_sweep(sweep) for sweep in older if is_under_way(sweep)), "")

    def _start_trial(self) -> Trial | None:
        """Add the next trial; None if the search is over."""
        if self._is_search_over or (proposal := self._searcher.ask()) is None:
            return None
        trial = self._store.sweeps.add_trial(self._sweep, TrialRole.SEARCH, proposal.values, proposal.sampler_state)
        self._searcher.begin(trial.number)
        self._running[trial.number] = RunningTrial(self._spec, trial)
        return trial

    def _start_final_trial(self) -> Trial | None:
        """Add the next trial that confirms the winner; None if there is none."""
        wanted = self._missing_finals()
        if not wanted:
            return None
        trial = self._store.sweeps.add_trial(self._sweep, *wanted[0], {})
        self._running[trial.number] = RunningTrial(self._spec, trial)
        return trial

    def _missing_finals(self) -> list[Final]:
        """Return role and values of the trials with fresh seeds that are to start; none before the search has ended."""
        is_searching = any(running.trial.role is TrialRole.SEARCH for running in self._running.values())
        if is_searching or not self._is_search_over:
            return []
        return missing_finals(self._spec, self._trials)

    @property
    def _trials(self) -> list[Trial]:
        return [*self._ended, *(running.trial for running in self._running.values())]

    @property
    def _is_time_up(self) -> bool:
        """Whether the rest of the time is needed for the runs that confirm the winner."""
        is_limited = self._spec.minutes is not None
        return is_limited and self._elapsed_seconds + self._confirming_seconds >= 60 * (self._spec.minutes or 0)

    @property
    def _is_search_over(self) -> bool:
        limit = self._spec.max_trials
        is_failing = len(self._ended) >= MAX_FAILURES and self._has_failed
        return is_failing or self._is_time_up or (limit is not None and self._searcher.trials >= limit)

    @property
    def _has_failed(self) -> bool:
        return bool(self._ended) and all(trial.status is TrialStatus.FAILED for trial in self._ended)

    # ------------------------------------------------------------------ the end of the sweep

    def _end_if_done(self) -> None:
        if self._sweep.status is not SweepStatus.RUNNING or self._running or self._missing_finals():
            return
        if self._is_search_over and self._has_failed:
            self._end_when_idle(SweepStatus.FAILED, self._ended[-1].reason)
        elif self._is_search_over:
            self._end_when_idle(SweepStatus.COMPLETED)

    def _end_when_idle(self, status: SweepStatus, reason: str = "") -> None:
        """End the sweep once no trial and no process of it is left."""
        if self._running or self._processes.launched:
            return
        self._sweep = self._store.sweeps.report_progress(self._sweep, self._elapsed_seconds)
        self._sweep = self._store.sweeps.end_sweep(self._sweep, status, reason)

    def _interrupt(self) -> None:
        """End the runs between two batches, so that they can be resumed, and mark the sweep as interrupted.

        One that is paused in the server stays paused: the server goes on by itself with interrupted ones.
        """
        interrupt_runs(self._store, self._sweep.id)
        stays_paused = self._sweep.in_server and self._sweep.status is SweepStatus.PAUSED
        status = SweepStatus.PAUSED if stays_paused else SweepStatus.INTERRUPTED
        self._store.sweeps.end_sweep(self._sweep, status, SWEEP_INTERRUPTED)

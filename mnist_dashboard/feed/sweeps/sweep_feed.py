"""The searches that somebody watches: read once for all viewers, and sent when they change.

A subscriber of a search gets one `sweep` event, which has all of it, then `trials` events with what has changed. Runs
and evaluations come with what the hub reads anyway; of the trials only those are read that had not ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from mnist_core.errors import DamagedSweepError, SweepNotFoundError
from mnist_core.records import Sweep, TrialStatus
from mnist_core.store import RunStore
from mnist_core.store.change_feed import Changes
from mnist_core.sweeps.control import waits_for
from mnist_core.sweeps.trials.results import ranked
from mnist_core.sweeps.verdict import conclude
from mnist_dashboard.feed.broadcaster import Broadcaster, Message
from mnist_dashboard.feed.sweeps.watched_sweep import WatchedSweep

SPACING_SECONDS = 0.25
"""Minimum time between two `trials` events of a search."""

CHECK_SECONDS = 2.0
"""Time after which an active search is read again though nothing was committed: its controller may have been killed."""

MAX_IDLE = 4
"""Maximum number of searches kept in memory that nobody watches, so that going back to one does not read it again."""

_log = logging.getLogger(__name__)


@dataclass
class _Watch:
    """A search that somebody watches."""

    state: WatchedSweep
    read_at: float
    """When the store was last asked, by `time.monotonic`."""
    has_news: bool = False
    """Whether something was committed since then."""
    concluded: tuple[int, ...] = ()
    """Numbers of the best trial, if there is one, and of the trials with fresh seeds that the verdict is about."""

    def is_due(self, now: float) -> bool:
        is_active = self.state.sweep.status.is_active
        return now >= self.read_at + SPACING_SECONDS and (
            self.has_news or (is_active and now >= self.read_at + CHECK_SECONDS)
        )


class SweepFeed:
    """The searches in memory. Use it in the event loop's thread, while holding the hub's read lock."""

    def __init__(self, store: RunStore, broadcaster: Broadcaster) -> None:
        self._store = store
        self._broadcaster = broadcaster
        self._watches: dict[int, _Watch] = {}

    def note(self, changes: Changes) -> None:
        """Remember what was committed."""
        for watch in self._watches.values():
            watch.has_news = True
            watch.state.add_runs(changes.runs)
            watch.state.add_evaluations(changes.evaluations)

    def list_due(self) -> list[int]:
        """Return the searches to `publish`, because of something that was committed, or to be on the safe side."""
        now = time.monotonic()
        return [sweep_id for sweep_id, watch in self._watches.items() if watch.is_due(now)]

    async def publish(self, sweep_id: int) -> None:
        """Send what has changed of a search; one that nobody watches is read when somebody does."""
        watch = self._watches[sweep_id]
        watch.read_at, watch.has_news = time.monotonic(), False
        if sweep_id not in self._broadcaster.watched_sweep_ids:
            return
        try:
            changes = await asyncio.to_thread(self._read_changes, watch)
        except SweepNotFoundError:  # a person has deleted it
            del self._watches[sweep_id]
            return
        except Exception:
            _log.exception("The live feed could not read the changes of sweep %d.", sweep_id)
            return
        if changes:
            self._broadcaster.publish_encoded("trials", changes, sweep_id=sweep_id)

    async def add_whole(self, messages: list[Message], sweep_id: int) -> list[Message]:
        """Put the whole search before the last message for a new stream, in place of changes of it.

        That goes for a reconnection, too: what changed while nobody watched is not among the latest messages.
        """
        others = [message for message in messages if message.sweep_id is None]
        whole = await self._whole_message(sweep_id)
        return [*others[:-1], whole, *others[-1:]] if whole else others

    async def _whole_message(self, sweep_id: int) -> Message | None:
        """Return the `sweep` event; None if there is no such search, or it cannot be read."""
        try:
            if sweep_id not in self._watches:
                self._make_room()
                self._watches[sweep_id] = await asyncio.to_thread(self._begin, sweep_id)
            elif sweep_id not in self._broadcaster.watched_sweep_ids:
                await asyncio.to_thread(self._read_changes, self._watches[sweep_id])
            data = await asyncio.to_thread(self._watches[sweep_id].state.whole)
        except (SweepNotFoundError, DamagedSweepError):  # the page says so
            self._watches.pop(sweep_id, None)
            return None
        except Exception:
            _log.exception("The live feed could not read sweep %d.", sweep_id)
            return None
        return self._broadcaster.wrap("sweep", data, sweep_id=sweep_id)

    def _make_room(self) -> None:
        """Forget the searches that were read first, of those that nobody watches, until few are left."""
        idle = [sweep_id for sweep_id in self._watches if sweep_id not in self._broadcaster.watched_sweep_ids]
        for sweep_id in idle[: max(0, len(idle) - MAX_IDLE + 1)]:
            del self._watches[sweep_id]

    def _begin(self, sweep_id: int) -> _Watch:
        """Read a search and all that belongs to it. A search of 1,000 trials takes 0.3 s."""
        sweeps = self._store.sweeps
        runs = sweeps.list_runs(sweep_id)
        validations = sweeps.list_validations([run.id for run in runs])
        state = WatchedSweep(sweeps.get_sweep(sweep_id), sweeps.list_trials(sweep_id), runs, validations)
        watch = _Watch(state, time.monotonic())
        state.waits_for = waits_for(self._store, state.sweep)
        self._conclude(watch, state.sweep)
        state.take_changes()
        return watch

    def _read_changes(self, watch: _Watch) -> bytes | None:
        sweep = self._store.sweeps.get_sweep(watch.state.sweep.id)
        watch.state.update(sweep, self._store.sweeps.list_trials(sweep.id, after=watch.state.ended_until))
        watch.state.waits_for = waits_for(self._store, sweep)
        self._conclude(watch, sweep)
        return watch.state.take_changes()

    def _conclude(self, watch: _Watch, sweep: Sweep) -> None:
        """Find the verdict again when a trial with fresh seeds has ended, or another trial is the best.

        It compares all their test images, so it is found only once there are any.
        """
        state = watch.state
        ended = [trial.number for trial in state.final_trials if trial.status is not TrialStatus.RUNNING]
        best = [trial.number for trial in ranked(state.spec, [*state.trials.values()])[:1]]
        if ended and (*best, *ended) != watch.concluded:
            state.verdict = conclude(self._store, sweep)
            watch.concluded = (*best, *ended)

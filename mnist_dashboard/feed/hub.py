"""The live feed: one reader of the store, many subscribers over server-sent events.

`GET /live?runs=7,5&smoothing=0.95` answers with a stream of events whose data is JSON:

- `history`, once per run asked for, and again whenever the browser's copy must be replaced: the curve so far, smoothed
  and reduced (see `series`), the evaluations, and the confusion matrix of the last training batches.
- `steps`: consecutive steps since then, every batch of them.
- `evaluation`: one pass over validation or test.
- `run`: the summary of any run whose row has changed (see `summary`).
- `audience`: how many are watching, and who acted last.
- `ping`: every 2 s, so that the browser can tell a quiet feed from a broken one.

Every event has an id. A browser that comes back with the last one it saw gets what it missed, if that is not too long
ago, else `history`. However many are watching, the database is read once per tick, and only if something was committed.

`GET /runs.json` is the list of all runs (see `run_list`), which the same reading keeps up to date.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable

from mnist_core.errors import RunNotFoundError
from mnist_core.records import LIVE_BATCHES, Run, RunStatus
from mnist_core.store.change_feed import Changes, NewSteps
from mnist_core.store.queries import Queries
from mnist_dashboard.feed.broadcaster import Broadcaster, Message, Subscriber
from mnist_dashboard.feed.cached_run import CachedRun, encode_json, evaluation_event
from mnist_dashboard.feed.run_summary import summarize_run
from mnist_dashboard.feed.series import round_for_json
from mnist_dashboard.feed.summary_cache import SummaryCache
from mnist_dashboard.server.shared_constants import CURVES, LEVELS

POLL_SECONDS = 0.05
"""How often to ask whether anything was committed; asking costs 0.1 ms."""

SECONDS_PER_STREAM = 0.0025
"""What a tick costs grows with the open streams: they come further apart. Up to 50 get each commit by itself."""

MAX_POLL_SECONDS = 1.0

AUDIENCE_SECONDS = 1.0
"""How often it is told at most who is watching: a whole class may join within seconds."""

RETRY_SECONDS = 1.0

MAX_IDLE_RUNS = 32
"""Curves kept in memory that nobody is watching, so that going back to a run does not read it again."""

_log = logging.getLogger(__name__)


class LiveHub:
    """Reads what trainers commit and fans it out. `follow()` runs as a task of the server's event loop."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.broadcaster = Broadcaster()
        self._cached: OrderedDict[int, CachedRun] = OrderedDict()
        self._unfinished: dict[int, Run] = {}
        self._list: SummaryCache | None = None
        # Held while the database is read, so that what a newcomer is told and what is told to all fit together.
        self._reading = asyncio.Lock()
        # Set once it is known from where on changes will be read: a history read before that could miss some.
        self._started = asyncio.Event()

    async def follow(self) -> None:
        """Read and fan out until cancelled."""
        watch = self._queries.watch()
        try:
            cursor = await asyncio.to_thread(self._queries.latest_cursor)
            unfinished = await asyncio.to_thread(self._queries.list_unfinished_runs)
            self._unfinished = {run.id: run for run in unfinished}
            self._started.set()
            failed = False
            told_at = 0.0
            while True:
                await asyncio.sleep(poll_seconds(len(self.broadcaster)))
                if time.monotonic() - told_at > AUDIENCE_SECONDS:
                    told_at = time.monotonic()
                    self.broadcaster.refresh()
                try:
                    if watch.moved() or failed:
                        failed = False
                        async with self._reading:
                            changes = await asyncio.to_thread(self._queries.read_changes, cursor)
                            cursor = changes.cursor
                            await self._fan_out(changes)
                except Exception:
                    # Whatever went wrong with one read (a full disk, a removed folder), the feed outlives it.
                    _log.exception("The live feed could not read the run store; trying again.")
                    failed = True
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            watch.close()

    async def stream(
        self,
        run_ids: Iterable[int],
        smoothing: float,
        last_event_id: str = "",
        *,
        viewer: str = "",
        admitted: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[bytes]:
        """The events for one browser, encoded; ends when the hub closes or the browser does not keep up.

        Streams of the same `viewer` count as one who is watching, one without as another. It ends, too, when the
        browser is no longer `admitted`.
        """
        subscriber = Subscriber(frozenset(run_ids), smoothing, viewer or secrets.token_hex(8), admitted)
        await self._started.wait()
        async with self._reading:
            opening = self.broadcaster.messages_since(last_event_id)
            if opening is None:
                opening = await self._opening(subscriber)
            self.broadcaster.join(subscriber)
        try:
            for message in opening:
                if subscriber.wants(message):
                    yield message.body
            while (fresh := await subscriber.next_events()) is not None:
                yield fresh
        finally:
            self.broadcaster.leave(subscriber)

    async def run_list(self) -> SummaryCache:
        """Every run, kept up to date from the first call on."""
        await self._started.wait()
        async with self._reading:
            if self._list is None:
                runs = await asyncio.to_thread(self._queries.list_runs)
                self._list = SummaryCache()
                await asyncio.to_thread(
                    self._list.update, [summarize_run(run, self._unfinished.values()) for run in runs]
                )
        return self._list

    # ------------------------------------------------------------------ what a newcomer gets

    async def _opening(self, subscriber: Subscriber) -> list[Message]:
        messages = []
        shown = dict(self._unfinished)
        for run_id in sorted(subscriber.run_ids):
            try:
                followed = await self._cached_run(run_id)
            except RunNotFoundError:
                continue
            shown[run_id] = followed.run
            messages.append(self.broadcaster.encode("history", followed.history(subscriber.smoothing), run_id))
        summaries = [
            self.broadcaster.encode("run", encode_json(summarize_run(run, self._unfinished.values())))
            for run in shown.values()
        ]
        return [*summaries, *messages, self.broadcaster.description()]

    async def _cached_run(self, run_id: int) -> CachedRun:
        """What is held of a run; read when it is the first time that somebody wants it. Raises `RunNotFoundError`."""
        if run_id not in self._cached:
            run = await asyncio.to_thread(self._queries.get_run, run_id)
            table = await asyncio.to_thread(self._queries.read_steps, run_id)
            evaluations = await asyncio.to_thread(self._queries.list_evaluations, run_id)
            self._cached[run_id] = CachedRun(run, table, evaluations)
        self._cached.move_to_end(run_id)
        self._evict_unwatched()
        return self._cached[run_id]

    def _evict_unwatched(self) -> None:
        watched = self.broadcaster.watched_run_ids
        idle = [run_id for run_id in self._cached if run_id not in watched]
        for run_id in idle[: max(0, len(idle) - MAX_IDLE_RUNS)]:
            del self._cached[run_id]

    # ------------------------------------------------------------------ what everybody gets

    async def _fan_out(self, changes: Changes) -> None:
        queue_moved = False
        for run in changes.runs:
            before = self._unfinished.get(run.id)
            queue_moved |= before is None or before.status is not run.status
            self._unfinished.pop(run.id, None)
            if run.status.is_active or run.status is RunStatus.QUEUED:
                self._unfinished[run.id] = run
        by_id = {run.id: run for run in changes.runs}
        for run_id in [run_id for run_id in by_id if run_id in self._cached]:
            self._cached[run_id].update(by_id[run_id])
        for steps in changes.steps:
            if steps.run_id in self._cached:
                await self._append_steps(self._cached[steps.run_id], steps)
        for evaluation in changes.evaluations:
            if followed := self._cached.get(evaluation.run_id):
                event = evaluation_event(evaluation.metrics)
                if event not in followed.evaluations:
                    followed.evaluations.append(event)
                about = {"run": evaluation.run_id, "attempt": evaluation.attempt}
                self.broadcaster.publish("evaluation", about | event, evaluation.run_id)
        # Last, so that a browser has every point of a run before it hears that the run has ended.
        moved = by_id | {run.id: run for run in self._unfinished.values() if queue_moved}
        summaries = [summarize_run(run, self._unfinished.values()) for run in moved.values()]
        if self._list:
            self._list.update(summaries)
        for summary in summaries:
            self.broadcaster.publish("run", summary)

    async def _append_steps(self, followed: CachedRun, steps: NewSteps) -> None:
        known = followed.series.steps
        if steps.attempt == followed.series.attempt and followed.series.extend(steps.first_step, steps.table):
            fresh = steps.table[known + 1 - steps.first_step :]
            if len(fresh):
                event = {
                    "run": steps.run_id,
                    "attempt": steps.attempt,
                    "first": known + 1,
                    **{name: round_for_json(fresh[name]) for name in (*CURVES, *LEVELS)},
                    "matrix": followed.matrix,
                    "matrix_batches": LIVE_BATCHES,
                }
                self.broadcaster.publish("steps", event, steps.run_id)
            return
        del self._cached[steps.run_id]  # a newer attempt, or a gap: everybody starts over with this run
        followed = await self._cached_run(steps.run_id)
        for subscriber in self.broadcaster.watching(steps.run_id):
            subscriber.offer(self.broadcaster.encode("history", followed.history(subscriber.smoothing), steps.run_id))


def poll_seconds(streams: int) -> float:
    """How long to wait before asking again whether anything was committed."""
    return min(MAX_POLL_SECONDS, max(POLL_SECONDS, SECONDS_PER_STREAM * streams))

"""The live feed: one reader of the store, many subscribers over server-sent events.

`GET /live?runs=7,5&smoothing=0.95&sweep=3` responds with a stream of events whose data is JSON:

- `history`: one run's curves so far (see `series`), its evaluations, and the confusion matrix of the last training
  batches. Sent once for each run in the query, and again whenever the browser must replace its copy.
- `steps`: every batch since then, in order.
- `evaluation`: one pass over the validation or test split.
- `run`: the summary of any run whose row has changed (see `run_summary`), with its sentence if its curves are sent to
  anybody (see `mnist_core.analysis.doctor`).
- `sweep`: all of the search in the query, once; `trials`: what has changed of it since (see `sweeps.sweep_feed`).
- `audience`: the number of viewers, and who acted last.
- `ping`: every `PING_SECONDS`, so that the browser can tell a quiet feed from a broken one.

Every event has an id. A browser that reconnects with its last one gets the events it missed, or `history` if they are
no longer in memory. The database is read once per tick for all viewers, and only if something was committed.

The same reader keeps the response to `GET /runs.json` up to date (see `summary_cache`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from mnist_core.errors import DamagedRunError, RunNotFoundError
from mnist_core.records import LIVE_BATCHES, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.change_feed import Changes, Evaluation, NewSteps
from mnist_dashboard.feed.all_runs import AllRuns
from mnist_dashboard.feed.broadcaster import Broadcaster, Message, Subscriber
from mnist_dashboard.feed.cached_run import CachedRun, RunCache, evaluation_to_json
from mnist_dashboard.feed.examination import examine_if_due
from mnist_dashboard.feed.series import round_values
from mnist_dashboard.feed.summaries.run_summary import RunSummary, list_queue, queue_position, summarize_run
from mnist_dashboard.feed.summaries.summary_cache import SummaryCache
from mnist_dashboard.feed.sweeps.sweep_feed import SweepFeed
from mnist_dashboard.server.shared_constants import CURVES, LEVELS

POLL_SECONDS = 0.05
"""Time between two checks for commits; a check takes 0.1 ms."""

SECONDS_PER_STREAM = 0.0025
"""Minimum time between two checks, per open stream: a tick costs more with more streams. Up to 50 streams still get
each commit of a run separately."""

MAX_POLL_SECONDS = 1.0

AUDIENCE_SECONDS = 1.0
"""Minimum time between two `audience` events: a whole class may join within seconds."""

RETRY_SECONDS = 1.0

RECENT_SECONDS = 10.0
"""Time for which a new stream gets the summaries of changed runs. A browser that replaces its stream may close the old
one before it has received the last change, which the old stream alone carried."""

_log = logging.getLogger(__name__)


class LiveHub:
    """Reads what trainers commit and sends it to subscribers. `follow()` runs as a task of the server's event loop."""

    def __init__(
        self, store: RunStore, on_change: Callable[[Run, RunSummary], None] = lambda _run, _summary: None
    ) -> None:
        """`on_change` is called by the event loop with each run whose row has changed, and its summary."""
        self._queries = store.queries
        self._on_change = on_change
        self.broadcaster = Broadcaster()
        self._sweeps = SweepFeed(store, self.broadcaster)
        self._cache = RunCache(self._queries)
        self._unfinished: dict[int, Run] = {}
        # Runs that changed lately, and when; oldest change first.
        self._recent: OrderedDict[int, tuple[float, Run]] = OrderedDict()
        self.all_runs = AllRuns(self._queries)
        self._summary_cache = SummaryCache()
        self._listing: asyncio.Task[None] | None = None
        """Fills the cache with the runs that were there at the start."""
        # Held while reading the database, so that a new subscriber's history and later events fit together.
        self._read_lock = asyncio.Lock()
        # Set once the cursor is known: a history read before that could miss changes.
        self._started = asyncio.Event()

    async def follow(self) -> None:
        """Read and send changes until cancelled."""
        watch = self._queries.watch()
        try:
            cursor = await asyncio.to_thread(self._queries.latest_cursor)
            unfinished = await asyncio.to_thread(self._queries.list_unfinished_runs)
            self._unfinished = {run.id: run for run in unfinished}
            self._started.set()
            self._start_listing()  # so that the first table need not wait for it
            failed = False
            audience_at = 0.0
            while True:
                await asyncio.sleep(poll_seconds(len(self.broadcaster)))
                if time.monotonic() - audience_at > AUDIENCE_SECONDS:
                    audience_at = time.monotonic()
                    self.broadcaster.disconnect_refused()
                    self.broadcaster.publish_audience()
                try:
                    if watch.has_new_commits() or failed:
                        failed = False
                        async with self._read_lock:
                            changes = await asyncio.to_thread(self._queries.read_changes, cursor)
                            cursor = changes.cursor
                            await self._publish_changes(changes)
                    for sweep_id in self._sweeps.list_due():
                        async with self._read_lock:
                            await self._sweeps.publish(sweep_id)
                except Exception:
                    # The feed must survive any failed read, such as a full disk or a removed folder.
                    _log.exception("The live feed could not read the run store; trying again.")
                    failed = True
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._summary_cache.close()
            watch.close()

    async def stream(
        self,
        run_ids: Iterable[int],
        smoothing: float,
        last_event_id: str = "",
        *,
        sweep_id: int | None = None,
        viewer_id: str = "",
        is_admitted: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[bytes]:
        """The encoded events for one browser.

        It ends when the hub closes, the browser falls behind, or `is_admitted` returns False. Streams with the same
        `viewer_id` count as one viewer; each stream without one counts by itself.
        """
        viewer_id = viewer_id or secrets.token_hex(8)
        subscriber = Subscriber(frozenset(run_ids), smoothing, viewer_id, is_admitted, sweep_id)
        await self._started.wait()
        async with self._read_lock:
            messages = self.broadcaster.messages_since(last_event_id)
            if messages is None:
                messages = await self._first_messages(subscriber)
            if sweep_id is not None:
                messages = await self._sweeps.add_whole(messages, sweep_id)
            self.broadcaster.add(subscriber)
        try:
            for message in messages:
                if subscriber.wants(message):
                    yield message.body
            while (chunk := await subscriber.next_chunk()) is not None:
                yield chunk
        finally:
            self.broadcaster.remove(subscriber)

    async def summaries(self) -> SummaryCache:
        """The rows of all runs, kept up to date from the start of the feed on."""
        await self._started.wait()
        await asyncio.shield(self._start_listing())
        return self._summary_cache

    def _start_listing(self) -> asyncio.Task[None]:
        """Return the task that lists all runs; start it again if it failed."""
        if not self._listing or (self._listing.done() and self._listing.exception()):
            self._listing = asyncio.create_task(
                asyncio.to_thread(
                    self._summary_cache.fill, self.all_runs.read_all(), lambda: list(self._unfinished.values())
                )
            )
        return self._listing

    def _summarize(self, run: Run) -> RunSummary:
        """The summary of a run, with its sentence if its curves are in memory."""
        summary = summarize_run(run, self._unfinished.values())
        cached = self._cache.find(run.id)
        return {**summary, "sentence": cached.sentence} if cached else summary

    async def _examine(self, cached: CachedRun) -> None:
        """Update the sentence of a run in memory if that is due."""
        await examine_if_due(self._queries, cached, queue_position(cached.run, self._unfinished.values())[1])

    # ------------------------------------------------------------------ for a new subscriber

    async def _first_messages(self, subscriber: Subscriber) -> list[Message]:
        self._prune_recent()
        runs = {run_id: run for run_id, (_, run) in self._recent.items()} | self._unfinished
        histories: dict[int, Message] = {}
        for run_id in sorted(subscriber.run_ids):
            try:
                cached = await self._read(run_id)
            except RunNotFoundError:
                continue
            except DamagedRunError:
                runs[run_id] = await asyncio.to_thread(self._queries.get_run, run_id)
                self._publish_summary(runs[run_id])
                continue
            runs[run_id] = cached.run
            with _errors_logged(run_id):
                await self._examine(cached)
            with _errors_logged(run_id):
                histories[run_id] = await self._history_message(cached, subscriber.smoothing)
        # Without its history a browser could not place the later steps of a run.
        subscriber.run_ids = frozenset(histories)
        summaries = []
        for run in runs.values():
            with _errors_logged(run.id):
                summaries.append(self.broadcaster.encode("run", self._summarize(run)))
        queue = self.broadcaster.encode("queue", list_queue(self._unfinished.values()))
        return [*summaries, *histories.values(), queue, self.broadcaster.audience_message()]

    async def _history_message(self, cached: CachedRun, smoothing: float) -> Message:
        """The run's `history` event, computed in a thread. Call it while holding the read lock."""
        history = await asyncio.to_thread(cached.history, smoothing)
        return self.broadcaster.wrap("history", history, cached.run.id)

    def _prune_recent(self) -> None:
        """Forget runs that changed longer than `RECENT_SECONDS` ago."""
        while self._recent and next(iter(self._recent.values()))[0] < time.monotonic() - RECENT_SECONDS:
            self._recent.popitem(last=False)

    async def _read(self, run_id: int) -> CachedRun:
        return await self._cache.read(run_id, self.broadcaster.watched_run_ids)

    # ------------------------------------------------------------------ for all subscribers

    async def _publish_changes(self, changes: Changes) -> None:
        self._sweeps.note(changes)
        were_unfinished = set(self._unfinished)
        queue_changed = self._update_unfinished(changes.runs)
        for run in changes.runs:
            self._recent[run.id] = time.monotonic(), run
            self._recent.move_to_end(run.id)
            if cached := self._cache.find(run.id):
                cached.update(run)
        self._prune_recent()
        for steps in changes.steps:
            if cached := self._cache.find(steps.run_id):
                with _errors_logged(steps.run_id):
                    await self._publish_steps(cached, steps)
        for evaluation in changes.evaluations:
            if cached := self._cache.find(evaluation.run_id):
                with _errors_logged(evaluation.run_id):
                    self._publish_evaluation(cached, evaluation)
        # Summaries come last, so that a browser has every point of a run before it learns that the run has ended.
        changed = {run.id: run for run in changes.runs}
        if queue_changed:
            changed |= self._unfinished
        for run in changed.values():
            has_ended = run.id in were_unfinished - self._unfinished.keys()  # news even if nobody watches
            if has_ended or self._cache.find(run.id):
                with _errors_logged(run.id), suppress(DamagedRunError, RunNotFoundError):
                    await self._examine(await self._read(run.id))
            self._publish_summary(run)
        if queue_changed:
            self.broadcaster.publish("queue", list_queue(self._unfinished.values()))

    def _publish_summary(self, run: Run) -> None:
        with _errors_logged(run.id):
            summary = self._summarize(run)
            self._summary_cache.update(run, self._unfinished.values())
            self.broadcaster.publish("run", summary)
            self._on_change(run, summary)

    def _update_unfinished(self, runs: Iterable[Run]) -> bool:
        """Replace, add and remove unfinished runs. Return whether positions in the queue may have changed."""
        queue_changed = False
        for run in runs:
            previous = self._unfinished.pop(run.id, None)
            queue_changed |= (
                previous is None or previous.status is not run.status or previous.queue_rank != run.queue_rank
            )
            if run.status.is_active or run.status is RunStatus.QUEUED:
                self._unfinished[run.id] = run
        return queue_changed

    async def _publish_steps(self, cached: CachedRun, steps: NewSteps) -> None:
        """Append steps to the curves and publish them, or publish the history again if they do not follow on."""
        last_step, table = cached.series.steps, steps.unpack()
        if steps.attempt == cached.series.attempt and cached.series.extend(steps.first_step, table):
            new_steps = table[last_step + 1 - steps.first_step :]
            if len(new_steps):
                event = {
                    "run": steps.run_id,
                    "attempt": steps.attempt,
                    "first": last_step + 1,
                    **{name: round_values(new_steps[name]) for name in (*CURVES, *LEVELS)},
                    "matrix": cached.matrix,
                    "matrix_batches": LIVE_BATCHES,
                }
                self.broadcaster.publish("steps", event, steps.run_id)
            return
        # A newer attempt, or missing steps.
        reread = await self._cache.read_again(steps.run_id)
        for subscriber in self.broadcaster.subscribers_of(steps.run_id):
            subscriber.offer(await self._history_message(reread, subscriber.smoothing))

    def _publish_evaluation(self, cached: CachedRun, evaluation: Evaluation) -> None:
        data = evaluation_to_json(evaluation.metrics)
        if data not in cached.evaluations:
            cached.evaluations.append(data)
        event = {"run": evaluation.run_id, "attempt": evaluation.attempt, **data}
        self.broadcaster.publish("evaluation", event, evaluation.run_id)


@contextmanager
def _errors_logged(run_id: int) -> Iterator[None]:
    """Log an error in what is sent about one run, so that the browsers still get everything about the others."""
    try:
        yield
    except Exception:
        _log.exception("The live feed could not send the changes of run %d.", run_id)


def poll_seconds(streams: int) -> float:
    """Time to wait before the next check for commits."""
    return min(MAX_POLL_SECONDS, max(POLL_SECONDS, SECONDS_PER_STREAM * streams))

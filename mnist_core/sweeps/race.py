"""Trains queued runs: one alone, or the lanes of a race in lock step. Called by the fork server and the command line.

In a race, one process trains two to four runs in turns, so that all have seen the same images at every moment, whatever
their batch sizes, and share the cores fairly. Each lane is an ordinary run: alone, it would have the same results.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch

from mnist_core.errors import MnistError, StaleAttemptError
from mnist_core.records import Event, Run
from mnist_core.store import RunStore
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.retries import retry_while_locked
from mnist_core.trainer.shutdown import SERVER_CLOSED, SHUTDOWN_REASONS, ShutdownSignals
from mnist_core.trainer.steering import PAUSED_POLL_SECONDS
from mnist_core.trainer.worker import RunTraining, train_run

LANE_POLL_SECONDS = 1.0
"""Time between two reads of the commands to lanes that are ahead, such as after a resume from different steps."""

LaneObserver = Callable[[Run, Event], None]
"""Called with a lane of a race, as it was when it was claimed, and its event."""


def train_queued_runs(run_id: int, max_active: int) -> None:
    """Claim a queued run, with the queued lanes of its race if it is in one, and train them in this process.

    Returns at once if the run can no longer be claimed. `max_active` trainers share the cores equally, or all active
    ones if there are more, such as those in terminals.
    """
    store = RunStore.open(runs_dir())
    claimed = retry_while_locked(lambda: store.trainer_writes.claim_lanes(run_id, own_identity(), max_active))
    torch.set_num_threads(threads_per_trainer(max(max_active, store.queries.count_active_trainers())))
    if len(claimed) > 1:
        train_race(store, claimed, sigterm_reason=SERVER_CLOSED)
        return
    for run in claimed:
        with contextlib.suppress(MnistError):  # It is recorded in the store, and so shown on the page.
            train_run(store, run, sigterm_reason=SERVER_CLOSED)


def train_race(
    store: RunStore,
    runs: Sequence[Run],
    observe: LaneObserver = lambda _run, _event: None,
    *,
    sigterm_reason: str = SHUTDOWN_REASONS[signal.SIGTERM],
) -> list[Run]:
    """Train the lanes of a race, which this process has claimed, in lock step. Returns them when all have ended.

    The next batch is that of the lane that has seen the fewest images. So a paused lane holds up the others, which the
    store pauses with it. A lane that ends, or fails, leaves the race to the others; the store has the reason.
    `observe` is called with each event of a lane, after its metrics buffer.
    """
    keep_freed_memory()
    shutdown = ShutdownSignals(sigterm_reason)
    lanes = [RunTraining(store, run, shutdown, partial(observe, run)) for run in runs]
    for lane in lanes:
        lane.begin(lanes[0].data)
    poll_at = time.monotonic() + LANE_POLL_SECONDS
    while lanes:
        lane = min(lanes, key=_turn)
        if lane.is_waiting:
            time.sleep(PAUSED_POLL_SECONDS)
        elif not _advance(lane):
            lanes.remove(lane)
        if lane.is_waiting or time.monotonic() >= poll_at:
            lanes = [lane for lane in lanes if _poll(lane)]
            poll_at = time.monotonic() + LANE_POLL_SECONDS
    return [store.queries.get_run(run.id) for run in runs]


def _turn(lane: RunTraining) -> tuple[bool, tuple[int, int], bool]:
    """Return the key by which lanes take turns, lowest first: one that ends, else the one with the fewest images."""
    return not lane.is_ending, lane.position, lane.is_waiting


def _advance(lane: RunTraining) -> bool:
    """Train a lane until its next event. Returns whether it races on."""
    with contextlib.suppress(MnistError):  # It is recorded in the store, or another trainer has claimed the run.
        if lane.advance():
            return True
        lane.end()
    return False


def _poll(lane: RunTraining) -> bool:
    """Read the commands to a lane. Returns whether it races on."""
    try:
        lane.poll()
    except StaleAttemptError:
        return False
    return True

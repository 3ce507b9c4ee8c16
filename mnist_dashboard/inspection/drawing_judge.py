"""Has runs read the kept drawings, and records what they read: at once for a run that is asked about, others by and by.

No page loads weights for that, and no page waits: the networks are asked in the process for batch work.
"""

from __future__ import annotations

import asyncio
import json
import logging

from mnist_core.errors import InferenceError, InferenceUnavailableError, MnistError
from mnist_core.inference.client import InferenceClient
from mnist_core.records import KeptDrawing
from mnist_core.store import RunStore

FOLLOW_SECONDS = 5.0
"""Time between two looks for runs that have not read every drawing."""

RUNS_AT_ONCE = 20
"""Runs that are asked between two looks, the newest first."""


class DrawingJudge:
    """Keeps the readings of a store up to date. Use it in the event loop's thread."""

    def __init__(self, store: RunStore, client: InferenceClient) -> None:
        self._store = store
        self._client = client
        self._unreadable: set[int] = set()
        """Finished runs that cannot read, such as those whose weights are gone from the disk."""

    async def judge(self, run_id: int) -> dict[int, int]:
        """Return the digits that a run reads, by drawing, after it has read those that are missing.

        Raises `InferenceError` with a sentence on why it cannot.
        """
        drawings, digits, step = await asyncio.to_thread(self._look, run_id)
        missing = [drawing for drawing in drawings if drawing.id not in digits]
        if not missing:
            return digits
        images = b"".join(drawing.image for drawing in missing)
        answer = json.loads(await self._client.ask({"ask": "read_all", "run": run_id}, images, is_batch=True))
        probabilities: list[list[float]] = answer["probabilities"]
        read = {drawing.id: shares.index(max(shares)) for drawing, shares in zip(missing, probabilities, strict=True)}
        if step is not None:
            await asyncio.to_thread(self._store.readings.record, run_id, step, read)
        return digits | read

    def _look(self, run_id: int) -> tuple[list[KeptDrawing], dict[int, int], int | None]:
        """Return the drawings, what a run reads on them, and the step of its newest weights."""
        readings = self._store.readings
        return self._store.drawings.list_drawings(), readings.read_digits(run_id), readings.newest_step(run_id)

    async def follow(self) -> None:
        """Have finished runs read the drawings that they have not, for as long as the server runs."""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                await self.judge_unread()
            except MnistError as error:
                logging.getLogger("mnist_dashboard").warning("Kept drawings could not be read: %s", error)

    async def judge_unread(self) -> None:
        """Have a number of finished runs read the drawings that they have not."""
        unread = await asyncio.to_thread(self._store.readings.list_unread_runs, RUNS_AT_ONCE, self._unreadable)
        for run_id in unread:
            try:
                await self.judge(run_id)
            except InferenceUnavailableError:
                return
            except InferenceError:
                self._unreadable.add(run_id)

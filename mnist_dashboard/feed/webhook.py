"""`MNIST_WEBHOOK`: tell another program when a run ends, with one POST of JSON.

Its own thread sends, so that neither the feed nor training waits for the receiver. Runs that ended while no server
ran are not reported.
"""

from __future__ import annotations

import logging
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from mnist_core.analysis.run_table import metric_value
from mnist_core.errors import ConfigError
from mnist_core.records import METRICS, Run, RunStatus, encode_json
from mnist_dashboard.feed.summaries.run_summary import RunSummary
from mnist_dashboard.server import hosts

VARIABLE = "MNIST_WEBHOOK"

TIMEOUT_SECONDS = 5.0
"""Time limit for connecting, and for each answer."""

RETRY_SECONDS = (2.0, 10.0)
"""Pauses before the second and the third, last attempt."""

MAX_WAITING = 100
"""Maximum number of reports that wait for the receiver; later ones are dropped."""

CLOSE_SECONDS = 2.0
"""Time that a closing server allows for reports that are being sent."""

_log = logging.getLogger("mnist_dashboard")


class Webhook:
    """Posts one report for each run that ends, between `start` and `close`; does nothing without a `url`.

    Raises `ConfigError` if `url` is not an http or https address. The event loop calls `report_end`, which returns at
    once; nothing that the receiver does raises an error.
    """

    def __init__(self, url: str, is_visible: Callable[[], bool]) -> None:
        self._url = _check(url) if url else ""
        self._is_visible = is_visible  # on the network, so that reports have an address that others can open
        self._started_at = datetime.now(UTC)
        self._unfinished: set[int] = set()
        self._reported: set[tuple[int, int]] = set()
        self._reports: queue.Queue[tuple[Run, RunSummary] | None] = queue.Queue(MAX_WAITING)
        self._is_failing = False
        self._closing = threading.Event()
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._thread = threading.Thread(target=self._send_all, name="webhook", daemon=True)

    def start(self) -> None:
        """Start the thread that sends."""
        if self._url:
            self._thread.start()

    def report_end(self, run: Run, summary: RunSummary) -> None:
        """Queue a report if this change is the end of the run. `summary` has the sentence on it."""
        if not self._url:
            return
        if not _has_ended(run):
            self._unfinished.add(run.id)
            return
        is_news = run.id in self._unfinished or run.created_at >= self._started_at
        self._unfinished.discard(run.id)
        if not is_news or run.started_at is None or run.deleted_at or (run.id, run.attempt) in self._reported:
            return
        self._reported.add((run.id, run.attempt))
        try:
            self._reports.put_nowait((run, summary))
        except queue.Full:
            self._log_failure("it does not keep up")

    def close(self) -> None:
        """Give reports that are being sent a moment, then stop."""
        if not self._url:
            return
        self._closing.set()
        try:
            self._reports.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(CLOSE_SECONDS)

    def _send_all(self) -> None:
        while (ended := self._reports.get()) is not None:
            try:
                self._send(report(*ended, self._address()))
            except Exception:
                _log.exception("The end of run %d could not be reported.", ended[0].id)

    def _address(self) -> str:
        """Return the address of the dashboard; for other machines if they have access."""
        return [*(hosts.network_urls() if self._is_visible() else []), hosts.local_url()][0]

    def _send(self, content: dict[str, Any]) -> None:
        for pause in (*RETRY_SECONDS, None):
            problem = self._post(content)
            if not problem:
                self._is_failing = False
                return
            if pause is None or self._closing.wait(pause):
                self._log_failure(problem)
                return

    def _post(self, content: dict[str, Any]) -> str:
        """Send a report once; returns what went wrong, or an empty text."""
        request = urllib.request.Request(
            self._url,
            encode_json(content).encode(),
            {"Content-Type": "application/json", "User-Agent": "mnist-trainer"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS):
                return ""
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answers {error.code}"
        except urllib.error.URLError as error:
            return str(error.reason)
        except Exception as error:  # a receiver may send anything, even something that is not HTTP
            return str(error) or type(error).__name__

    def _log_failure(self, problem: str) -> None:
        """Log once that reports are lost, without the path of the address, which may hold a secret."""
        if not self._is_failing:
            receiver = urlsplit(self._url).hostname
            _log.warning(
                "%s: %s cannot be told that a run has ended (%s). This is said once, until it works again.",
                VARIABLE,
                receiver,
                problem,
            )
        self._is_failing = True


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Treats a redirect as a failure: a POST would arrive as a GET, without the report."""

    def redirect_request(self, *_: Any) -> None:
        return None


def report(run: Run, summary: RunSummary, address: str) -> dict[str, Any]:
    """Return what is posted about a run that has ended; `text` is for chat programs."""
    title = f"{run.name} {run.status.label.lower()}"
    sentence = (summary.get("sentence") or {}).get("text") or run.reason or None
    return {
        "text": f"{title}. {sentence}" if sentence else f"{title}.",
        "run": run.id,
        "name": run.name,
        "status": run.status.value,
        "sentence": sentence,
        "result": {name: metric_value(run, name) for name in METRICS},
        "dataset": run.dataset,
        "address": f"{address}/?run={run.id}",
    }


def _has_ended(run: Run) -> bool:
    return run.status.is_finished or run.status is RunStatus.INTERRUPTED


def _check(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port that is not a number
        is_usable = False
    if not is_usable or any(character.isspace() for character in url):
        raise ConfigError(VARIABLE, f"{VARIABLE} must be an address that begins with http:// or https://, got {url!r}.")
    return url

"""`MNIST_WEBHOOK`: one POST for each run that ends, whatever its receiver does."""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from mnist_core.errors import ConfigError
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.feed import webhook
from mnist_dashboard.feed.summaries.run_summary import summarize_run
from mnist_dashboard.feed.webhook import Webhook
from tests.support.factories import finished_run
from tests.support.strict_json import parse_json
from tests.support.web.feed_reader import Reader, commit_steps, preparing_run, run_scenario, running_hub

PATIENCE = 20.0


class Receiver:
    """A program that is told when a run ends."""

    def __init__(self) -> None:
        self.received: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answers: list[int] = []
        """Status codes of the next answers; 204 after that."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.received.put({"answered": status, **parse_json(body.decode())})

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-token"

    def next(self) -> dict[str, Any]:
        return self.received.get(timeout=PATIENCE)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture
def hook(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    monkeypatch.setattr(webhook, "RETRY_SECONDS", (0.0, 0.0))
    hook = Webhook(receiver.url, lambda: False)
    hook.start()
    yield hook
    hook.close()


def test_a_run_that_ends_is_posted_once(store: RunStore, hook: Webhook, receiver: Receiver) -> None:
    run = finished_run(store, name="night", right=range(983))
    summary = {**summarize_run(run), "sentence": {"text": "98.30 % right."}}
    hook.report_end(run, summary)
    hook.report_end(run, summary)
    report = receiver.next()
    assert (report["run"], report["name"], report["status"]) == (run.id, "night", "completed")
    assert report["text"] == "night finished. 98.30 % right."
    assert report["sentence"] == "98.30 % right."
    assert report["result"]["test_accuracy"] == 0.983
    assert report["address"].endswith(f"/?run={run.id}")
    assert receiver.received.empty()


def test_the_feed_reports_what_a_trainer_ends(
    store: RunStore, hook: Webhook, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running_hub(store, hook.report_end) as hub:
            await Reader(hub, []).event("audience")
            run = preparing_run(store)
            commit_steps(store, run, 1, 5)
            store.trainer_writes.finish_run(run, RunStatus.DIVERGED, reason="The loss is NaN.")
            report = await asyncio.to_thread(receiver.next)
            assert (report["status"], report["sentence"]) == ("diverged", "The loss is NaN.")

    run_scenario(scenario)
    assert not caplog.records


def test_a_run_that_nobody_watches_is_posted_with_its_sentence(
    store: RunStore, hook: Webhook, receiver: Receiver
) -> None:
    async def scenario() -> None:
        async with running_hub(store, hook.report_end) as hub:
            reader = Reader(hub, [])
            await reader.event("audience")
            run = preparing_run(store)
            await reader.event("run")
            commit_steps(store, run, 1, 5)
            store.trainer_writes.finish_run(run, RunStatus.STOPPED)
            report = await asyncio.to_thread(receiver.next)
            assert report["sentence"]
            assert report["text"] == f"run-1 stopped. {report['sentence']}"

    run_scenario(scenario)


def test_older_runs_and_runs_that_go_on_are_not_posted(store: RunStore, hook: Webhook, receiver: Receiver) -> None:
    older = replace(finished_run(store), created_at=datetime.now(UTC) - timedelta(days=1))
    active = preparing_run(store)
    never_started = replace(finished_run(store), started_at=None)
    new = finished_run(store)
    for run in (older, active, never_started, new):
        hook.report_end(run, summarize_run(run))
    assert receiver.next()["run"] == new.id
    assert receiver.received.empty()


def test_a_run_that_trained_when_the_server_started_is_posted(
    store: RunStore, hook: Webhook, receiver: Receiver
) -> None:
    ended = replace(finished_run(store), created_at=datetime.now(UTC) - timedelta(days=1))
    hook.report_end(replace(ended, status=RunStatus.RUNNING), summarize_run(ended))
    hook.report_end(ended, summarize_run(ended))
    assert receiver.next()["run"] == ended.id


def test_a_receiver_gets_three_attempts_and_a_failure_is_said_once(
    store: RunStore, hook: Webhook, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    receiver.answers = [500, 302, 503, 500, 500, 500, 500]
    for _ in range(3):
        run = finished_run(store)
        hook.report_end(run, summarize_run(run))
    answers = [receiver.next()["answered"] for _ in range(8)]
    assert answers == [500, 302, 503, 500, 500, 500, 500, 204]
    hook.close()
    assert [record.getMessage() for record in caplog.records] == [
        "MNIST_WEBHOOK: 127.0.0.1 cannot be told that a run has ended (it answers 503). This is said once, until it "
        "works again."
    ]


@pytest.mark.parametrize("url", ["hooks.example.org", "ftp://example.org", "http://", "http://example.org:port", "x y"])
def test_an_unusable_address_is_refused_with_one_sentence(url: str) -> None:
    with pytest.raises(
        ConfigError, match=r"MNIST_WEBHOOK must be an address that begins with http:// or https://, got"
    ):
        Webhook(url, lambda: False)


def test_without_an_address_nothing_happens(store: RunStore) -> None:
    hook = Webhook("", lambda: False)
    hook.start()
    run = finished_run(store)
    hook.report_end(run, summarize_run(run))
    hook.close()

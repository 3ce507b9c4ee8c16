"""A person steers a run and resumes one whose trainer was killed, in a real browser."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace

from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from mnist_core.records import Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_dashboard.feed.summaries.run_summary import summarize_run
from mnist_dashboard.server.assets import asset_url
from tests.browser.browser_driver import POINTS, set_epochs, start_long_run, wait_for_points
from tests.support.factories import finished_run
from tests.support.live_runs import begun_run, train
from tests.support.processes import Eventually, Server


def test_a_run_can_be_paused_stepped_changed_undone_and_resumed_and_again_after_its_trainer_was_killed(
    page: Page, live: Server, eventually: Eventually
) -> None:
    page.goto(live.url)
    run = start_long_run(page, live)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    paused_at = live.store.queries.get_run(run).progress.step

    page.get_by_role("button", name="Step", exact=True).click()
    eventually(lambda: live.store.queries.get_run(run).progress.step == paused_at + 1)
    wait_for_points(page, run, paused_at)
    assert page.evaluate(POINTS) == paused_at + 1

    page.get_by_role("radio", name="This run").click()
    expect(page.get_by_role("button", name="Add to queue")).to_have_count(0)
    field = page.get_by_label("Learning rate, exact value")
    expect(field).to_have_count(1)  # the field of the next run stays until its successor is there
    field.fill("0,03")
    field.press("Enter")
    page.get_by_role("button", name="Resume").click()
    changes = page.get_by_role("region", name="Changes during the run")
    expect(changes).to_contain_text("learning rate 0.01 → 0.03")
    eventually(lambda: live.store.queries.read_steps(run)["lr"][-1] == 0.03)

    changes.get_by_role("button", name="Undo").click()
    expect(changes).to_contain_text("learning rate 0.03 → 0.01")
    eventually(lambda: live.store.queries.read_steps(run)["lr"][-1] == 0.01)
    marks = "() => document.querySelector('.js-plotly-plot').layout.annotations.map((a) => a.text).join('|')"
    page.wait_for_function(f"() => /1 +lr 0.01 → 0.03/.test(({marks})())")

    trainer = live.store.queries.get_run(run).trainer
    assert trainer
    os.kill(trainer.pid, signal.SIGKILL)
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    expect(page.get_by_text("Its trainer process was killed (SIGKILL).")).to_be_visible()
    before = live.store.queries.get_run(run).progress.step
    resume.click()
    eventually(lambda: live.store.queries.get_run(run).status is RunStatus.RUNNING)
    eventually(lambda: live.store.queries.get_run(run).progress.step > before)
    assert len(live.store.queries.read_steps(run)) >= before
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert re.search(rf"run={run}\b", page.url)


def test_the_page_follows_a_run_that_is_paused_and_resumed_elsewhere(
    page: Page, live: Server, a_step: Callable[..., StepMetrics]
) -> None:
    run = begun_run(live.store)
    train(live.store, run, a_step, 20)
    connection = HeldConnection(page)
    page.goto(live.url)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()

    def set_paused(paused: bool) -> None:
        live.store.trainer_writes.set_paused(run, paused=paused)

    for _ in range(4):  # faster than the page can follow
        set_paused(True)
        set_paused(False)
    set_paused(True)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    set_paused(False)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()

    # A click is not lost to an event that arrives with it.
    connection.hold()
    page.get_by_role("link", name="Runs").click()
    set_paused(True)
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.evaluate("() => new Promise((asked) => setTimeout(asked))")  # the strip has asked for a rerun by now
    connection.release()
    expect(page).to_have_url(re.compile("/runs"))
    expect(page.get_by_role("row").filter(has_text=run.name)).to_contain_text("Paused")


class HeldConnection:
    """A page's connection to the server, of which the server's messages can be held back for a while."""

    def __init__(self, page: Page) -> None:
        self._held_messages: list[str | bytes] = []
        self._is_holding = False
        page.route_web_socket(re.compile("/_stcore/stream"), self._forward)

    def _forward(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        server = socket.connect_to_server()
        server.on_message(
            lambda message: self._held_messages.append(message) if self._is_holding else socket.send(message)
        )

    def hold(self) -> None:
        self._is_holding = True

    def release(self) -> None:
        self._is_holding = False
        for message in self._held_messages:
            self._socket.send(message)


def test_a_page_drawn_from_older_data_does_not_hide_newer_events(page: Page, live: Server, store: RunStore) -> None:
    run = finished_run(store)

    def as_of(revision: int, status: RunStatus) -> dict[str, object]:
        return dict(summarize_run(replace(run, id=999, revision=revision, status=status)))

    page.goto(live.url)
    page.evaluate(
        """async ([modules, read, told, readBefore]) => {
            const [{ mount }, { stream }] = await Promise.all(modules.map((url) => import(url)));
            const root = document.body.appendChild(document.createElement("div"));
            root.id = "probe";
            window.asked = [];
            const host = { setTriggerValue: (name, value) => window.asked.push(`${name} ${value}`) };
            const strip = mount(root, { run: read, known: [], smoothing: 0.95 }, host);
            stream.addSummary(told);
            strip.update({ run: readBefore, known: [], smoothing: 0.95 }, host);
        }""",
        [
            [asset_url("components/status_strip/status_strip.js"), asset_url("feed/client/stream.js")],
            as_of(4, RunStatus.RUNNING),
            as_of(6, RunStatus.PAUSED),
            as_of(5, RunStatus.RUNNING),
        ],
    )
    expect(page.locator("#probe").get_by_role("status")).to_have_text("Paused")
    page.wait_for_function("() => window.asked.includes('changed paused')")


def test_two_tabs_that_press_start_at_once_get_one_run_each(
    page: Page, context: BrowserContext, live: Server, eventually: Eventually
) -> None:
    before = {run.id for run in live.store.queries.list_runs()}
    tabs = (page, context.new_page())
    for tab in tabs:
        tab.goto(live.url)
        set_epochs(tab, 1)
        start = tab.get_by_role("button", name="Start training")
        expect(start).to_be_enabled()
        start.evaluate("(button) => { new BroadcastChannel('press').onmessage = () => button.click() }")
    page.evaluate(
        "() => new BroadcastChannel('press').postMessage('now')"
    )  # both tabs receive it, since the sender is a third channel

    def new() -> list[Run]:
        return [run for run in live.store.queries.list_runs() if run.id not in before]

    eventually(lambda: [run.status for run in new()] == [RunStatus.COMPLETED] * 2)
    assert [run.attempt for run in new()] == [1, 1]
    assert [run.progress.step for run in new()] == [run.total_steps for run in new()]
    for tab in tabs:  # each tab hears of both ends, and neither starts another run
        expect(tab.get_by_role("button", name="Start training")).to_be_enabled()
    assert len(new()) == 2

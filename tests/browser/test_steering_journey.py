"""A person steers a run and resumes one whose trainer was killed, in a real browser."""

import os
import re
import signal
from dataclasses import replace

from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from mnist_core.records import Command, Run, RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.feed.run_summary import summarize_run
from mnist_dashboard.server.assets import asset_url
from tests.browser.browser_driver import POINTS, set_epochs, start_long_run, wait_for_points
from tests.support.factories import finished_run
from tests.support.processes import Eventually, Server


def test_a_run_can_be_paused_stepped_changed_undone_and_resumed(
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


def test_the_buttons_follow_a_run_that_is_paused_and_resumed_elsewhere(
    page: Page, live: Server, eventually: Eventually
) -> None:
    page.goto(live.url)
    run = start_long_run(page, live)

    def send(command: Command, status: RunStatus) -> None:
        live.store.commands.send_command(run, command, by="terminal")
        eventually(lambda: live.store.queries.get_run(run).status is status)

    for _ in range(4):  # faster than the page can follow
        send(Command.PAUSE, RunStatus.PAUSED)
        send(Command.RESUME, RunStatus.RUNNING)
    send(Command.PAUSE, RunStatus.PAUSED)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    send(Command.RESUME, RunStatus.RUNNING)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


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


def test_a_click_is_not_lost_to_an_event_that_arrives_with_it(page: Page, live: Server, eventually: Eventually) -> None:
    """The server's messages after the click are held back until the status strip has shown the change."""
    held_messages: list[str | bytes] = []
    is_holding = False

    def forward(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: held_messages.append(message) if is_holding else socket.send(message))
        sockets.append(socket)

    sockets: list[WebSocketRoute] = []
    page.route_web_socket(re.compile("/_stcore/stream"), forward)
    page.goto(live.url)
    run = start_long_run(page, live)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    is_holding = True
    page.get_by_role("link", name="Runs").click()
    live.store.commands.send_command(run, Command.PAUSE, by="terminal")
    eventually(lambda: live.store.queries.get_run(run).status is RunStatus.PAUSED)
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.evaluate("() => new Promise((asked) => setTimeout(asked))")  # the strip has asked for a rerun by now
    is_holding = False
    for message in held_messages:
        sockets[-1].send(message)
    expect(page).to_have_url(re.compile("/runs"))
    expect(page.get_by_role("row").filter(has_text=f"run-{run}")).to_contain_text("Paused")


def test_a_killed_trainer_leaves_an_interrupted_run_that_one_click_resumes(
    page: Page, live: Server, eventually: Eventually
) -> None:
    page.goto(live.url)
    run = start_long_run(page, live)
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

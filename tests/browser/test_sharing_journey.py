"""Signing in, and an owner who trains while a viewer watches and is signed in, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.system.processes import own_identity
from mnist_dashboard.server.roles.owner_sessions import OwnerSessions
from tests.browser.browser_driver import start_long_run, wait_for_points
from tests.support.processes import Eventually, Server, running_server

ACTIONS = re.compile("Pause|Stop|Start training|Add to queue|Evaluate now|Delete|Sign out|New sign-in link")


@pytest.fixture(scope="module")
def empty_server(
    tmp_path_factory: pytest.TempPathFactory, four_thousand_digits: Path, eventually: Eventually
) -> Iterator[Server]:
    """A server without runs."""
    with running_server(tmp_path_factory.mktemp("nothing"), four_thousand_digits, eventually) as started:
        yield started


def test_a_viewer_can_watch_live_and_act_only_when_signed_in(
    page: Page, context: BrowserContext, browser: Browser, live: Server, eventually: Eventually
) -> None:
    page.goto(live.url)
    run = start_long_run(page, live)
    elsewhere = browser.new_context()
    viewer = elsewhere.new_page()
    viewer.goto(f"{live.url_elsewhere}/?run={run}")
    wait_for_points(viewer, run)
    watching = viewer.get_by_role("status").filter(has_text="watching")
    expect(watching).to_have_text(re.compile(r" on Linux( \d+)? is driving\. 2 watching\.$"))
    expect(viewer.get_by_role("button", name=ACTIONS)).to_have_count(0)
    expect(viewer.get_by_role("slider", name="Learning rate")).to_be_disabled()

    page.get_by_role("button", name="Share").click()
    link = copy_sign_in_link(page, context)
    viewer.goto(link.replace(urlsplit(link).netloc, urlsplit(live.url_elsewhere).netloc))
    sign_in_button = viewer.get_by_role("button", name="Sign in as owner")
    expect(viewer).to_have_url(f"{live.url_elsewhere}/sign-in")  # the code has left the address
    sign_in_button.click()
    expect(viewer).to_have_url(re.compile(rf"/\?run={run}$"))
    viewer.get_by_role("button", name="Pause").click()
    resume = viewer.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()

    page.get_by_role("button", name="Sign out all others").click()
    sessions = OwnerSessions(live.folder / "owner")
    eventually(lambda: len(sessions.list_sessions()) == 1)
    resume.click()
    expect(viewer.get_by_text("only the owner can do this")).to_be_visible()
    assert live.store.queries.get_run(run).status is RunStatus.PAUSED
    elsewhere.close()


def copy_sign_in_link(page: Page, context: BrowserContext) -> str:
    """Make a link on the open Share panel and return what its button copies."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="New sign-in link").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_link_signs_in_once_and_leaves_no_code_behind(browser: Browser, live: Server) -> None:
    elsewhere = browser.new_context()
    visitor = elsewhere.new_page()
    visitor.goto(live.url)
    expect(visitor.get_by_text("You are watching. To act, open the link that the terminal shows")).to_be_visible()
    sessions = OwnerSessions(live.folder / "owner")
    code = sessions.create_code(60)
    posts: list[str] = []
    visitor.on("request", lambda request: posts.append(request.url))
    visitor.goto(f"{live.url}/sign-in#code={code}&now=1")  # as the file does that the server opens at its start
    expect(visitor.get_by_role("button", name="Start training")).to_be_visible()
    assert not any(code in urlsplit(url).path + urlsplit(url).query for url in posts)
    visitor.go_back()
    expect(visitor).to_have_url(f"{live.url}/")
    assert code not in visitor.content()

    visitor.goto(f"{live.url}/sign-in#code={code}")
    visitor.get_by_role("button", name="Sign in as owner").click()
    expect(visitor.get_by_role("status")).to_have_text("This link has been used, or its time is over.")
    expect(visitor.get_by_text("python -m mnist_dashboard owner-link")).to_be_visible()
    elsewhere.close()


@pytest.mark.parametrize("path", ["/runs", "/details"])
def test_a_viewer_who_waits_for_the_first_run_sees_it_appear(page: Page, empty_server: Server, path: str) -> None:
    page.goto(f"{empty_server.url_elsewhere}{path}")
    expect(page.get_by_text("They appear here as soon as the owner starts one.")).to_be_visible()
    run = empty_server.store.commands.create_run(TrainConfig(), "the first", trainer=own_identity())
    expect(page.get_by_text("the first").first).to_be_visible()
    empty_server.store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    empty_server.store.commands.delete_runs([run.id])


def test_others_are_refused_while_the_server_is_hidden(page: Page, context: BrowserContext, live: Server) -> None:
    page.goto(live.url)
    page.get_by_role("button", name="Share").click()
    switch = page.get_by_text("Visible on the network")
    switch.click()
    expect(page.get_by_text("Only this machine can open the dashboard at the moment.")).to_be_visible()
    other = context.new_page()
    assert (refused := other.goto(live.url_elsewhere))
    assert refused.status == 403
    switch.click()
    expect(page.get_by_text("Only this machine can open the dashboard at the moment.")).to_have_count(0)
    assert (answered := other.goto(live.url_elsewhere))
    assert answered.ok


def test_every_page_obeys_its_own_policy_and_contacts_no_other_host(page: Page, live: Server) -> None:
    complaints: list[str] = []
    hosts: set[str | None] = set()

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    page.on("console", note)
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
    for path in ("/", "/runs"):
        page.goto(f"{live.url_elsewhere}{path}")
        page.get_by_role("button", name="Share").click()
        expect(page.get_by_alt_text(re.compile("^QR code"))).to_be_visible()
        page.keyboard.press("Escape")
    pages = page.get_by_test_id("stTopNavLink")
    assert pages.count() >= 2
    for link in pages.all():
        link.click()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert not complaints
    assert hosts - {None} == {urlsplit(live.url_elsewhere).hostname}

"""Signing in, and an owner who trains while a viewer watches and is signed in, in a real browser."""

import re
import urllib.error
import urllib.request
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from mnist_core.records import RunStatus
from mnist_dashboard.server.roles.owner_sessions import OwnerSessions
from tests.browser.browser_driver import start_long_run, wait_for_points
from tests.support.live_runs import begun_run
from tests.support.processes import Eventually, Server

ACTIONS = re.compile("Pause|Stop|Start training|Add to queue|Evaluate now|Delete|Sign out|New sign-in link")


def test_a_viewer_watches_live_acts_only_when_signed_in_and_is_refused_while_the_server_is_hidden(
    page: Page, context: BrowserContext, live: Server, eventually: Eventually
) -> None:
    page.goto(live.url)
    run = start_long_run(page, live)
    viewer = context.new_page()  # signed in for `localhost` alone
    viewer.goto(f"{live.url_elsewhere}/?run={run}")
    wait_for_points(viewer, run)
    watching = viewer.get_by_role("status").filter(has_text="watching")
    expect(watching).to_have_text(re.compile(r" on Linux( \d+)? is driving\. 2 watching\.$"))
    expect(viewer.get_by_role("button", name=ACTIONS)).to_have_count(0)
    expect(viewer.get_by_role("slider", name="Learning rate")).to_be_disabled()

    page.bring_to_front()  # the browser draws pages in the background late
    page.get_by_role("button", name="Share").click()
    link = copy_sign_in_link(page, context)
    viewer.bring_to_front()
    viewer.goto(link.replace(urlsplit(link).netloc, urlsplit(live.url_elsewhere).netloc))
    sign_in_button = viewer.get_by_role("button", name="Sign in as owner")
    expect(viewer).to_have_url(f"{live.url_elsewhere}/sign-in")  # the code has left the address
    sign_in_button.click()
    expect(viewer).to_have_url(re.compile(rf"/\?run={run}$"))
    viewer.get_by_role("button", name="Pause").click()
    resume = viewer.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()

    page.bring_to_front()
    page.get_by_role("button", name="Sign out all others").click()
    sessions = OwnerSessions(live.folder / "owner")
    eventually(lambda: len(sessions.list_sessions()) == 1)
    viewer.bring_to_front()
    with suppress(PlaywrightTimeoutError):
        resume.click(timeout=5_000)  # it is gone if the page has had another reason to run again
    expect(viewer.get_by_text("You are watching").first).to_be_visible()
    expect(resume).to_have_count(0)
    assert live.store.queries.get_run(run).status is RunStatus.PAUSED

    viewer.close()
    assert status_elsewhere(live) == 200
    switch = page.get_by_text("Visible on the network")
    switch.click()
    expect(page.get_by_text("Only this machine can open the dashboard at the moment.")).to_be_visible()
    assert status_elsewhere(live) == 403
    switch.click()
    expect(page.get_by_text("Only this machine can open the dashboard at the moment.")).to_have_count(0)
    assert status_elsewhere(live) == 200


def status_elsewhere(live: Server) -> int:
    """Return the status code that another machine gets which opens the dashboard."""
    request = urllib.request.Request(live.url, headers={"Host": urlsplit(live.url_elsewhere).netloc})
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def copy_sign_in_link(page: Page, context: BrowserContext) -> str:
    """Make a link on the open Share panel and return what its button copies."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="New sign-in link").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_link_signs_in_once_and_leaves_no_code_behind(page: Page, context: BrowserContext, live: Server) -> None:
    context.clear_cookies()
    visitor = page
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


@pytest.mark.parametrize("path", ["/runs", "/details"])
def test_a_viewer_sees_the_first_run_appear_on_pages_that_obey_their_policy_and_contact_no_other_host(
    page: Page, live: Server, path: str
) -> None:
    complaints: list[str] = []
    hosts: set[str | None] = set()

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    page.on("console", note)
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
    page.goto(f"{live.url_elsewhere}{path}")
    expect(page.get_by_text("They appear here as soon as the owner starts one.")).to_be_visible()
    begun_run(live.store, "the first")
    expect(page.get_by_text("the first").first).to_be_visible()
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

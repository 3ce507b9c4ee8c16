"""What several journeys do with the Train page."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_dashboard.server.roles.owner_sessions import OwnerSessions
from tests.support.processes import Server

SCRIPT = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8").replace("export ", "")
LOW_CONTRAST = f"() => {{ {SCRIPT} return lowContrast(); }}"
"""Returns the texts of a page that contrast too little with their ground."""

POINTS = "() => Math.max(0, ...(document.querySelector('.js-plotly-plot')?.data ?? []).map((t) => t.x?.at(-1) ?? 0))"
MORE_POINTS = f"(before) => ({POINTS})() > before"


def sign_in(context: BrowserContext, server: Server) -> None:
    """Sign in the profile as an owner, without opening a page."""
    code = OwnerSessions(server.folder / "owner").create_code(60)
    response = context.request.post(f"{server.url}/sign-in", form={"code": code}, headers={"Origin": server.url})
    assert response.ok, response.text()


def start_long_run(page: Page, live: Server) -> int:
    """Start the first run, of 50 epochs, longer than any journey, from the open page. Return its id."""
    set_epochs(page, 50)
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile(r"run=\d+\b"))
    (run,) = [run.id for run in live.store.queries.list_runs()]
    expect(page).to_have_url(re.compile(rf"run={run}\b"))
    wait_for_points(page, run)
    return run


def train_small_run(page: Page, live: Server) -> Run:
    """Train a small network, and show the curves of its run."""
    run = live.store.commands.create_run(TrainConfig(model="softmax", epochs=2))
    page.goto(f"{live.url}/?run={run.id}")
    expect(page.get_by_text("Finished", exact=True)).to_be_visible(timeout=60_000)
    return run


def set_epochs(page: Page, epochs: int) -> None:
    field = page.get_by_label("Epochs, exact value")
    field.fill(str(epochs))
    field.press("Enter")
    expect(page.get_by_role("slider", name="Epochs")).to_have_value(str(epochs))


def wait_for_points(page: Page, run: int, more_than: int = 0) -> None:
    """Wait until the loss chart shows this run beyond a step."""
    shown = f"() => document.querySelector('.js-plotly-plot')?.layout?.uirevision === 'run-{run}'"
    page.wait_for_function(f"(before) => ({shown})() && ({POINTS})() > before", arg=more_than)

"""An exported report in a real browser, from the disk and without network."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_core.config import TrainConfig
from mnist_core.exports.export_worker import export
from mnist_core.records import StepMetrics
from mnist_core.store import RunStore
from tests.support.factories import finished_run

NAME = "<img src=x onerror=\"document.title='owned'\">"


BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 20, 25)"}
INKS = {"light": "rgb(27, 35, 44)", "dark": "rgb(230, 235, 240)"}


@pytest.fixture
def report(store: RunStore, tmp_path: Path, a_step: Callable[..., StepMetrics]) -> Path:
    """A report of two runs, one with HTML in its name and one with HTML in its notes."""
    steps = [a_step(step, loss=2 / step**0.5) for step in range(1, 200)]
    finished_run(store, name=NAME, steps=steps)
    other = finished_run(store, TrainConfig(lr=0.1), name="bold", right=range(960), steps=steps[:100])
    store.commands.edit_run(other.id, notes="# Plan\n<b>bolder</b>")
    export(store.queries, store.queries.list_runs(), "report", tmp_path / "report.html")
    return tmp_path / "report.html"


def test_a_report_opens_offline_with_live_charts_and_shows_names_as_text(page: Page, report: Path) -> None:
    errors: list[str] = []
    requested: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.context.set_offline(True)
    page.goto(report.as_uri())
    for title in ("Loss", "Accuracy"):
        expect(page.locator(".gtitle", has_text=title)).to_be_visible()
    expect(page.locator("#loss .scatterlayer .trace")).to_have_count(6)
    expect(page.get_by_role("cell", name=NAME, exact=True)).to_be_visible()
    expect(page.locator("#table td.best")).to_have_text("96.00\u202f%")
    expect(page.locator("#verdict .sentence")).to_contain_text("bold is better than")
    expect(page.get_by_text("Confusion matrix: test images after step 5")).to_have_count(2)
    expect(page.get_by_text("<b>bolder</b>")).to_be_visible()
    expect(page.locator("#loss .legendtext").first).to_have_text(NAME)
    page.locator("#loss .nsewdrag").hover()
    expect(page.locator("#loss .hoverlayer .legend, #loss .hoverlayer .hovertext").first).to_be_visible()
    assert page.title() == "Training runs"
    assert errors == []
    assert requested == [report.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_follows_the_readers_colour_scheme(browser: Browser, report: Path, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(report.as_uri())
    expect(page.locator("body")).to_have_css("background-color", BACKGROUNDS[scheme])
    expect(page.locator("#loss .gtitle")).to_have_css("fill", INKS[scheme])
    page.close()


def test_a_report_prints_on_white_whatever_the_scheme(browser: Browser, report: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(report.as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator("body")).to_have_css("background-color", BACKGROUNDS["light"])
    expect(page.locator("#loss .gtitle")).to_have_css("fill", INKS["light"])
    page.close()

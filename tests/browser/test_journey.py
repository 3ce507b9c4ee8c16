"""A person trains a network and watches, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, StepMetrics
from mnist_dashboard.server.assets import asset_url
from tests.browser.browser_driver import MORE_POINTS, POINTS, start_long_run
from tests.browser.runs_page.runs_driver import row
from tests.support.factories import finished_run
from tests.support.live_runs import begun_run
from tests.support.processes import Server

X_RANGE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.range"


@pytest.fixture
def page_errors(page: Page) -> Iterator[list[str]]:
    """Errors of the page's scripts. A journey that uses this fixture must end without any."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield errors
    assert not errors


@pytest.fixture
def no_other_host(context: BrowserContext) -> Iterator[None]:
    """A journey that uses this fixture must end without a request to another machine."""
    hosts: set[str | None] = set()

    def note(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    context.on("request", note)
    yield
    context.remove_listener("request", note)
    assert hosts - {None} == {"localhost"}  # None: `data:` and `blob:`


@pytest.mark.usefixtures("page_errors", "no_other_host")
def test_a_run_can_be_tuned_watched_zoomed_reloaded_stopped_and_found_again(
    page: Page, context: BrowserContext, live: Server
) -> None:
    page.goto(live.url)
    slider = page.get_by_role("slider", name="Momentum")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_label("Momentum, exact value")).to_have_value("0.51")

    run = start_long_run(page, live)
    assert live.store.queries.get_run(run).config.momentum == 0.51
    expect(page.get_by_text("Running", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"run={run}\b"))
    page.evaluate("() => { document.querySelector('.js-plotly-plot').tagged = true; }")

    # Until its trainer has loaded the data, a run is drawn as if it had 60,000 images.
    page.wait_for_function(f"() => ({X_RANGE})()[1] < 3000")
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.hover()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=5)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('.js-plotly-plot').layout.xaxis.range[1] < 1500")
    zoomed = page.evaluate(X_RANGE)
    page.locator(".js-plotly-plot .legendtoggle").nth(1).click()
    hidden = "() => document.querySelector('.js-plotly-plot').data.filter((t) => t.visible === 'legendonly').length"
    page.wait_for_function(f"() => ({hidden})() === 1")

    before = page.evaluate(POINTS)
    page.wait_for_function(MORE_POINTS, arg=before + 20)
    assert page.evaluate(X_RANGE) == zoomed
    assert page.evaluate(hidden) == 1
    assert page.evaluate("() => document.querySelector('.js-plotly-plot').tagged")
    expect_live_and_evaluated_matrix(page)

    seen = page.evaluate(POINTS)
    page.reload()
    page.wait_for_function(MORE_POINTS, arg=seen)
    first = page.evaluate("() => Math.min(...document.querySelector('.js-plotly-plot').data.map((t) => t.x?.[0] ?? 9))")
    assert first == 1
    assert live.store.queries.get_run(run).status is RunStatus.RUNNING

    page.close()
    tab = context.new_page()
    tab.goto(live.url)
    tab.wait_for_function(MORE_POINTS, arg=live.store.queries.get_run(run).progress.step)
    expect(tab.locator(".mt-strip-name")).to_have_text(f"run-{run}")  # the address without a run follows it
    assert live.store.queries.get_run(run).status is RunStatus.RUNNING

    tab.get_by_role("button", name="Stop").click()
    expect(tab.get_by_text("Stopped", exact=True)).to_be_visible()
    tab.get_by_role("link", name="Runs").click()
    expect(tab.get_by_role("row").filter(has_text=f"run-{run}")).to_contain_text("Stopped")


def expect_live_and_evaluated_matrix(page: Page) -> None:
    """Check that the matrix of a run in training shows its latest batches and, on request, an evaluation."""
    expect(page.get_by_role("grid", name="training images, last 100 batches")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Step ")).first.click()
    expect(page.get_by_role("grid", name="validation images, step")).to_be_visible()
    page.get_by_role("button", name="Row %").click()
    expect(page.locator(".mt-matrix-diagonal", has_text=re.compile(r"^\d+\.\d$")).first).to_be_visible()


def test_queued_runs_move_return_and_start_in_turn(page: Page, live: Server) -> None:
    running = begun_run(live.store)
    page.goto(live.url)
    page.get_by_role("button", name="Add to queue").click()
    expect(page.get_by_text("is in the queue")).to_be_visible()
    (first,) = live.store.queries.list_queued_runs()
    second = live.store.commands.create_run(TrainConfig())

    def order() -> list[int]:
        return [run.id for run in live.store.queries.list_queued_runs()]

    page.get_by_role("button", name="Queue, 2 waiting").press("Enter")
    page.get_by_role("button", name=f"Move {second.name} up").press("Enter")
    expect(page.get_by_role("listitem").first).to_contain_text(second.name)
    assert order() == [second.id, first.id]
    page.get_by_role("button", name=f"Remove {second.name}").press("Enter")
    expect(page.get_by_role("button", name="Queue, 1 waiting")).to_be_attached()
    assert order() == [first.id]
    page.keyboard.press("Enter")  # on Undo
    expect(page.get_by_role("button", name="Queue, 2 waiting")).to_be_attached()
    assert order() == [second.id, first.id]

    page.goto(f"{live.url}/?run={second.id}")
    expect(page.get_by_text(f"Position 1 in the queue, after {running.name}")).to_be_visible()
    live.store.trainer_writes.finish_run(running, RunStatus.COMPLETED)
    expect(page.get_by_text("Running", exact=True)).to_be_visible()


def test_runs_wait_train_and_finish_in_the_open_table(page: Page, live: Server) -> None:
    holder = begun_run(live.store)  # the others wait for it
    waiting = [live.store.commands.create_run(TrainConfig(model="softmax", epochs=1)) for _ in range(2)]
    page.goto(f"{live.url}/runs")
    for run in waiting:
        expect(row(page, run.name)).to_contain_text("Queued")
    live.store.trainer_writes.finish_run(holder, RunStatus.COMPLETED)
    for run in waiting:
        expect(row(page, run.name)).to_contain_text(re.compile(r"Finished\s*\d\d\.\d\d\s%"))  # its test accuracy


def test_a_diverged_run_says_so_and_offers_a_remedy(page: Page, live: Server) -> None:
    run = live.store.commands.create_run(TrainConfig(lr=1.0, momentum=0.99, batch_size=1))
    page.goto(f"{live.url}/?run={run.id}")
    expect(page.get_by_text(re.compile(r"Loss became (NaN|infinite) at step \d+"))).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name=re.compile("^Apply: Train again"))).to_be_visible()
    expect(page.get_by_role("button", name="Train again", exact=True)).to_be_visible()


def test_a_phone_shows_everything_without_scrolling_sideways(page: Page, live: Server) -> None:
    finished_run(live.store)
    page.set_viewport_size({"width": 390, "height": 844})
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for path in ("/", "/runs"):
        page.emulate_media(color_scheme="light")
        page.goto(live.url + path)
        page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_lines_move_to_where_plotly_draws_them(page: Page, live: Server, a_step: Callable[..., StepMetrics]) -> None:
    """Between two drawings by Plotly the chart moves the lines itself."""
    run = finished_run(live.store, steps=[a_step(step, loss=2 / step**0.5) for step in range(1, 200)])
    page.goto(f"{live.url}/?run={run.id}")
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot .trace:not(.points) > .lines > .js-line").nth(1)).to_be_attached()
    script = """async (module) => {
      const { moveLines } = await import(module);
      const chart = document.querySelector('.js-plotly-plot');
      const lines = [...chart.querySelectorAll('.trace:not(.points) > .lines > .js-line')];
      const boxes = () => lines.map((line) => Object.values(DOMRect.fromRect(line.getBBox()).toJSON()));
      const drawn = boxes();
      lines.forEach((line) => line.setAttribute('d', 'M0,0'));
      if (!moveLines(chart, chart.data)) throw new Error('not moved');
      return [drawn, boxes()];
    }"""
    drawn, moved = page.evaluate(script, asset_url("components/live_chart/moving_lines.js"))
    assert len(drawn) >= 2
    for before, after in zip(drawn[:2], moved[:2], strict=True):
        assert after == pytest.approx(before, abs=0.5)

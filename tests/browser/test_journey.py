"""A person trains a network and watches, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_dashboard.server.assets import asset_url
from tests.browser.browser_driver import MORE_POINTS, POINTS, set_epochs, start_long_run
from tests.support.processes import Server

X_RANGE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.range"


@pytest.fixture
def page_errors(page: Page) -> Iterator[list[str]]:
    """Errors of the page's scripts. A journey that uses this fixture must end without any."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield errors
    assert not errors


def test_a_run_can_be_tuned_watched_zoomed_reloaded_stopped_and_found_again(
    page: Page, live: Server, page_errors: list[str]
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

    seen = page.evaluate(POINTS)
    page.reload()
    page.wait_for_function(MORE_POINTS, arg=seen)
    first = page.evaluate("() => Math.min(...document.querySelector('.js-plotly-plot').data.map((t) => t.x?.[0] ?? 9))")
    assert first == 1
    assert live.store.queries.get_run(run).status is RunStatus.RUNNING

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
    page.get_by_role("link", name="Runs").click()
    row = page.get_by_role("row").filter(has_text=f"run-{run}")
    expect(row).to_contain_text("Stopped")
    expect(page).to_have_url(re.compile(rf"run={run}\b"))


def test_the_matrix_shows_live_batches_and_each_evaluation(page: Page, live: Server) -> None:
    page.goto(live.url)
    start_long_run(page, live)
    matrix = page.get_by_role("grid", name="training images, last 100 batches")
    expect(matrix).to_be_visible()
    page.get_by_role("button", name=re.compile("^Step ")).first.click()
    expect(page.get_by_role("grid", name="validation images, step")).to_be_visible()
    page.get_by_role("button", name="Row %").click()
    expect(page.locator(".mt-matrix-diagonal", has_text=re.compile(r"^\d+\.\d$")).first).to_be_visible()


def test_a_run_survives_its_tab_and_shows_in_another(page: Page, context: BrowserContext, live: Server) -> None:
    page.goto(live.url)
    run = start_long_run(page, live)
    page.close()
    other = context.new_page()
    other.goto(live.url)
    other.wait_for_function(MORE_POINTS, arg=live.store.queries.get_run(run).progress.step)
    expect(other.locator(".mt-strip-name")).to_have_text(f"run-{run}")  # the address without a run follows it
    assert live.store.queries.get_run(run).status is RunStatus.RUNNING


def test_the_queue_starts_the_next_run_after_the_first(page: Page, live: Server) -> None:
    page.goto(live.url)
    first = start_long_run(page, live)
    page.get_by_role("button", name="Add to queue").click()
    expect(page.get_by_text("is in the queue")).to_be_visible()
    second = live.store.queries.list_queued_runs()[0].id
    page.goto(f"{live.url}/?run={second}")
    expect(page.get_by_text(f"Position 1 in the queue, after run-{first}")).to_be_visible()
    live.store.commands.request_stop(first)
    expect(page.get_by_text("Running", exact=True)).to_be_visible()


def test_a_diverged_run_says_so_and_offers_a_remedy(page: Page, live: Server) -> None:
    run = live.store.commands.create_run(TrainConfig(lr=1.0, momentum=0.99, batch_size=1))
    page.goto(f"{live.url}/?run={run.id}")
    expect(page.get_by_text(re.compile(r"Loss became (NaN|infinite) at step \d+"))).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name=re.compile("^Apply: Train again"))).to_be_visible()
    expect(page.get_by_role("button", name="Train again", exact=True)).to_be_visible()


def test_selected_runs_are_overlaid_in_colours_of_their_own(page: Page, live: Server) -> None:
    runs = [live.store.commands.create_run(TrainConfig(model="softmax", epochs=1, seed=seed)) for seed in (1, 2)]
    page.goto(f"{live.url}/runs")
    for run in runs:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=run.name, exact=True))
        expect(row).to_contain_text("Finished", timeout=20_000)
        row.get_by_role("checkbox").check()
    colors = """() => [...new Set(document.querySelector('.js-plotly-plot').data
        .filter((t) => t.mode === 'lines' && t.x.length > 1).map((t) => t.line.color))].length"""
    page.wait_for_function(f"() => ({colors})() === 2")
    page.get_by_role("link", name=runs[0].name, exact=True).click()
    expect(page).to_have_url(re.compile(rf"/\?run={runs[0].id}$"))


def test_nothing_is_fetched_from_another_host(page: Page, live: Server, page_errors: list[str]) -> None:
    hosts: set[str | None] = set()

    def note(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    page.context.on("request", note)
    page.goto(live.url)
    start_long_run(page, live)
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("table")).to_be_visible()
    assert hosts - {None} == {"localhost"}  # None: `data:` and `blob:`


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(page: Page, live: Server, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", "/runs"):
        page.goto(live.url + path)
        page.wait_for_selector(".js-plotly-plot .xtick", state="attached")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_lines_move_to_where_plotly_draws_them(page: Page, live: Server) -> None:
    """Between two drawings by Plotly the chart moves the lines itself."""
    page.goto(live.url)
    set_epochs(page, 1)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
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

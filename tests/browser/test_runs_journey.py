"""A person compares runs, in a real browser over a store of made-up runs."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.factories import search_runs
from tests.support.live_runs import begun_run
from tests.support.processes import Eventually, Server, running_server

RUNS, STEPS = 60, 900
FEED = "**/live?*"
HOSTILE = '<img src=x onerror="document.title=1"> =1+1 **bold** :streamlit: -> $x$'
DRAWN = """() => [...document.querySelectorAll('.js-plotly-plot')].map((chart) =>
    chart.data.filter((trace) => trace.mode === 'lines' && trace.x.length > 1).length)"""
X_TITLE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.title.text"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> Iterator[Server]:
    """A server with finished runs and without images: nothing is trained here."""
    folder = tmp_path_factory.mktemp("server")
    store = RunStore.open(folder)
    search_runs(store, RUNS, STEPS)
    store.commands.edit_run(store.queries.find_run("search-1").id, name=HOSTILE)
    store.close()
    with running_server(folder, tmp_path_factory.mktemp("no_images"), eventually) as started:
        yield started


@pytest.fixture
def runs(page: Page, server: Server) -> Page:
    """The Runs page. The first test to use it is the first visitor of a new server."""
    page.goto(f"{server.url}/runs")
    expect(rows(page).first).to_be_visible()
    return page


def rows(page: Page) -> Locator:
    return page.locator(".mt-table tbody tr[data-run]")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has=page.get_by_role("link", name=name, exact=True))


def names(page: Page) -> list[str]:
    return page.locator(".mt-table tbody a.mt-table-name").all_inner_texts()


def select(page: Page, *wanted: str) -> None:
    for name in wanted:
        page.get_by_label("Filter Name").fill(name)
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    page.get_by_label("Filter Name").fill("")


def test_the_first_page_of_a_new_server_has_its_navigation_and_cuts_no_column(runs: Page) -> None:
    expect(runs.get_by_role("link", name="Train")).to_be_visible()
    cut = """() => [...document.querySelectorAll('.mt-table :is(th, td) , .mt-table thead button')]
        .filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"""
    assert [text for text in runs.evaluate(cut) if HOSTILE[:8] not in text] == []
    box = runs.locator(".mt-table-box")
    assert box.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    # On a narrow page the name stays.
    runs.set_viewport_size({"width": 1024, "height": 768})
    runs.wait_for_function("() => document.querySelector('.mt-table-box').clientWidth < 1024")
    box.evaluate("(box) => { box.scrollLeft = 400; }")
    link = row(runs, "search-58").get_by_role("link")
    assert link.evaluate(
        "(link) => document.elementFromPoint(...[1, 1].map((d, i) => d + "
        "(i ? link.getBoundingClientRect().y : link.getBoundingClientRect().x))) === link"
    )


def test_the_table_builds_only_visible_rows_and_scrolls_through_all(runs: Page) -> None:
    expect(runs.get_by_role("table", name="Runs")).to_have_attribute("aria-rowcount", str(RUNS + 1))
    assert rows(runs).count() < RUNS
    first = runs.locator(".mt-table tbody input").first
    first.focus()
    first.press("End")
    expect(runs.locator(":focus")).to_have_attribute("aria-label", f"Select {HOSTILE}")
    runs.locator(":focus").press("Space")
    expect(runs.get_by_text(f"{RUNS} runs, 1 selected")).to_be_visible()


def test_sorting_filters_and_search_are_kept_in_the_address(runs: Page) -> None:
    runs.get_by_role("button", name="Test accuracy").click()
    expect(runs.get_by_role("columnheader", name="Test accuracy")).to_have_attribute("aria-sort", "descending")
    accuracies = [float(text.split()[0]) for text in column(runs, "Test accuracy").all_inner_texts()]
    assert accuracies == sorted(accuracies, reverse=True)
    runs.get_by_role("button", name="Filters").click()
    runs.get_by_label("Filter Batch size").fill("128")
    expect(runs.get_by_text(re.compile(rf"^\d+ of {RUNS} runs$"))).to_be_visible()
    assert set(column(runs, "Batch size").all_inner_texts()) == {"128"}
    runs.get_by_label("Search runs").fill("nothing like that")
    expect(runs.get_by_text("No run matches these filters.")).to_be_visible()
    runs.get_by_label("Search runs").fill("search")
    expect(runs).to_have_url(re.compile(r"q=search"))
    before = names(runs)
    runs.goto(runs.url)
    expect(rows(runs).first).to_be_visible()
    assert names(runs) == before


def column(page: Page, title: str) -> Locator:
    titles = page.locator(".mt-table thead tr").first.locator("th")
    place = next(i for i in range(titles.count()) if titles.nth(i).inner_text().startswith(title))
    return page.locator(f".mt-table tbody tr[data-run] > :nth-child({place + 1})")


def test_columns_are_remembered_across_visits(runs: Page, server: Server) -> None:
    runs.get_by_text("Columns", exact=True).click()
    runs.get_by_role("group", name="Columns").get_by_label("Momentum").uncheck()
    runs.get_by_role("group", name="Columns").get_by_label("Optimizer").check()
    runs.goto(f"{server.url}/runs")
    expect(runs.get_by_role("columnheader", name="Optimizer")).to_be_attached()
    expect(runs.get_by_role("columnheader", name="Momentum")).to_have_count(0)


def test_a_baseline_shows_differences_in_every_metric_and_in_the_charts(runs: Page) -> None:
    runs.get_by_role("button", name="Filters").click()
    select(runs, "search-60")
    runs.get_by_role("button", name="Set as baseline").click()
    expect(row(runs, "search-60")).to_contain_text("baseline")
    for metric in ("Best validation", "Test accuracy", "Test loss", "Speed (img/s)"):
        expect(column(runs, metric).nth(1)).to_contain_text(re.compile(r" [+−±]\d"))
    select(runs, "search-59")
    runs.wait_for_function(f"() => ({DRAWN})().join() === '2,2'")
    runs.get_by_text("Difference", exact=True).click()
    runs.wait_for_function("() => document.querySelector('.js-plotly-plot').layout.yaxis.title.text.startsWith('Diff')")


def test_two_selected_runs_have_curves_in_colours_of_their_own_over_epochs_and_images_and_a_verdict(runs: Page) -> None:
    runs.get_by_role("button", name="Filters").click()
    select(runs, "search-4", "search-9")
    for axis, title, low, high in (("Epoch", "Epoch", 0.5, 3), ("Images", "Images seen", 25_000, 130_000)):
        runs.get_by_role("radio", name=axis).or_(runs.get_by_role("button", name=axis, exact=True)).click()
        runs.wait_for_function(f"(title) => ({X_TITLE})() === title", arg=title)
        last = "Math.max(...document.querySelector('.js-plotly-plot').data.map((t) => t.x.at(-1)))"
        runs.wait_for_function(f"([low, high]) => {last} > low && {last} < high", arg=[low, high])
    colors = """() => [...new Set(document.querySelector('.js-plotly-plot').data
        .filter((t) => t.mode === 'lines' && t.x.length > 1).map((t) => t.line.color))].length"""
    runs.wait_for_function(f"() => ({colors})() === 2")
    expect(runs).to_have_url(re.compile("over=Images"))
    runs.reload()
    runs.wait_for_function(f"() => document.querySelector('.js-plotly-plot') && ({X_TITLE})() === 'Images seen'")
    view(runs, "Verdict")
    expect(runs.get_by_text("search-4 is better than search-9")).to_be_visible()
    expect(runs).to_have_url(re.compile("show=Verdict"))


def test_seeds_are_grouped_into_one_row_and_one_band(runs: Page) -> None:
    runs.get_by_label("Group runs by").select_option("seeds")
    group = runs.locator(".mt-table-group").first
    expect(group).to_contain_text("3 seeds")
    expect(group).to_contain_text(re.compile(r"\d\.\d\d\s%\s±\d\.\d\d"))
    group.get_by_role("checkbox").check()
    expect(runs.get_by_text(f"{RUNS} runs, 3 selected")).to_be_visible()
    runs.wait_for_function(f"() => ({DRAWN})()[0] === 3")
    runs.get_by_text("Seeds as bands", exact=True).click()
    runs.wait_for_function("() => document.querySelector('.js-plotly-plot').data.some((t) => t.fill === 'tonexty')")


def view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name, exact=True)).click()


def test_details_show_the_rerun_command_and_a_row_is_exported_as_csv(runs: Page, server: Server) -> None:
    run = server.store.queries.find_run("search-7")
    runs.get_by_role("button", name="Filters").click()
    select(runs, run.name)
    view(runs, "Details")
    expect(runs.get_by_role("heading", name="Environment")).to_be_visible()
    expect(runs.get_by_text(f"python -m mnist_core rerun {run.id}")).to_be_visible()
    runs.get_by_role("button", name="Export").click()
    runs.get_by_role("button", name="Prepare the file").click()
    with runs.expect_download() as download:
        runs.get_by_role("link", name="Download search-7-csv.csv").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["Run"], float(row["Learning rate"])) == (run.name, run.config.lr)
    assert float(row["Test accuracy"]) == run.results.test_accuracy


def test_dragging_along_an_axis_keeps_only_the_runs_in_that_range_in_colour(runs: Page) -> None:
    view(runs, "Hyperparameters")
    lines = runs.locator(".mt-parallel-lines polyline")
    expect(lines).to_have_count(RUNS)
    outside = runs.locator(".mt-parallel-lines polyline.mt-parallel-out")
    axis = runs.get_by_role("slider", name="Range of Learning rate")
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box
    x = box["x"] + box["width"] / 2
    runs.mouse.move(x, box["y"] + 0.1 * box["height"])
    runs.mouse.down()
    runs.mouse.move(x, box["y"] + 0.6 * box["height"], steps=4)
    runs.mouse.up()
    summary = runs.get_by_text(re.compile(rf"^\d+ of {RUNS} runs lie in the ranges\.$"))
    expect(summary).to_be_visible()
    inside = int(summary.inner_text().split()[0])
    assert 0 < inside < RUNS
    expect(outside).to_have_count(RUNS - inside)
    axis.press("Escape")
    expect(outside).to_have_count(0)


def test_a_row_is_ticked_starred_and_renamed_where_it_stands_and_leads_to_its_run(runs: Page, server: Server) -> None:
    line = row(runs, "search-40")
    line.get_by_text("MNIST", exact=True).click()
    expect(line.get_by_role("checkbox")).to_be_checked()
    row(runs, "search-38").get_by_text("MNIST", exact=True).click(modifiers=["Shift"])
    expect(runs.get_by_text(f"{RUNS} runs, 3 selected")).to_be_visible()
    line.get_by_role("button", name="Star search-40").click()
    expect(line.get_by_role("button", name="Star search-40")).to_have_attribute("aria-pressed", "true")
    line.get_by_role("link").focus()
    runs.keyboard.press("Space")
    expect(line.get_by_role("checkbox")).not_to_be_checked()
    runs.keyboard.press("F2")
    field = runs.get_by_label("New name of search-40")
    field.fill("search-39")
    field.press("Enter")
    expect(runs.get_by_text("A run named 'search-39' exists already. Choose another name.")).to_be_visible()
    expect(field).to_have_value("search-39")
    field.fill("renamed")
    field.press("Enter")
    expect(row(runs, "renamed")).to_be_visible()
    assert server.store.queries.find_run("renamed").starred
    other = row(runs, "search-39")
    run = server.store.queries.find_run("search-39")
    other.get_by_role("link").click()
    expect(runs).to_have_url(re.compile(rf"/\?run={run.id}$"))


def test_a_filter_that_makes_no_sense_is_named_and_cleared(runs: Page, server: Server) -> None:
    runs.goto(f"{server.url}/runs?where=lr:fast&where=nothing:1")
    notice = runs.get_by_role("alert").filter(has_text="Left out")
    expect(notice).to_contain_text("“fast” is no condition on Learning rate")
    expect(notice).to_contain_text("There is no column “nothing”.")
    runs.get_by_role("button", name="Clear", exact=True).click()
    expect(notice).to_be_hidden()
    expect(runs).not_to_have_url(re.compile("where="))
    runs.get_by_role("button", name="Filters").click()
    runs.get_by_label("Filter Learning rate").fill(">0,2")
    expect(runs.get_by_text(re.compile(rf"^\d+ of {RUNS} runs$"))).to_be_visible()


def test_back_and_forward_restore_selection_order_and_view(runs: Page) -> None:
    row(runs, "search-57").get_by_role("checkbox").check()
    expect(runs).to_have_url(re.compile("runs=57$"))
    runs.get_by_role("button", name="Test loss").click()
    expect(runs).to_have_url(re.compile("sort=test_loss"))
    runs.go_back()
    expect(runs.locator("[aria-sort]")).to_have_count(0)
    expect(runs.get_by_text(f"{RUNS} runs, 1 selected")).to_be_visible()
    runs.go_back()
    expect(runs.get_by_text(f"{RUNS} runs", exact=True)).to_be_visible()
    runs.go_forward()
    expect(runs.get_by_text(f"{RUNS} runs, 1 selected")).to_be_visible()


def test_names_are_shown_as_text_everywhere(runs: Page) -> None:
    runs.get_by_role("button", name="Filters").click()
    select(runs, HOSTILE)
    for name in ("Verdict", "Hyperparameters", "Details", "Curves"):
        view(runs, name)
        # Curves are the default, which the address leaves out.
        expect(runs).to_have_url(re.compile(f"show={name}" if name != "Curves" else r"^(?!.*show=)"))
    runs.get_by_role("button", name="Delete").click()
    escaped = HOSTILE.replace(":streamlit", ":\u2060streamlit").replace("->", "-\u2060>")  # see ui/markdown.py
    expect(runs.get_by_text(f"Deleted {escaped}.")).to_be_visible()
    runs.get_by_role("button", name="Undo").click()
    expect(runs.get_by_text("The deleted runs are back.")).to_be_visible()
    assert runs.locator("img[src=x]").count() == 0
    assert runs.title() != "1"


@contextlib.contextmanager
def held_feed(page: Page) -> Iterator[None]:
    """Hold back every connection to the live feed until the block ends."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        routes.append(route)

    page.route(FEED, hold)
    yield
    for route in routes:
        route.continue_()
    page.unroute(FEED)


def test_an_edit_before_the_feed_connects_is_shown(page: Page, server: Server) -> None:
    edited = server.store.queries.find_run("search-50")
    with held_feed(page):
        page.goto(f"{server.url}/runs")
        expect(row(page, edited.name)).to_be_visible()
        server.store.commands.edit_run(edited.id, tags=["early"])
    expect(row(page, edited.name)).to_contain_text("early")


def test_an_edit_while_the_feed_reconnects_is_shown(runs: Page, server: Server) -> None:
    edited = server.store.queries.find_run("search-51")
    server.store.commands.edit_run(edited.id, tags=["begun"])
    expect(row(runs, edited.name)).to_contain_text("begun")  # the first connection reports changes of runs
    boxes = runs.locator(".mt-table tbody input")
    with held_feed(runs):
        for number in (0, 1):
            with runs.expect_request(FEED):
                boxes.nth(number).check()
        server.store.commands.edit_run(edited.id, tags=["between"])
        expect(row(runs, edited.name)).to_contain_text("between")


def test_rows_are_updated_while_scroll_and_selection_stay(runs: Page, server: Server) -> None:
    first = runs.locator(".mt-table tbody input").first
    first.check()
    runs.evaluate("() => { document.querySelector('.mt-table-box').scrollTop = 700; }")
    edited = server.store.commands.edit_run(server.store.queries.find_run("search-30").id, tags=["fresh"])
    expect(row(runs, edited.name)).to_contain_text("fresh")
    assert runs.evaluate("() => document.querySelector('.mt-table-box').scrollTop") == 700
    expect(runs.get_by_text(f"{RUNS} runs, 1 selected")).to_be_visible()

    begun = begun_run(server.store, "search-61")
    line = row(runs, begun.name)
    runs.evaluate("() => { document.querySelector('.mt-table-box').scrollTop = 0; }")
    expect(line).to_contain_text("Running")
    server.store.trainer_writes.finish_run(begun, RunStatus.COMPLETED)
    expect(line).to_contain_text("Finished")

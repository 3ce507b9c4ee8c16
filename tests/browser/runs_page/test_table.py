"""A person sorts, filters, selects and edits runs in the table, in a real browser over a store of made-up runs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from playwright.sync_api import Page, Route, expect

from mnist_core.records import RunStatus
from tests.browser.runs_page.runs_driver import HOSTILE, RUNS, column, names, row, rows
from tests.support.live_runs import begun_run
from tests.support.processes import Server

FEED = "**/live?*"


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


def test_columns_are_remembered_across_visits(runs: Page, server: Server) -> None:
    runs.get_by_text("Columns", exact=True).click()
    runs.get_by_role("group", name="Columns").get_by_label("Momentum").uncheck()
    runs.get_by_role("group", name="Columns").get_by_label("Optimizer").check()
    runs.goto(f"{server.url}/runs")
    expect(runs.get_by_role("columnheader", name="Optimizer")).to_be_attached()
    expect(runs.get_by_role("columnheader", name="Momentum")).to_have_count(0)


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

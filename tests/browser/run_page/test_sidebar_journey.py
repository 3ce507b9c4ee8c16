"""The sidebar keeps its rows, what somebody types and what somebody has chosen, in a real browser."""

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from mnist_core.records import RunStatus
from tests.support.live_runs import begun_run
from tests.support.processes import Server

ROWS = """() => [...document.querySelectorAll('.st-key-settings > *')]
    .map((row) => row.getBoundingClientRect()).filter((box) => box.height).map(({ y, height }) => [y, height])"""


def expect_rows(page: Page, rows: list[list[float]]) -> None:
    """Wait until the rows that a rerun replaces are gone, and all others are where they were."""
    page.wait_for_function(f"(rows) => JSON.stringify(({ROWS})()) === JSON.stringify(rows)", arg=rows)


def wait_for_settings_form(field: Locator) -> None:
    """Wait until the form handles keys and presses. It then marks a number field that gets the focus."""
    expect(field).to_be_visible()
    field.page.wait_for_function(
        """(label) => {
            const input = document.querySelector(`input[aria-label="${label}"]`); // a new one, if the form was rebuilt
            input?.blur();
            input?.focus();
            return input?.inputMode === "decimal";
        }""",
        arg=field.get_attribute("aria-label"),
    )


def test_rows_stay_in_place_and_text_survives_the_end_of_a_run(page: Page, live: Server) -> None:
    page.goto(live.url)
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    rows = page.evaluate(ROWS)
    run = begun_run(live.store)
    expect(page.get_by_role("button", name="Add to queue")).to_be_visible()
    expect_rows(page, rows)
    page.get_by_role("radio", name="This run").click()
    expect(page.get_by_text("Applies from the next batch on")).to_be_visible()
    field = page.get_by_label("Learning rate, exact value")
    expect(field).to_have_count(1)
    expect_rows(page, rows)
    field.fill("0,02")
    page.keyboard.press("ArrowLeft")

    live.store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    expect(page.get_by_text("This run is over.")).to_be_visible()
    expect_rows(page, rows)
    expect(field).to_be_focused()
    expect(field).to_have_value("0,02")
    assert field.evaluate("(input) => input.selectionStart") == 3
    field.press("Enter")
    expect(page.get_by_text("there is nothing to adjust")).to_be_visible()
    expect(field).to_be_disabled()
    expect_rows(page, rows)


def test_the_draft_comes_back_and_arrow_keys_step_a_number(page: Page, context: BrowserContext, live: Server) -> None:
    page.goto(live.url)
    field = page.get_by_label("Learning rate, exact value")
    wait_for_settings_form(field)
    field.fill("0,05")
    field.press("ArrowUp")
    expect(page.get_by_text("Defaults, but learning rate 0.051.")).to_be_visible()
    expect(field).to_have_value("0.051")
    field.fill("fast")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Learning rate must be a number between 0.0001 and 1, got 'fast'.")).to_be_visible()
    field.fill("0.06")
    field.press("Enter")
    page.wait_for_function("(before) => document.cookie.includes('mnist_draft_')", arg="")
    expect(page.get_by_text("Defaults, but learning rate 0.06.")).to_be_visible()
    page.reload()
    expect(field).to_have_value("0.06")
    other = context.new_page()
    other.goto(live.url)
    expect(other.get_by_label("Learning rate, exact value")).to_have_value("0.06")


def test_the_drawer_of_a_phone_closes_after_start(page: Page, live: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live.url)
    page.get_by_test_id("stExpandSidebarButton").click()
    wait_for_settings_form(page.get_by_label("Learning rate, exact value"))
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar).to_have_attribute("data-collapsed", "false")
    page.get_by_role("button", name=re.compile("Start training|Add to queue")).click()
    expect(sidebar).to_have_attribute("data-collapsed", "true")


def test_a_range_test_paints_the_slider_and_suggests_a_rate(page: Page, live: Server) -> None:
    page.goto(live.url)
    find = page.get_by_role("button", name="Find a good rate")
    expect(find).to_be_enabled()
    rows = page.evaluate(ROWS)
    find.click()
    suggestion = page.get_by_role("button", name=re.compile("Suggested 0"))
    expect(suggestion).to_be_visible(timeout=30_000)
    expect_rows(page, rows)
    zone = page.get_by_role("button", name=re.compile(r"^Safe up to 0\.\d+$"))
    zone.click()
    expect(page.get_by_role("img", name=re.compile("Loss over the learning rate. Safe up to"))).to_be_visible()
    zone.press("Escape")
    expect(zone).to_have_attribute("aria-expanded", "false")
    rate = suggestion.inner_text().removeprefix("Suggested ")
    suggestion.click()
    field = page.get_by_label("Learning rate, exact value")
    expect(field).to_have_value(rate)
    expect(page.get_by_text(f"Defaults, but learning rate {rate}.")).to_be_visible()
    momentum = page.get_by_label("Momentum, exact value")
    momentum.fill("0.9")
    momentum.press("Enter")
    expect(page.get_by_text("Tested with momentum 0.5.")).to_be_visible()
    expect(page.get_by_role("button", name="Test again")).to_be_enabled()
    page.reload()
    momentum.fill("0.5")
    momentum.press("Enter")
    expect(suggestion).to_be_visible()
    expect_rows(page, rows)

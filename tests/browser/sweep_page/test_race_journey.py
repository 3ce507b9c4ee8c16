"""A person races three settings, sees who leads, and takes the settings of the leader."""

import re

from playwright.sync_api import Page, expect

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.runs.races import start_race
from tests.browser.browser_driver import LOW_CONTRAST
from tests.support.processes import Server

LR = "Lane {}, learning rate, exact value"


def test_a_race_is_started_followed_and_its_leader_applied(page: Page, live: Server) -> None:
    page.goto(f"{live.url}/sweep?tab=race")
    expect(page.get_by_text("No race yet. Choose what differs and press Start race.")).to_be_visible()
    enter_lanes(page)
    page.get_by_role("button", name="Start race").click()
    expect(page).to_have_url(re.compile(r"/sweep\?race=\d+"))
    lanes = page.locator(".mt-lane")
    expect(lanes).to_have_count(3)
    expect(page.locator(".mt-strip-badge", has_text="Finished")).to_be_visible(timeout=120_000)
    runs = live.store.queries.list_runs()
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * 3
    assert len({run.race_id for run in runs}) == 1
    expect(lanes.first).to_contain_text(re.compile("leads|level"))
    expect(page.locator(".mt-sentence-text")).to_contain_text(
        re.compile(r"points of validation after 1 epoch|are level after")
    )
    expect(page.locator(".mt-race-loss .mt-race-line")).to_have_count(3)
    expect(page.locator(".mt-race-gap .mt-race-dot")).to_have_count(6)
    page.locator(".mt-race-loss .mt-race-chart").hover()
    expect(page.locator(".mt-race-readout").first).to_contain_text(re.compile(r"Step \d+lr 0\.001 \d.*lr 0\.05 \d"))
    assert page.evaluate(LOW_CONTRAST) == []
    lanes.filter(has_text="lr 0.05").get_by_role("button", name="Actions on lr 0.05").click()
    page.get_by_role("button", name="Apply to the sliders").click()
    expect(page.get_by_text("are in the sliders of the Train page")).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_label("Learning rate, exact value", exact=True)).to_have_value("0.05")


def test_a_lane_opens_its_run_and_leads_back_to_the_race(page: Page, live: Server) -> None:
    page.goto(f"{live.url}/sweep?tab=race")
    enter_lanes(page)
    page.get_by_role("button", name="Start race").click()
    page.get_by_role("link", name="lr 0.05").click()
    expect(page).to_have_url(re.compile(r"[?&]run=\d+"))
    page.locator('[class*="st-key-view_choice"]').get_by_text("Details").click()
    page.get_by_role("link", name=re.compile("A lane of race-")).click()
    expect(page).to_have_url(re.compile(r"/sweep\?race=\d+"))
    expect(page.locator(".mt-lane")).to_have_count(3)


def enter_lanes(page: Page) -> None:
    """Enter three learning rates, one epoch of a small network."""
    for lane, lr in enumerate(("0.001", "0.05", "0.3"), 1):
        field = page.get_by_label(LR.format(lane))
        field.fill(lr)
        field.press("Enter")
        expect(field).to_have_value(lr)
    choose(page, "Length", "1 epoch")


def choose(page: Page, box: str, option: str) -> None:
    page.get_by_label(re.compile(rf"{box}$")).last.click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_page_without_an_address_moves_on_to_the_race_that_somebody_starts(page: Page, live: Server) -> None:
    page.goto(f"{live.url}/sweep?tab=race")
    expect(page.get_by_text("No race yet.")).to_be_visible()
    for rates in ((0.02, 0.04), (0.06, 0.08)):
        lanes = start_race(live.store, [TrainConfig(model="softmax", epochs=1, lr=lr) for lr in rates])
        expect(page.locator(".mt-strip-name")).to_have_text(f"race-{lanes[0].id}")
        expect(page.locator(".mt-lane")).to_have_count(2)
        expect(page.locator(".mt-strip-badge", has_text="Finished")).to_be_visible(timeout=60_000)

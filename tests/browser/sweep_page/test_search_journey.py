"""A person who set the sliders badly starts a search, and takes over the settings that won."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.processes import Server


@pytest.mark.fault
def test_the_winner_of_a_search_goes_into_the_sliders(page: Page, live: Server) -> None:
    page.goto(f"{live.url}/")
    rate = page.get_by_label("Learning rate, exact value")
    rate.fill("0.0002")
    rate.press("Enter")
    page.get_by_role("link", name="Sweep").click()
    expect(page.get_by_text("No search yet. Set the ranges and press Start search.")).to_be_visible()
    for label, value in (("Trials, at most", "3"), ("Epochs", "1"), ("Training fraction", "0.2")):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
    for label in ("Momentum", "Batch size"):
        page.get_by_test_id("stCheckbox").get_by_text(label, exact=True).click()
    expect(page.get_by_label("Momentum, lowest value")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile(r"/sweep\?.*sweep=\d+"))
    board = page.get_by_role("table", name="Leaderboard")
    expect(board.get_by_role("row").nth(1)).to_contain_text(re.compile(r"0\.\d+"), timeout=90_000)
    won = page.get_by_text(
        re.compile(
            r"^Trial \d won: \d+\.\d+.% of test digits right after 1 epoch on 20.% .*; better than your settings"
        )
    )
    expect(won).to_be_visible(timeout=180_000)
    [sweep] = live.store.sweeps.list_sweeps()
    page.get_by_role("button", name=re.compile("^Apply")).click()
    expect(page.get_by_text(re.compile(r"On Train, the sliders now have learning rate 0\.\d+"))).to_be_visible()
    winner = max(live.store.sweeps.list_trials(sweep.id)[:3], key=lambda trial: trial.value or 0.0)
    page.get_by_role("link", name="Train").click()
    expect(rate).to_have_value(f"{winner.values['lr']:g}")
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("button", name=re.compile(rf"{sweep.name}, \d+ runs"))).to_be_visible()

"""A person looks for what a network gets wrong, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.browser_driver import train_small_run
from tests.support.processes import Server


def thumbs(page: Page) -> Locator:
    return page.get_by_role("group", name="Images").get_by_role("button")


def test_a_cell_leads_to_its_images_at_any_evaluation(page: Page, live: Server) -> None:
    run = train_small_run(page, live)
    test = live.store.queries.list_evaluations(run.id)[-1]
    assert test.split == "test"
    counts = {(i, j): n for i, row in enumerate(test.confusion) for j, n in enumerate(row) if i != j}
    (label, predicted), count = max(counts.items(), key=lambda item: item[1])

    page.get_by_role("gridcell", name=f"{label} read as {predicted}: {count} ").press("Enter")
    expect(page.get_by_role("heading", name=f"{label} read as {predicted}")).to_be_visible()
    expect(page.get_by_text(f"{count} image{'s' * (count > 1)}", exact=True)).to_be_visible()
    expect(thumbs(page).first).to_contain_text(re.compile(rf"{label} → {predicted}\s*\d+\s%"))
    expect(page).to_have_url(re.compile(f"cell={label}-{predicted}"))
    shares = [int(re.findall(r"(\d+)\s%", text)[0]) for text in thumbs(page).all_inner_texts() if text]
    assert shares == sorted(shares, reverse=True)

    # The network itself is asked about the chosen image.
    expect(page.get_by_text("Colour marks what")).to_be_visible(timeout=20_000)
    expect(page.get_by_text(f"a {label}", exact=True)).to_be_visible(timeout=20_000)

    page.get_by_role("button", name="This image over training").click()
    expect(page.get_by_role("img", name="story. ")).to_be_visible(timeout=20_000)

    slider = page.get_by_role("slider", name="Evaluation")
    slider.press("Home")
    first = live.store.queries.list_evaluations(run.id)[0]
    right = sum(first.confusion[digit][digit] for digit in range(10))
    total = sum(map(sum, first.confusion))
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"Step {first.step}, {100 * right / total:.2f}"))
    expect(page.get_by_role("gridcell", name="0 read as 0:")).to_have_text(str(first.confusion[0][0]))
    expect(page).to_have_url(re.compile(f"step={first.step}&split=validation"))

    page.reload()
    expect(page.get_by_role("slider", name="Evaluation")).to_have_attribute("aria-valuenow", "1")
    expect(page.get_by_role("heading", name=f"{label} read as {predicted}")).to_be_visible()

    page.go_back()  # over all that was looked at in between
    expect(page).not_to_have_url(re.compile("view=mistakes"))
    expect(page.locator(".js-plotly-plot").first).to_be_visible()

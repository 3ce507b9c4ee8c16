"""A person looks into a network, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.browser_driver import train_small_run
from tests.support.processes import Server


def choose_digits_and_read_the_words(page: Page) -> None:
    four, nine = (page.get_by_role("button", name=f"Show {digit}") for digit in (4, 9))
    four.click()
    expect(page.locator(".mt-map-digit[aria-pressed='true']")).to_have_text(["4"])
    nine.click()
    expect(page.locator(".mt-map-digit[aria-pressed='true']")).to_have_text(["4", "9"])
    page.get_by_role("button", name="Show all digits").click()
    expect(page.locator(".mt-map-digit[aria-pressed='true']")).to_have_count(11)

    page.get_by_role("button", name="What the words mean").click()
    expect(page.get_by_text("A picture of where a filter has found its pattern.").first).to_be_visible()
    page.keyboard.press("Escape")


def test_the_map_leads_to_an_image_and_to_mistakes_and_back(page: Page, live: Server) -> None:
    run = train_small_run(page, live)
    page.get_by_role("radio", name="Inside").click()

    # Softmax regression has no filters, and one layer.
    expect(page.get_by_text("This network has no filters; its first layer’s weights as images:")).to_be_visible()
    expect(page.get_by_role("img", name="10 weights as images of 28 × 28")).to_be_visible()
    expect(page.get_by_text("This network has a single layer: its answer.")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"Gradient norm by layer at step \d+: fc [\d.]+"))).to_be_visible()

    test = live.store.queries.list_evaluations(run.id)[-1]
    wrong = sum(map(sum, test.confusion)) - sum(test.confusion[digit][digit] for digit in range(10))
    plot = page.get_by_role("application", name=re.compile(f"test images, .*Ringed: the {wrong} read wrong"))
    expect(plot).to_be_visible()

    choose_digits_and_read_the_words(page)

    page.get_by_role("button", name="t-SNE").click()
    expect(page.get_by_text("Neighbours on the map (t-SNE) are alike")).to_be_visible()
    finished = page.get_by_role("button", name="t-SNE", exact=True)
    expect(finished).to_have_attribute("aria-pressed", "true", timeout=120_000)  # by a process of low priority
    expect(plot).to_be_visible()

    number = page.get_by_role("spinbutton", name="Image")
    first = number.input_value()
    plot.press("ArrowRight")
    expect(number).not_to_have_value(first)
    image = number.input_value()
    expect(page).to_have_url(re.compile(f"image={image}"))
    answer = page.get_by_role("status", name=re.compile(rf"Test image {image}: a \d, read as \d"))
    label, predicted = re.findall(r"a (\d), read as (\d)", answer.get_attribute("aria-label") or "")[0]
    assert label != predicted

    page.get_by_role("button", name="Show in Mistakes").click()
    expect(page.get_by_role("heading", name=f"{label} read as {predicted}")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Test image {image}")).to_be_visible()
    expect(page).to_have_url(re.compile("view=mistakes"))

    page.get_by_role("button", name="Look inside").click()
    expect(number).to_have_value(image)

    page.get_by_role("button", name="Draw one").click()
    pad = page.get_by_role("img", name=re.compile("^Drawing area"))
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 150, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 220, steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile(rf"^{run.name} reads \d"))).to_be_visible()
    page.get_by_role("radio", name="Inside").click()
    own = page.get_by_role("status", name=re.compile(r"Your digit: Read as \d"))
    expect(own).to_be_visible()
    page.get_by_role("button", name="Your digit").click()
    expect(own).to_have_count(0)

    page.get_by_role("slider", name="Evaluation").press("Home")
    expect(page.get_by_role("heading", name="Map of the validation images")).to_be_visible()
    expect(page).to_have_url(re.compile("split=validation"))

"""A person draws a digit, and uploads a photo of one; the run reads them."""

from __future__ import annotations

import re
from typing import Literal

from playwright.sync_api import FilePayload, Locator, Page, expect

from mnist_core.data.datasets import Dataset
from mnist_core.records import Run, RunStatus
from tests.browser.browser_driver import LOW_CONTRAST, set_epochs
from tests.support.pictures import photo
from tests.support.processes import Eventually, Server

READS = re.compile(r"^run-\d+ reads \d, [\d.<>]+\u202f%\.")
EXPLAINED = re.compile(r"^Colour marks what .*it (still )?reads \d\.$")
JUDGED = re.compile(r"%: (right|wrong, it is a 1)\.$")
STORY = re.compile(r"^(Read as \d|A guess) (from the start|at first)")

Path = list[tuple[int, int]]

MIDDLE = """() => {
  const pad = document.querySelector('.mt-pad-canvas');
  return pad.getContext('2d').getImageData(pad.width / 2, pad.height / 2, 1, 1).data[0];
}"""
"""The red of the ink at the middle of the pad."""

SCHEMES: dict[Literal["light", "dark"], int] = {"dark": 0xE6, "light": 0x1B}
"""The red of the ink in each theme."""

ONE: Path = [(0, -100), (0, 100)]
"""From the middle of the pad, in pixels."""


def drag(page: Page, pad: Locator, path: Path) -> None:
    box = pad.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for i, (x, y) in enumerate(path):
        page.mouse.move(middle[0] + x, middle[1] + y, steps=10)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def assert_probabilities(page: Page) -> None:
    figures = [cell.inner_text() for cell in page.get_by_role("table", name="Probability").get_by_role("cell").all()]
    assert len(figures) == 10
    assert all(re.fullmatch(r"[<>]?\d+\.\d", figure) for figure in figures)
    assert sum(float(figure.strip("<>")) for figure in figures) > 95


def assert_explained(page: Page, run: Run) -> None:
    """What speaks for the answer is shown when the reader asks for it, and whose story it is stands above it."""
    note, switch = page.locator(".mt-draw-seen .mt-draw-note"), page.get_by_role("switch", name="Heat map")
    expect(note).to_contain_text("weight of ink (the cross)")
    switch.check()
    expect(note).to_have_text(EXPLAINED)
    switch.uncheck()
    expect(note).to_contain_text("weight of ink (the cross)")
    expect(page.get_by_role("heading", name=f"story in {run.name}")).to_be_visible()


def assert_covers(upper: Locator, lower: Locator) -> None:
    """From top to bottom, but for the line around it."""
    cover, covered = upper.bounding_box(), lower.bounding_box()
    assert cover
    assert covered
    assert cover["y"] <= covered["y"] + 1
    assert cover["y"] + cover["height"] >= covered["y"] + covered["height"] - 1


def test_a_drawing_is_read_while_the_hand_moves_taken_back_and_found_again(
    page: Page, live: Server, eventually: Eventually, digits: Dataset
) -> None:
    page.goto(live.url)
    set_epochs(page, 1)
    page.get_by_role("button", name="Start training").click()
    eventually(lambda: [run.status for run in live.store.queries.list_runs()] == [RunStatus.COMPLETED])
    (run,) = live.store.queries.list_runs()
    page.goto(f"{live.url}/?run={run.id}&view=draw")
    pad, verdict = page.get_by_role("img", name=re.compile("^Drawing area")), page.locator(".mt-verdict b")
    status = page.locator(".mt-draw-read").get_by_role("status")
    expect(status).to_have_text(re.compile("show as soon as you draw"))

    drag(page, pad, ONE)
    expect(verdict).to_have_text(READS)
    expect(status).to_have_text(READS)  # what screen readers hear
    expect(page.locator(".mt-story-words")).to_have_text(STORY)
    assert_probabilities(page)
    assert_explained(page, run)

    page.get_by_label("Digit that it is meant to be").select_option("1")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".mt-kept-scores")).to_have_text(re.compile(rf"^Read right: {run.name} [01] of 1\.$"))
    expect(verdict).to_have_text(JUDGED)
    (kept,) = live.store.drawings.list_drawings()
    assert (kept.label, max(kept.image)) == (1, 255)

    # The outcome covers the sentence below the progress bar whole, and ends with the view.
    outcome = page.locator(".st-key-outcome")
    expect(outcome).to_contain_text("Kept.")
    assert_covers(outcome, page.locator(".mt-sentence"))

    # Another view and back: the drawing is still there, and read again. So it is after a change of the theme.
    page.get_by_role("radio", name="Details").click()
    expect(pad).to_be_hidden()
    expect(outcome).to_have_count(0)
    page.get_by_role("radio", name="Draw").click()
    expect(verdict).to_have_text(READS)
    for scheme, shade in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"() => ({MIDDLE})() === {shade}")
        page.wait_for_function(f"() => !({LOW_CONTRAST})().length")

    pad.press("Control+z")
    expect(verdict).to_have_text("")
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()

    picture: FilePayload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo(digits.test.images[0])}
    page.get_by_label("Photo of a digit").set_input_files(picture)
    expect(verdict).to_have_text(READS)
    expect(page.locator(".mt-story-words")).to_have_text(STORY)
    page.get_by_role("button", name="Turn it round").click()  # then the paper is the ink
    expect(verdict).to_have_text(re.compile("^No digit found"))
    page.get_by_label("Photo of a digit").set_input_files({**picture, "buffer": b"no picture"})
    expect(verdict).to_have_text("The file is not a picture that can be read. Choose a PNG, JPEG or WebP picture.")
    page.get_by_role("button", name="Clear").click()
    expect(verdict).to_have_text("")

    page.get_by_role("button", name="Drawing: 1").click()
    expect(verdict).to_have_text(JUDGED)
    page.get_by_role("button", name="Delete", exact=True).click()
    eventually(lambda: not live.store.drawings.list_drawings())


def test_without_any_weights_the_view_says_what_to_do(page: Page, live: Server) -> None:
    page.goto(f"{live.url}/?view=draw")
    expect(page.locator(".mt-draw-read").get_by_role("status")).to_have_text(re.compile("Train one first"))
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_disabled()

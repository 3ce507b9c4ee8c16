"""Measure the view Draw of a run on MNIST, in a real browser. Prints one table.

    MNIST_DATA_DIR=... python benchmarks/pages/draw_page.py [--rounds 15]

Needs Chromium or Chrome. First trains the classic network for one epoch, then draws a 7 again and again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.browser import launch_browser  # noqa: E402
from benchmarks.lib.measure import Figure, classic_config, print_head, print_row  # noqa: E402
from benchmarks.lib.server import train_on_server, warm_server  # noqa: E402

SEVEN = [(-60, -90), (60, -90), (-20, 100)]
"""From the middle of the pad, in pixels."""

POINTS = 15
"""Movements of the mouse on each line of it."""

WATCH_ANSWER = """(question) => {
  window.answered = new Promise((resolve) => {
    document.querySelector('.mt-pad-canvas').addEventListener('pointerup', () => {
      const endedAt = performance.now();
      new PerformanceObserver((entries, observer) => {
        const isAnswer = ({ name, startTime }) => name.includes(question) && startTime >= endedAt;
        if (!entries.getEntries().some(isAnswer)) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - endedAt)));
      }).observe({ type: 'resource' });
    }, { once: true });
  });
}"""
"""Waits for the answer to the first question put after the end of a stroke, and for the frame that shows it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="drawings of each figure (default: 15)")
    options = parser.parse_args()
    with warm_server() as server, sync_playwright() as playwright:
        (run,) = train_on_server(server, classic_config(validation_fraction=0.1)).runs
        print_head()
        browser = launch_browser(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{server.address}/?run={run.id}&view=draw")
        page.wait_for_selector(".mt-pad-canvas")
        page.wait_for_timeout(2000)  # a person does not draw before the page is quiet
        for name, question, aim in (
            ("from the end of a stroke to ten bars", "inference/read", "0.15 s"),
            ("from the end of a stroke to the digit's story", "inference/story", "0.8 s"),
        ):
            first, *later = [_draw(page, question) for _ in range(options.rounds + 1)]
            basis = f"first {1000 * first:.0f} ms, median of {len(later)} later (slowest)"
            print_row(Figure(name, f"{statistics.median(later):.3f} s ({max(later):.3f} s)", aim, basis))
        browser.close()


def _draw(page: Page, question: str) -> float:
    """Return the seconds from the end of a drawing until the page shows the answer to a question."""
    clear = page.get_by_role("button", name="Clear")
    if clear.is_enabled():
        clear.click()
    box = page.locator(".mt-pad-canvas").bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(WATCH_ANSWER, question)
    for i, (x, y) in enumerate(SEVEN):
        page.mouse.move(middle[0] + x, middle[1] + y, steps=POINTS)
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    milliseconds: float = page.evaluate("() => window.answered")
    return milliseconds / 1000


if __name__ == "__main__":
    main()

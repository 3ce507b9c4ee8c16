"""What people need who use the keyboard, a screen reader, or little light."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, Progress, Run, RunStatus, StepMetrics
from mnist_core.system.processes import own_identity
from tests.browser.browser_driver import LOW_CONTRAST
from tests.support.factories import NO_CONFUSION
from tests.support.live_runs import begun_run, train
from tests.support.processes import Server

ANIMATED = """() => [...document.querySelectorAll("*")].filter((element) => {
  const { transitionDuration, animationDuration } = getComputedStyle(element);
  return `${transitionDuration},${animationDuration}`.split(",").some((time) => parseFloat(time) > .01);
}).map((element) => element.outerHTML.slice(0, 80))"""
MATRIX_BOXES = """() => ["head", "sources", "plot", "words"].map((part) => {
  const { x, y, width, height } = document.querySelector(`.mt-matrix-${part}`).getBoundingClientRect();
  return [x, y, width, height];
})"""


@pytest.fixture
def finished(live: Server) -> Run:
    """A run that was tested: 1,133 ones are right, and 5 of 15 fives are read as threes."""
    counts = [[10 if i == j else 0 for j in range(10)] for i in range(10)]
    counts[1][1], counts[5][3] = 1_133, 5
    run = live.store.commands.create_run(TrainConfig(), trainer=own_identity())
    sizes = {"train_images": 270, "validation_images": 30, "test_images": 1_228}
    live.store.trainer_writes.begin_training(run, dataset="MNIST", notice="", **sizes, device="cpu", threads=1)
    predicted = np.zeros(1_228, np.uint8)
    evaluations = [
        EvalMetrics(5, 1, "validation", 0.3, 0.9, NO_CONFUSION, predicted[:30], 0.04),
        EvalMetrics(5, 1, "test", 0.3, 0.99, tuple(map(tuple, counts)), predicted, 0.05),
    ]
    live.store.trainer_writes.append_steps(run, Progress(5, 1, loss=0.5, accuracy=0.8), [], evaluations)
    live.store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    return live.store.queries.get_run(run.id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_and_nothing_is_animated_under_reduced_motion(
    page: Page, live: Server, finished: Run, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{live.url}/?run={finished.id}")
    expect(page.get_by_role("gridcell", name="5 read as 3: 5 images")).to_be_visible()
    assert page.evaluate(ANIMATED) == []
    page.get_by_role("button", name="Queue, empty").click()
    assert page.evaluate(LOW_CONTRAST) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("button", name="New sign-in link")).to_be_visible()
    page.wait_for_function(f"() => !({LOW_CONTRAST})().length")  # a rerun dims what it draws again
    page.goto(f"{live.url}/runs?runs={finished.id}")
    expect(page.get_by_role("row").filter(has_text=finished.name)).to_be_visible()
    page.wait_for_function(f"() => !({LOW_CONTRAST})().length")
    page.goto(f"{live.url}/sign-in")
    assert page.evaluate(LOW_CONTRAST) == []


def test_the_matrix_of_a_finished_run_shows_its_test_and_is_a_grid(page: Page, live: Server, finished: Run) -> None:
    page.goto(f"{live.url}/?run={finished.id}")
    grid = page.get_by_role("grid", name="1\u202f228 test images, step 5")
    expect(grid).to_be_visible()
    grid.get_by_role("gridcell", name="5 read as 3: 5 images, 33.3\u202f% of the fives").focus()
    for key, cell in [("ArrowUp", "4 read as 3"), ("End", "4 read as 9"), ("PageDown", "9 read as 9")]:
        page.keyboard.press(key)
        expect(grid.get_by_role("gridcell", name=cell)).to_be_focused()
    expect(grid.locator("[tabindex='0']")).to_have_count(1)
    clipped = "(cells) => cells.filter((cell) => cell.scrollWidth > cell.clientWidth).length"
    assert grid.get_by_role("gridcell").evaluate_all(clipped) == 0
    before = page.evaluate(MATRIX_BOXES)
    page.get_by_role("button", name="Step 5").click()
    expect(page.get_by_role("grid", name="validation images")).to_be_visible()
    page.get_by_role("button", name="Row %").click()
    assert page.evaluate(MATRIX_BOXES) == before


def test_heading_and_window_title_follow_the_run(page: Page, live: Server, a_step: Callable[..., StepMetrics]) -> None:
    run = begun_run(live.store)
    train(live.store, run, a_step, 20)
    page.goto(live.url)
    expect(page).to_have_title(re.compile(rf"^\d+\u202f% {run.name}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Train: {run.name}, running")
    live.store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    expect(page).to_have_title(f"{run.name} stopped")
    page.get_by_role("link", name="Runs").click()
    expect(page).to_have_title("Runs")
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")

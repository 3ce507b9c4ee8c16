"""Nothing on the run's page moves or loses what is typed, and Back and Forward lead to what was shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mnist_core.config import TrainConfig
from mnist_core.records import FileKind, RunStatus, StepMetrics
from mnist_core.system.processes import own_identity
from tests.support.factories import finished_run
from tests.support.files.run_files import give_checkpoint
from tests.support.live_runs import begin, begun_run, train
from tests.support.processes import Eventually, Server, running_server

PARTS = {
    "strip": ".mt-strip",
    "bar": ".mt-strip-bar",
    "sentence": ".mt-sentence",
    "actions": ".st-key-tools",
    "switch": ".st-key-switch",
    "controls": ".st-key-view_controls",
    "loss": ".st-key-loss",
    "accuracy": ".st-key-accuracy",
    "matrix": ".mt-matrix",
    "target": ".st-key-target",
    "learning rate": ".st-key-lr_field",
    "epochs": ".st-key-epochs_field",
    "run name": ".st-key-run_name",
}
BOXES = """(parts) => Object.fromEntries(Object.entries(parts).map(([name, selector]) => {
    const box = document.querySelector(selector)?.getBoundingClientRect();
    return [name, box ? [box.x, box.y, box.width, box.height].map((n) => Math.round(10 * n) / 10) : null];
}))"""
LEAVE_LATE = """(link) => {
    link.click();
    for (const write of ["pushState", "replaceState"]) history[write]({}, "", "/?run=1");
    return location.search;
}"""
"""Clicks a link, and receives the address of the next page before the browser turns to that page."""
SHIFTS = """() => {
    window.shifts = [];
    const box = (rect) => [rect.x, rect.y, rect.width, rect.height].map(Math.round).join(" ");
    const name = (node) =>
        (node?.closest ? node : node?.parentElement)?.closest("[class*=st-key], [class*=mt-]")?.className;
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => [entry.value,
        ...entry.sources.map((moved) => `${name(moved.node)}: ${box(moved.previousRect)} to ${box(moved.currentRect)}`),
    ]))).observe({ type: "layout-shift", buffered: true });
}"""
MAX_SHIFT = 0.02


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, four_thousand_digits: Path, eventually: Eventually
) -> Iterator[Server]:
    """A new server: the first test is about its first visitor, whose browser has to load everything."""
    with running_server(tmp_path_factory.mktemp("layout"), four_thousand_digits, eventually) as started:
        yield started


@pytest.fixture(autouse=True)
def places(live: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are written where the server reads them."""
    monkeypatch.setenv("MNIST_RUNS_DIR", str(live.folder))


def shown_status(page: Page, label: str) -> None:
    expect(page.locator(".mt-strip-badge")).to_have_text(label)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def assert_nothing_moved(page: Page) -> None:
    shifts = page.evaluate("() => window.shifts")
    assert sum(value for value, *_ in shifts) < MAX_SHIFT, "\n".join(map(str, (page.url, *shifts)))


def test_no_state_of_a_run_moves_anything(page: Page, live: Server, a_step: Callable[..., StepMetrics]) -> None:
    store = live.store
    page.add_init_script(f"({SHIFTS})()")
    page.goto(live.url)
    shown_status(page, "Ready")
    expect(page.locator(".js-plotly-plot .xtick").first).to_be_attached()
    expect(page.get_by_role("slider", name="Epochs")).to_be_visible()  # the browser loads the code of widgets last
    expect(page.get_by_text("Log loss")).to_be_visible()
    assert_nothing_moved(page)

    boxes = {"idle": page.evaluate(BOXES, PARTS)}
    assert all(boxes["idle"].values()), boxes["idle"]

    def note(state: str, label: str, button: str) -> None:
        shown_status(page, label)
        expect(page.locator(".st-key-actions").get_by_role("button", name=button)).to_be_visible()
        boxes[state] = page.evaluate(BOXES, PARTS)

    run = store.commands.create_run(TrainConfig(epochs=2), trainer=own_identity())
    note("preparing", "Preparing", "Stop")
    begin(store, run)
    train(store, run, a_step, 30)
    note("running", "Running", "Pause")
    store.trainer_writes.set_paused(run, paused=True)
    note("paused", "Paused", "Resume")
    store.trainer_writes.set_paused(run, paused=False)
    store.commands.request_stop(run.id)
    note("stopping", "Stopping", "Stopping")
    give_checkpoint(store, run, 30)
    store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    note("stopped", "Stopped", "Continue")
    other = begun_run(store, "a name that is much longer than what fits beside the status of a run " * 1)
    train(store, other, a_step, 10)
    note("running again", "Running", "Pause")
    store.trainer_writes.finish_run(other, RunStatus.DIVERGED, "Loss became NaN at step 11.")
    note("diverged", "Diverged", "Train again")
    finished = finished_run(store)
    note("finished", "Finished", "Train again")
    blocking = begun_run(store)
    queued = store.commands.create_run(TrainConfig())
    page.goto(f"{live.url}/?run={queued.id}")
    note("queued", "Queued", "Remove from queue")
    store.commands.remove_queued_run(queued.id)
    store.trainer_writes.finish_run(blocking, RunStatus.STOPPED)
    assert finished.id < blocking.id
    moved = {
        state: {part: (boxes["idle"][part], box) for part, box in parts.items() if box != boxes["idle"][part]}
        for state, parts in boxes.items()
    }
    assert not {state: parts for state, parts in moved.items() if parts}


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)], ids=["desktop", "small"])
def test_no_opening_moves_what_it_has_shown(page: Page, live: Server, size: tuple[int, int]) -> None:
    """Neither the first of a browser nor those with a filled cache."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(f"({SHIFTS})()")
    run = finished_run(live.store)
    for address in (f"/?run={run.id}", f"/?run={run.id}&view=details", "/runs", "/", "/runs", f"/?run={run.id}"):
        page.goto(live.url + address)
        expect(page.locator(".mt-strip-badge, .mt-table [data-run]").first).to_be_visible()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        if "details" not in address:
            expect(page.locator(".js-plotly-plot .xtick").first).to_be_attached()
        assert_nothing_moved(page)


def test_a_run_fits_a_screen_and_start_is_in_sight(page: Page, live: Server) -> None:
    run = finished_run(live.store)
    page.goto(f"{live.url}/?run={run.id}")
    shown_status(page, "Finished")
    expect(page.locator(".js-plotly-plot .xtick").first).to_be_attached()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    assert page.get_by_test_id("stMain").evaluate("(e) => e.scrollHeight - e.clientHeight") <= 0
    values = page.locator(".mt-strip-value").evaluate_all("""(all) => all.map((value) => {
        const text = document.createRange();
        text.selectNodeContents(value.firstChild);
        return Math.round(text.getBoundingClientRect().bottom);
    })""")
    assert len(set(values)) == 1
    page.set_viewport_size({"width": 1024, "height": 768})
    start, name = page.get_by_role("button", name="Start training"), page.get_by_role("textbox", name="Run name")
    expect(start).to_be_in_viewport(ratio=1)
    expect(name).to_be_in_viewport(ratio=1)
    page.get_by_text("More settings").click()
    expect(name).not_to_be_in_viewport()
    expect(start).to_be_in_viewport(ratio=1)


def test_ticking_a_run_moves_no_row(page: Page, live: Server) -> None:
    finished_run(live.store)
    page.goto(f"{live.url}/runs")
    tick = page.locator(".mt-table tbody input[type=checkbox]").first
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(tick).to_be_visible()
        before = tick.bounding_box()
        tick.click()
        expect(page.get_by_role("button", name="Clear selection")).to_be_visible()
        assert tick.bounding_box() == before, width
        page.get_by_role("button", name="Clear selection").click()
        expect(tick).not_to_be_checked()


def test_a_button_that_a_rerun_replaces_moves_no_other(
    page: Page, live: Server, a_step: Callable[..., StepMetrics]
) -> None:
    """It stays below its successor until the rerun ends; a press on a button that moves then would be lost."""
    run = begun_run(live.store)
    train(live.store, run, a_step, 10)
    page.goto(f"{live.url}/?run={run.id}")
    expect(page.get_by_role("button", name="Evaluate now")).to_be_visible()
    boxes = """() => [...document.querySelectorAll(".st-key-actions button")]
        .filter((button) => button.checkVisibility())
        .map((button) => Object.values(button.getBoundingClientRect().toJSON()))"""
    before = page.evaluate(boxes)
    page.evaluate("""() => document.querySelectorAll(".st-key-actions [class*='_action'] > .stElementContainer")
        .forEach((action) => action.after(action.cloneNode(true)))""")
    assert len(before) >= 3
    assert page.evaluate(boxes) == before
    live.store.trainer_writes.finish_run(run, RunStatus.STOPPED)


def test_nothing_is_cut_off_at_any_width(page: Page, live: Server, a_step: Callable[..., StepMetrics]) -> None:
    run = finished_run(live.store, name="x" * 40)
    page.goto(f"{live.url}/?run={run.id}")
    shown_status(page, "Finished")
    for width in (1440, 1280, 1024, 700, 390):
        page.set_viewport_size({"width": width, "height": 900})
        cut = page.evaluate("""async () => {
          await document.fonts.ready; // an icon is a word until its font is there
          await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
          return [...document.querySelectorAll(".mt-strip *, .st-key-tools button")].filter((e) =>
            e.checkVisibility() && (e.scrollWidth > e.clientWidth + 1) && getComputedStyle(e).display !== "inline"
            ).map((e) => `${e.className}: ${e.textContent}`);
        }""")
        assert not cut, width
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width


def test_what_is_typed_survives_the_end_of_the_run(
    page: Page, live: Server, a_step: Callable[..., StepMetrics]
) -> None:
    store = live.store
    run = begun_run(store)
    train(store, run, a_step, 20)
    give_checkpoint(store, run, 20, FileKind.STEP)
    page.goto(f"{live.url}/?run={run.id}")
    page.locator(".st-key-actions").get_by_role("button", name="Fork").click()
    rate = page.get_by_test_id("stPopoverBody").get_by_role("textbox", name="Learning rate")
    rate.click()
    rate.fill("0.0123")
    rate.press("ArrowLeft")
    store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    expect(page.locator(".st-key-actions").get_by_role("button", name="Train again")).to_be_visible()
    state = "(e) => [e.value, e.selectionStart, e === document.activeElement]"
    assert rate.evaluate(state) == ["0.0123", 5, True]

    other = begun_run(store)
    page.goto(f"{live.url}/?run={other.id}&view=details")
    notes = page.get_by_role("textbox", name="Notes")
    notes.click()
    notes.press_sequentially("half a thought")
    notes.press("ArrowLeft")
    store.commands.edit_run(other.id, name="renamed", notes="Somebody else's.")
    store.trainer_writes.finish_run(other, RunStatus.FAILED, "Something broke.")
    expect(page.locator(".st-key-actions").get_by_role("button", name="Train again")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("renamed")
    assert notes.evaluate(state) == ["half a thought", 13, True]
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Somebody else has changed the notes of renamed")).to_be_visible()
    expect(notes).to_have_value("half a thought")
    assert store.queries.get_run(other.id).notes == "Somebody else's."


def test_back_leads_to_the_view_that_was_left_even_if_the_next_address_came_first(page: Page, live: Server) -> None:
    run = finished_run(live.store)
    page.goto(f"{live.url}/?run={run.id}&view=details")
    expect(page.get_by_role("textbox", name="Notes")).to_be_visible()
    search = page.get_by_role("link", name="Runs").evaluate(LEAVE_LATE)
    assert search == f"?run={run.id}&view=details"
    expect(page).to_have_url(re.compile(rf"/runs\?run={run.id}&view=details$"))
    page.go_back()
    expect(page.get_by_role("textbox", name="Notes")).to_be_visible()
    expect(page).to_have_url(f"{live.url}/?run={run.id}&view=details")


def test_an_address_without_a_run_follows_and_back_and_forward_lead_to_what_was_shown(
    page: Page, live: Server, a_step: Callable[..., StepMetrics]
) -> None:
    store = live.store
    old = finished_run(store)
    page.goto(f"{live.url}/?run={old.id}")
    shown_status(page, "Finished")
    page.get_by_role("radio", name="Details").click()
    expect(page).to_have_url(re.compile(rf"run={old.id}&view=details$"))
    page.get_by_role("link", name="Runs").click()
    expect(page).to_have_url(re.compile(rf"/runs\?run={old.id}"))
    page.get_by_role("radio", name="Verdict").click()
    expect(page).to_have_url(re.compile("show=Verdict"))
    page.go_back()
    expect(page.get_by_role("radio", name="Curves")).to_be_checked()
    page.go_back()
    expect(page.get_by_role("textbox", name="Notes")).to_be_visible()
    page.go_back()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page).to_have_url(f"{live.url}/?run={old.id}")
    page.go_forward()
    expect(page.get_by_role("textbox", name="Notes")).to_be_visible()

    page.goto(live.url)
    shown_status(page, "Finished")
    new = begun_run(store, "from a terminal")
    expect(page.locator(".mt-strip-name")).to_have_text("from a terminal")
    shown_status(page, "Running")
    assert page.url.rstrip("/") == live.url
    store.trainer_writes.finish_run(new, RunStatus.STOPPED)
    page.goto(f"{live.url}/details?run={old.id}")
    expect(page.get_by_role("textbox", name="Notes")).to_be_visible()
    assert page.url == f"{live.url}/?run={old.id}&view=details"

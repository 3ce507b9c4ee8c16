"""A person compares runs in the views below the table: curves, verdict, hyperparameters, details."""

from __future__ import annotations

import csv
import re

from playwright.sync_api import Page, expect

from tests.browser.runs_page.runs_driver import HOSTILE, RUNS, column, row, select, view
from tests.support.processes import Server

DRAWN = """() => [...document.querySelectorAll('.js-plotly-plot')].map((chart) =>
    chart.data.filter((trace) => trace.mode === 'lines' && trace.x.length > 1).length)"""
X_TITLE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.title.text"


def test_a_baseline_shows_differences_in_every_metric_and_in_the_charts(runs: Page) -> None:
    runs.get_by_role("button", name="Filters").click()
    select(runs, "search-60")
    runs.get_by_role("button", name="Set as baseline").click()
    expect(row(runs, "search-60")).to_contain_text("baseline")
    for metric in ("Best validation", "Test accuracy", "Test loss", "Speed (img/s)"):
        expect(column(runs, metric).nth(1)).to_contain_text(re.compile(r" [+−±]\d"))
    select(runs, "search-59")
    runs.wait_for_function(f"() => ({DRAWN})().join() === '2,2'")
    runs.get_by_text("Difference", exact=True).click()
    runs.wait_for_function("() => document.querySelector('.js-plotly-plot').layout.yaxis.title.text.startsWith('Diff')")


def test_two_selected_runs_have_curves_in_colours_of_their_own_over_epochs_and_images_and_a_verdict(runs: Page) -> None:
    runs.get_by_role("button", name="Filters").click()
    select(runs, "search-4", "search-9")
    for axis, title, low, high in (("Epoch", "Epoch", 0.5, 3), ("Images", "Images seen", 25_000, 130_000)):
        runs.get_by_role("radio", name=axis).or_(runs.get_by_role("button", name=axis, exact=True)).click()
        runs.wait_for_function(f"(title) => ({X_TITLE})() === title", arg=title)
        last = "Math.max(...document.querySelector('.js-plotly-plot').data.map((t) => t.x.at(-1)))"
        runs.wait_for_function(f"([low, high]) => {last} > low && {last} < high", arg=[low, high])
    colors = """() => [...new Set(document.querySelector('.js-plotly-plot').data
        .filter((t) => t.mode === 'lines' && t.x.length > 1).map((t) => t.line.color))].length"""
    runs.wait_for_function(f"() => ({colors})() === 2")
    expect(runs).to_have_url(re.compile("over=Images"))
    runs.reload()
    runs.wait_for_function(f"() => document.querySelector('.js-plotly-plot') && ({X_TITLE})() === 'Images seen'")
    view(runs, "Verdict")
    expect(runs.get_by_text("search-4 is better than search-9")).to_be_visible()
    expect(runs).to_have_url(re.compile("show=Verdict"))


def test_seeds_are_grouped_into_one_row_and_one_band(runs: Page) -> None:
    runs.get_by_label("Group runs by").select_option("seeds")
    group = runs.locator(".mt-table-group").first
    expect(group).to_contain_text("3 seeds")
    expect(group).to_contain_text(re.compile(r"\d\.\d\d\s%\s±\d\.\d\d"))
    group.get_by_role("checkbox").check()
    expect(runs.get_by_text(f"{RUNS} runs, 3 selected")).to_be_visible()
    runs.wait_for_function(f"() => ({DRAWN})()[0] === 3")
    runs.get_by_text("Seeds as bands", exact=True).click()
    runs.wait_for_function("() => document.querySelector('.js-plotly-plot').data.some((t) => t.fill === 'tonexty')")


def test_details_show_the_rerun_command_and_a_row_is_exported_as_csv(runs: Page, server: Server) -> None:
    run = server.store.queries.find_run("search-7")
    runs.get_by_role("button", name="Filters").click()
    select(runs, run.name)
    view(runs, "Details")
    expect(runs.get_by_role("heading", name="Environment")).to_be_visible()
    expect(runs.get_by_text(f"python -m mnist_core rerun {run.id}")).to_be_visible()
    runs.get_by_role("button", name="Export").click()
    runs.get_by_role("button", name="Prepare the file").click()
    with runs.expect_download() as download:
        runs.get_by_role("link", name="Download search-7-csv.csv").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["Run"], float(row["Learning rate"])) == (run.name, run.config.lr)
    assert float(row["Test accuracy"]) == run.results.test_accuracy


def test_dragging_along_an_axis_keeps_only_the_runs_in_that_range_in_colour(runs: Page) -> None:
    view(runs, "Hyperparameters")
    lines = runs.locator(".mt-parallel-lines polyline")
    expect(lines).to_have_count(RUNS)
    outside = runs.locator(".mt-parallel-lines polyline.mt-parallel-out")
    axis = runs.get_by_role("slider", name="Range of Learning rate")
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box
    x = box["x"] + box["width"] / 2
    runs.mouse.move(x, box["y"] + 0.1 * box["height"])
    runs.mouse.down()
    runs.mouse.move(x, box["y"] + 0.6 * box["height"], steps=4)
    runs.mouse.up()
    summary = runs.get_by_text(re.compile(rf"^\d+ of {RUNS} runs lie in the ranges\.$"))
    expect(summary).to_be_visible()
    inside = int(summary.inner_text().split()[0])
    assert 0 < inside < RUNS
    expect(outside).to_have_count(RUNS - inside)
    axis.press("Escape")
    expect(outside).to_have_count(0)


def test_names_are_shown_as_text_everywhere(runs: Page) -> None:
    runs.get_by_role("button", name="Filters").click()
    select(runs, HOSTILE)
    for name in ("Verdict", "Hyperparameters", "Details", "Curves"):
        view(runs, name)
        # Curves are the default, which the address leaves out.
        expect(runs).to_have_url(re.compile(f"show={name}" if name != "Curves" else r"^(?!.*show=)"))
    runs.get_by_role("button", name="Delete").click()
    escaped = HOSTILE.replace(":streamlit", ":\u2060streamlit").replace("->", "-\u2060>")  # see ui/markdown.py
    expect(runs.get_by_text(f"Deleted {escaped}.")).to_be_visible()
    runs.get_by_role("button", name="Undo").click()
    expect(runs.get_by_text("The deleted runs are back.")).to_be_visible()
    assert runs.locator("img[src=x]").count() == 0
    assert runs.title() != "1"

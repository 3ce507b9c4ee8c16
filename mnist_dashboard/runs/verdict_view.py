"""The Verdict view: which of the selected runs is really better, by `mnist_core.analysis`, and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.multiple_comparisons import MultipleVerdict, compare_several, pair_row
from mnist_core.analysis.comparison.verdict import Verdict
from mnist_core.analysis.seed_groups import CONFIDENCE, SeedGroup, group_by_seed, group_names, seed_group_key
from mnist_core.errors import MnistError
from mnist_core.formatting import MISSING
from mnist_core.records import METRICS, Run
from mnist_dashboard import services
from mnist_dashboard.ui import headings, markdown
from mnist_dashboard.ui.formatting import format_percent
from mnist_dashboard.ui.state import run_address
from mnist_dashboard.ui.tables import render_table

EMPTY_TEXT = (
    "Select two runs, or runs with different settings, best with several seeds each, to learn which is really better."
)

METRIC_ROWS = ("test_accuracy", "best_validation_accuracy")

_CACHE_KEY = "verdict"
"""Session key of the latest verdict."""


def render_verdict(selected: Sequence[Run], baseline: Run | None) -> None:
    """Draw the verdict on the selected runs. If the baseline is one of two sides, it is side B."""
    sides = _split_into_sides(selected, baseline)
    if len(sides) < 2:
        st.info(EMPTY_TEXT, icon=":material/balance:")
        return
    verdict = _compare(sides)
    if isinstance(verdict, str):
        st.warning(markdown.escape(verdict), icon=":material/balance:")
    else:
        _render_answer(verdict)
    if len(selected) == 2 and not isinstance(verdict, str):
        _render_link_to_images(*(side[0] for side in sides))
    if len(sides) == 2:
        names = group_names(run for side in sides for run in side)
        for column, letter, runs in zip(st.columns(2, gap="medium"), "AB", sides, strict=True):
            with column:
                _render_side(f"{letter}: {runs[0].name if len(runs) == 1 else names[seed_group_key(runs[0])]}", runs)


def _compare(sides: Sequence[Sequence[Run]]) -> Verdict | MultipleVerdict | str:
    """The verdict, or why there is none. Cached for the same runs, because it reads all their results."""
    runs_key = [[(run.id, run.name, run.attempt, run.status) for run in side] for side in sides]
    cached: tuple[object, Verdict | MultipleVerdict | str] | None = st.session_state.get(_CACHE_KEY)
    if cached is None or cached[0] != runs_key:
        ids = [[run.id for run in side] for side in sides]
        queries = services.current().queries
        verdict: Verdict | MultipleVerdict | str
        try:
            verdict = compare_runs(queries, *ids) if len(ids) == 2 else compare_several(queries, ids)
        except MnistError as error:
            verdict = str(error)
        cached = st.session_state[_CACHE_KEY] = runs_key, verdict
    return cached[1]


def _split_into_sides(selected: Sequence[Run], baseline: Run | None) -> list[Sequence[Run]]:
    """Return two selected runs as two sides, and more as groups of seeds.

    Of two sides, B is the one with the baseline. Without a baseline, A is the side of the run that was selected first.
    """
    sides: list[Sequence[Run]] = [[run] for run in selected]
    if len(selected) != 2:
        sides = [group.runs for group in group_by_seed(selected)]
    if baseline and any(run.id == baseline.id for run in selected):
        return sorted(sides, key=lambda side: baseline.id in [run.id for run in side])
    return sorted(sides, key=lambda side: selected[0].id not in [run.id for run in side])


def _render_answer(verdict: Verdict | MultipleVerdict) -> None:
    if isinstance(verdict, Verdict):
        is_decided = bool(verdict.winner) or verdict.is_identical
    else:
        is_decided = bool(verdict.best) or all(pair.verdict.is_identical for pair in verdict.pairs)
    icon = ":material/verified:" if is_decided else ":material/help:"
    st.markdown(f"### {icon} {markdown.escape(verdict.sentence)}")
    for warning in verdict.warnings:
        st.caption(f":material/info: {markdown.escape(warning)}")
    if isinstance(verdict, Verdict):
        rows = [
            {"What": detail.label, "Value": detail.value, "How it is computed": detail.help}
            for detail in verdict.details
        ]
    else:
        rows = [pair_row(pair) for pair in verdict.pairs]
    render_table(rows)


def _render_link_to_images(a: Run, b: Run) -> None:
    st.page_link(
        "pages/train.py",
        label="See the images they disagree on",
        icon=":material/grid_view:",
        query_params={run_address.RUN: str(a.id), run_address.VIEW: "mistakes", run_address.OTHER: str(b.id)},
    )


def _render_side(title: str, runs: Sequence[Run]) -> None:
    headings.panel_heading(f"{markdown.escape(title)}")
    render_table(_metric_rows(group_by_seed(runs)[0]))


def _metric_rows(group: SeedGroup) -> list[dict[str, str]]:
    rows = []
    for name in METRIC_ROWS:
        if (summary := group.metrics.get(name)) is None:
            continue
        row = {"Metric": METRICS[name].label, "Mean": format_percent(summary.mean), "Runs": str(summary.count)}
        if summary.sd is not None and summary.low is not None and summary.high is not None:
            row["sd"] = f"{100 * summary.sd:.2f}"
            interval = f"{format_percent(summary.low)} to {format_percent(summary.high)}"
            row[f"{100 * CONFIDENCE:.0f} % interval"] = interval
        rows.append(row)
    return rows or [{"Metric": "No results yet", "Mean": MISSING, "Runs": str(len(group.runs))}]

"""The Verdict view: whether A is really better than B, by `mnist_core.analysis.compare`, and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.analysis.comparability import CompareError
from mnist_core.analysis.compare import compare_runs
from mnist_core.analysis.seed_groups import CONFIDENCE, SeedGroup, group_by_seed
from mnist_core.analysis.verdict import Verdict
from mnist_core.formatting import MISSING
from mnist_core.records import METRICS, Run
from mnist_dashboard import services
from mnist_dashboard.ui import markdown
from mnist_dashboard.ui.formatting import format_percent

EMPTY_TEXT = "Select two runs, or the runs of two groups of seeds, to learn which is really better."

METRIC_ROWS = ("test_accuracy", "best_validation_accuracy")

_CACHE_KEY = "verdict"
"""Session key of the latest verdict."""


def render_verdict(selected: Sequence[Run], baseline: Run | None) -> None:
    """Draw the verdict on the selected runs. If the baseline is one of them, it is side B."""
    sides = _split_into_sides(selected, baseline)
    if sides is None:
        st.info(EMPTY_TEXT, icon=":material/balance:")
        return
    verdict = _compare(*sides)
    if isinstance(verdict, Verdict):
        _render_answer(verdict)
    else:
        st.warning(markdown.escape(verdict), icon=":material/balance:")
    for column, letter, runs in zip(st.columns(2, gap="medium"), "AB", sides, strict=True):
        with column:
            _render_side(letter, runs)


def _compare(*sides: Sequence[Run]) -> Verdict | str:
    """The verdict, or the reason why there is none. Cached for the same runs, because it reads all their results."""
    runs_key = [[(run.id, run.name, run.attempt, run.status) for run in side] for side in sides]
    cached: tuple[object, Verdict | str] | None = st.session_state.get(_CACHE_KEY)
    if cached is None or cached[0] != runs_key:
        ids = [[run.id for run in side] for side in sides]
        try:
            verdict: Verdict | str = compare_runs(services.current().queries, *ids)
        except CompareError as error:
            verdict = str(error)
        cached = st.session_state[_CACHE_KEY] = runs_key, verdict
    return cached[1]


def _split_into_sides(selected: Sequence[Run], baseline: Run | None) -> list[Sequence[Run]] | None:
    """Sides A and B; None unless the selection is two runs or two groups of seeds.

    B is the side with the baseline. Without a baseline, A is the side of the run that was selected first.
    """
    sides: list[Sequence[Run]] = [[run] for run in selected]
    if len(selected) != 2:
        sides = [group.runs for group in group_by_seed(selected)]
    if len(sides) != 2:
        return None
    if baseline and any(run.id == baseline.id for run in selected):
        return sorted(sides, key=lambda side: baseline.id in [run.id for run in side])
    return sorted(sides, key=lambda side: selected[0].id not in [run.id for run in side])


def _render_answer(verdict: Verdict) -> None:
    icon = ":material/verified:" if verdict.winner else ":material/help:"
    st.markdown(f"### {icon} {markdown.escape(verdict.sentence)}")
    for warning in verdict.warnings:
        st.caption(f":material/info: {markdown.escape(warning)}")
    rows = [
        {"What": detail.label, "Value": detail.value, "How it is computed": detail.help} for detail in verdict.details
    ]
    st.dataframe(rows, hide_index=True, height="content")


def _render_side(letter: str, runs: Sequence[Run]) -> None:
    group = group_by_seed(runs)[0]
    st.markdown(f"**{letter}: {markdown.escape(group.name if len(runs) > 1 else runs[0].name)}**")
    st.dataframe(_metric_rows(group), hide_index=True, height="content")


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

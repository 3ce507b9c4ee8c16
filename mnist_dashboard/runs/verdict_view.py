"""Is A really better than B? What `mnist_core.analysis.compare` says of the selected runs, and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.analysis.comparability import CompareError
from mnist_core.analysis.compare import compare_runs
from mnist_core.analysis.run_table import METRICS
from mnist_core.analysis.seed_groups import SeedGroup, group_by_seed
from mnist_core.analysis.verdict import Verdict
from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.ui import markdown
from mnist_dashboard.ui.formatting import format_percent

EMPTY_TEXT = "Select two runs, or the runs of two groups of seeds, to learn which is really better."
VERDICT_KEY = "verdict"
"""Where the session keeps the latest answer."""

METRIC_ROWS = ("test_accuracy", "best_validation_accuracy")


def render_verdict(selected: Sequence[Run], baseline: Run | None) -> None:
    """The verdict on the selected runs; the baseline, if it is one of them, is what the other is held against."""
    sides = _sides(selected, baseline)
    if sides is None:
        st.info(EMPTY_TEXT, icon=":material/balance:")
        return
    found = _verdict(*sides)
    if isinstance(found, Verdict):
        _answer(found)
    else:
        st.warning(markdown.escape(found), icon=":material/balance:")
    for column, letter, side in zip(st.columns(2, gap="medium"), "AB", sides, strict=True):
        with column:
            _side(letter, side)


def _verdict(*sides: Sequence[Run]) -> Verdict | str:
    """The verdict, or why there is none. Kept while the same runs are compared: it takes reading all their results."""
    compared = [[(run.id, run.name, run.attempt, run.status) for run in side] for side in sides]
    kept: tuple[object, Verdict | str] | None = st.session_state.get(VERDICT_KEY)
    if kept is None or kept[0] != compared:
        try:
            found: Verdict | str = compare_runs(
                services.current().queries, *[[run.id for run in side] for side in sides]
            )
        except CompareError as error:
            found = str(error)
        kept = st.session_state[VERDICT_KEY] = compared, found
    return kept[1]


def _sides(selected: Sequence[Run], baseline: Run | None) -> list[Sequence[Run]] | None:
    """A and B, the baseline being B; None unless the selection is two runs, or two groups of seeds."""
    sides: list[Sequence[Run]] = [[run] for run in selected]
    if len(selected) != 2:
        sides = [group.runs for group in group_by_seed(selected)]
    if len(sides) != 2:
        return None
    first = next((run.id for run in selected), None)
    against = baseline.id if baseline and any(run.id == baseline.id for run in selected) else None
    if against is None:
        return sorted(sides, key=lambda side: first not in [run.id for run in side])
    return sorted(sides, key=lambda side: against in [run.id for run in side])


def _answer(found: Verdict) -> None:
    icon = ":material/help:" if not found.winner else ":material/verified:"
    st.markdown(f"### {icon} {markdown.escape(found.sentence)}")
    for warning in found.warnings:
        st.caption(f":material/info: {markdown.escape(warning)}")
    rows = [{"What": one.label, "Value": one.value, "How it is found": one.help} for one in found.details]
    st.dataframe(rows, hide_index=True, height="content")


def _side(letter: str, runs: Sequence[Run]) -> None:
    group = group_by_seed(runs)[0]
    st.markdown(f"**{letter}: {markdown.escape(group.name if len(runs) > 1 else runs[0].name)}**")
    st.dataframe(_rows(group), hide_index=True, height="content")


def _rows(group: SeedGroup) -> list[dict[str, str]]:
    rows = []
    for name in METRIC_ROWS:
        if (summary := group.metrics.get(name)) is None:
            continue
        row = {"Metric": METRICS[name].label, "Mean": format_percent(summary.mean), "Runs": str(summary.count)}
        if summary.sd is not None and summary.low is not None and summary.high is not None:
            row["sd"] = f"{100 * summary.sd:.2f}"
            row["95 % interval"] = f"{format_percent(summary.low)} to {format_percent(summary.high)}"
        rows.append(row)
    return rows or [{"Metric": "No results yet", "Mean": "–", "Runs": str(len(group.runs))}]

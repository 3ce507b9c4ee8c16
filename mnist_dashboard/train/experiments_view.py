"""Experiments for newcomers: buttons that start them, and the sentence of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.records import Run
from mnist_core.runs import experiments
from mnist_dashboard import access, services
from mnist_dashboard.ui import headings, markdown, messages


def render_offer(select_runs: Callable[[Sequence[int]], None]) -> None:
    """Offer the experiments to an owner. A press queues one and opens the Runs page with its runs selected."""
    if not access.may_act():
        return
    headings.panel_heading("Try an experiment")
    st.caption("Each trains three short runs on 4 000 digits, draws them over one another and says what was seen.")
    with st.container(key="experiments", gap="xsmall"):
        for experiment in experiments.EXPERIMENTS:
            if st.button(experiment.question, icon=":material/science:", key=f"experiment_{experiment.setting}"):
                _start(experiment, select_runs)


def render_popover(select_runs: Callable[[Sequence[int]], None]) -> None:
    """Offer the experiments behind a button."""
    if access.may_act():
        with st.popover("Experiments", icon=":material/science:"):
            render_offer(select_runs)


def render_conclusion(runs: Sequence[Run]) -> None:
    """Say what was seen, if these runs are an experiment."""
    experiment = experiments.find_experiment(runs)
    if experiment is None:
        return
    try:
        results = experiments.load_results(services.current().queries, experiment, runs)
    except MnistError:  # a damaged run; the page says so elsewhere
        return
    with st.container(key="experiment_conclusion"):
        st.markdown(f"**{experiment.question}** {markdown.escape(experiments.conclude(experiment, results))}")


def _start(experiment: experiments.Experiment, select_runs: Callable[[Sequence[int]], None]) -> None:
    started: list[int] = []

    def queue() -> None:
        started.extend(run.id for run in services.current().actions.start_experiment(experiment))

    messages.attempt(queue)
    if started:
        select_runs(started)
        st.switch_page("pages/runs.py", query_params={"runs": ",".join(map(str, started))})
    st.rerun()

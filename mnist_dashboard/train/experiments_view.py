"""Experiments for newcomers: buttons that start them, and the sentence with the result."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.records import Run
from mnist_core.runs import experiments
from mnist_dashboard import access, services
from mnist_dashboard.ui import markdown, messages

_CHOSEN_KEY = "chosen_experiment"
"""Session key of the experiment to start, as an index into `EXPERIMENTS`."""


def render_popover(label: str = "Experiments") -> None:
    """Offer the experiments to owners, behind a button. A choice opens the Runs page, which calls `start_chosen`."""
    if not access.may_act():
        return
    with st.popover(label, icon=":material/science:"):
        st.caption("Each trains three short runs on 4 000 digits, draws them over one another and says what was seen.")
        for number, experiment in enumerate(experiments.EXPERIMENTS):
            key = f"experiment_{experiment.setting}"
            st.button(experiment.question, key=key, width="stretch", on_click=_choose, args=(number,))
    if _CHOSEN_KEY in st.session_state:
        st.switch_page("pages/runs.py")


def _choose(number: int) -> None:
    st.session_state[_CHOSEN_KEY] = number


def start_chosen() -> list[int]:
    """Queue the runs of the experiment that was chosen on the page before, if any, and return their ids.

    The page before does not queue them: it would request a rerun for a new run, and so keep the reader there.
    """
    number = st.session_state.pop(_CHOSEN_KEY, None)
    started: list[int] = []
    if number is not None:
        experiment = experiments.EXPERIMENTS[number]
        actions = services.current().actions
        messages.attempt(lambda: started.extend(run.id for run in actions.start_experiment(experiment)))
    return started


def render_conclusion(runs: Sequence[Run]) -> None:
    """Show the result, if these runs are an experiment."""
    experiment = experiments.find_experiment(runs)
    if experiment is None:
        return
    try:
        results = experiments.load_results(services.current().queries, experiment, runs)
    except MnistError:  # a damaged run; the page says so elsewhere
        return
    with st.container(key="experiment_conclusion"):
        st.markdown(f"**{experiment.question}** {markdown.escape(experiments.conclude(experiment, results))}")

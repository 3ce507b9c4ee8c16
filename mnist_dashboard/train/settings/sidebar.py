"""The sidebar of the Train page: the settings of the next run with its Start button, or those of the run shown.

Both have the same rows, and every row keeps its place in every state: what cannot be changed is disabled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_core import labels, presets
from mnist_core.annotations import MAX_NAME_LENGTH
from mnist_core.config import OPTIMIZERS, SETTINGS, TrainConfig
from mnist_core.formatting import format_duration
from mnist_core.network_names import OwnNetwork
from mnist_core.records import Run, RunStatus
from mnist_core.trainer.speed import epoch_seconds
from mnist_core.training.networks.parameter_counts import PARAMETER_COUNTS
from mnist_dashboard import access
from mnist_dashboard.train.expected_dataset import expected_images
from mnist_dashboard.train.settings import draft as drafts
from mnist_dashboard.train.settings import own_networks, steering
from mnist_dashboard.train.settings.binding import SettingsBinding
from mnist_dashboard.train.settings.draft import Draft
from mnist_dashboard.train.settings.rate_row import render_rate_line
from mnist_dashboard.train.settings.widgets import render_setting
from mnist_dashboard.ui import glossary, headings, markdown, messages
from mnist_dashboard.ui.formatting import format_count

MAIN_SETTINGS = ("model", "batch_size", "lr", "momentum", "epochs")
"""The settings that are always visible; More settings has the others, in the order of the table."""

NEXT_RUN, THIS_RUN = "Next run", "This run"

BLANK = "&nbsp;"
"""Fills a row that has nothing to say, because Streamlit leaves out empty ones."""

MAX_SUMMARY_LENGTH = 22
"""Maximum length of what fits beside `More settings`."""


@dataclass(frozen=True)
class _Form:
    """What the rows of the sidebar show."""

    hint: str
    binding: SettingsBinding
    config: TrainConfig
    training_images: int
    """The number of images that an epoch has or will probably have."""
    may_test: bool = False
    """Whether learning rates may be tested with these settings, once no run needs the cores."""
    is_busy: bool = False
    """Whether a run trains or waits."""
    network_problems: str = ""
    """What is wrong with files in the folder of networks."""


def render_sidebar(
    draft: Draft,
    run: Run | None,
    unfinished: Sequence[Run],
    on_start: Callable[[TrainConfig, str], None],
    *,
    may_act: bool,
) -> None:
    """Draw the sidebar. Start attempts `on_start` with the config and the name of the next run.

    A refused value marks its field and disables Start, which says why.
    """
    with st.sidebar, st.container(key="settings"):
        headings.hidden_heading(labels.SETTINGS)
        if _render_tabs(may_act=may_act) == THIS_RUN or not may_act:
            _render_this_run(draft, run, may_act=may_act)
        else:
            steering.release()
            _render_next_run(draft, unfinished, on_start)


def _render_tabs(*, may_act: bool) -> str:
    """The choice of run. The default is the next run, so that no slider steers by accident; viewers have no choice."""
    chosen = st.segmented_control(
        "What the settings are for",
        [NEXT_RUN, THIS_RUN],
        default=NEXT_RUN if may_act else THIS_RUN,
        required=True,
        key="target" if may_act else "watched_target",
        label_visibility="collapsed",
        width="stretch",
        disabled=not may_act,
    )
    return chosen or NEXT_RUN


# ---------------------------------------------------------------------- the next run


def _render_next_run(draft: Draft, unfinished: Sequence[Run], on_start: Callable[[TrainConfig, str], None]) -> None:
    in_progress = any(run.status.is_active for run in unfinished)
    hint = "Prepares the next run." + (" The current run keeps its settings." if in_progress else "")
    training_images = expected_images(draft.config)
    form = _Form(
        hint,
        drafts.bind_draft(draft),
        draft.config,
        training_images,
        may_test=True,
        is_busy=any(run.status is not RunStatus.PAUSED for run in unfinished),
        network_problems=own_networks.folder_problems(),
    )
    _render_hint(hint)
    _render_preset(draft)
    _render_settings(form)
    st.session_state.setdefault("run_name", drafts.run_name())
    st.text_input(
        "Run name",
        drafts.run_name(),
        placeholder="Named automatically, e.g. run-8",
        key="run_name",
        max_chars=MAX_NAME_LENGTH,
        on_change=lambda: drafts.set_run_name(st.session_state["run_name"]),
    )
    _render_note(_note(draft))
    _render_start("Add to queue" if unfinished else "Start training", draft, on_start)


def _render_preset(draft: Draft) -> None:
    """A select box of presets. Changed settings have an entry of their own, so that every preset can be chosen."""
    preset = draft.preset
    key = drafts.preset_key(preset)
    choices = presets.NAMES if preset in presets.NAMES else (preset, *presets.NAMES)
    st.selectbox(
        "Preset",
        choices,
        index=choices.index(preset),
        key=key,
        help="Fills in settings that belong together. Dataset, seed, device and the like stay unchanged.",
        filter_mode=None,
        on_change=drafts.choose_preset,
        args=(key,),
    )
    chosen = preset.removesuffix(drafts.CHANGED)
    changes = markdown.escape(presets.describe_changes(chosen, draft.values)) if chosen != preset else ""
    _describe_preset(changes or presets.describe_preset(preset))


def _note(draft: Draft) -> str:
    """Say why Start is disabled, or which setting has no effect."""
    if draft.problems:
        if [*draft.problems] == ["model"]:
            return "" if own_networks.is_checking(draft.values["model"]) else "See the note under Network."
        problem, *others = draft.problems.values()
        return _mark_problem(markdown.escape(problem)) + (f" And {len(others)} more." if others else "")
    if not presets.has_effect("momentum", draft.values):
        return f"{OPTIMIZERS[draft.values['optimizer']]} does not use momentum."
    return ""


def _render_start(label: str, draft: Draft, on_start: Callable[[TrainConfig, str], None]) -> None:
    def start() -> None:
        # The user may have typed a value and pressed Start before the page could show that the value is refused.
        typed = drafts.read_draft()
        if not typed.problems:
            # On the page: on a phone, the press has closed the drawer that holds the sidebar.
            messages.attempt(lambda: on_start(typed.config, st.session_state["run_name"]))

    problem = next(iter(draft.problems.values()), "")
    st.button(
        label,
        type="primary",
        width="stretch",
        shortcut="Ctrl+Enter",
        key="start",
        disabled=bool(problem),
        on_click=start,  # a callback: it starts the run before the page is redrawn, which takes longer
        # The field may be out of sight, under More settings.
        help=markdown.escape(problem) or "Trains in a process of its own: closing this page does not stop it.",
    )


# ---------------------------------------------------------------------- the run shown


def _render_this_run(draft: Draft, run: Run | None, *, may_act: bool) -> None:
    config = run.config if run else draft.config
    images = (run.train_images if run else 0) or expected_images(config)
    hint, binding = steering.bind_run(run, config, may_act=may_act)
    _render_hint(hint)
    preset = presets.match_preset(binding.values)
    st.session_state["this_preset"], st.session_state["this_name"] = preset, run.name if run else ""
    st.selectbox("Preset", [preset], key="this_preset", disabled=True, filter_mode=None)
    _describe_preset(presets.describe_preset(preset))
    _render_settings(_Form(hint, binding, config, images))
    st.text_input("Run name", key="this_name", disabled=True)
    problem = markdown.escape(next(iter(binding.problems.values()), ""))
    _render_note(_mark_problem(messages.take_problem(messages.SIDEBAR) or problem))
    with st.container(key="start_hint"):
        st.caption("Applies from the next batch on" if binding.changeable else BLANK)


# ---------------------------------------------------------------------- rows


def _render_hint(hint: str) -> None:
    with st.container(key="settings_hint", horizontal=True, gap="small"):
        st.caption(hint, width="stretch")
        glossary.render_glossary()


def _render_note(note: str) -> None:
    with st.container(key="settings_note"):  # as high as its longest text, so that nothing below moves
        st.caption(note or BLANK)


def _mark_problem(text: str) -> str:
    return f":red[{text}]" if text else ""


def _describe_preset(text: str) -> None:
    with st.container(key="preset_description"):  # high enough for every description, so that nothing below moves
        st.caption(text)


def _render_settings(form: _Form) -> None:
    values = form.binding.values
    for name in MAIN_SETTINGS:
        if name == "batch_size":
            updates = form.config.total_steps(form.training_images) // form.config.epochs
            with st.container(key="updates"):  # beside the label: see the style sheet
                st.caption(f"{format_count(updates)} updates per epoch")
        render_setting(name, form.binding)
        if name == "model":
            _render_network_note(form)
        if name == "lr":
            render_rate_line(form.binding, form.config, may_test=form.may_test, is_busy=form.is_busy)
    others = [name for name in SETTINGS if name not in MAIN_SETTINGS]
    # With a key it stays open when its label changes.
    with st.expander(f"More settings{_summarize(values, others)}", key="more_settings"):
        for name in others:
            render_setting(name, form.binding)


def _render_network_note(form: _Form) -> None:
    """Say how large and fast the network is, or what is wrong with it or with other files in its folder."""
    model = form.binding.values["model"]
    if own_networks.is_checking(model):
        own_networks.render_wait(model)
        return
    problem = form.binding.problems.get("model", "") or form.network_problems
    if "model" not in form.binding.problems:
        st.caption(_size_and_time(form.config, form.training_images))
    if problem:
        st.caption(_mark_problem(markdown.escape(problem)))


def _summarize(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """Say which of these settings differ from their defaults, if it fits, else how many do."""
    changed = {name: value for name, value in presets.changed_settings(values).items() if name in names}
    if not changed:
        return ""
    text = presets.describe_settings(changed)
    if len(text) > MAX_SUMMARY_LENGTH:
        text = f"{len(changed)} changed"
    return f" :small[({markdown.escape(text)})]"


def _size_and_time(config: TrainConfig, training_images: int) -> str:
    """Describe the network in one line at most, so that another choice moves nothing below."""
    count = PARAMETER_COUNTS.get(config.model) or own_networks.count_parameters(config.model)
    if count is None:
        return "a network of your own" if access.may_act() else "a network of the owner's"
    parameters = f"{format_count(count)} parameters"
    if OwnNetwork.parse(config.model):  # whose speed nobody has measured
        return parameters
    seconds = epoch_seconds(config, training_images)
    if seconds is None:
        return f"{parameters}, time not measured yet"
    return f"{parameters}, about {format_duration(max(1, round(seconds)))} per epoch"

"""The actions on a race, which depend on the status of its lanes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from mnist_core.records import Command, Run, RunStatus
from mnist_dashboard import access, services
from mnist_dashboard.sweep import place, race_draft
from mnist_dashboard.sweep.race_list import Race
from mnist_dashboard.train.settings.draft import load_config, read_draft
from mnist_dashboard.ui import markdown, messages

Action = Callable[[], object]
"""Draws the button of one action."""


def race_actions(race: Race) -> list[Action]:
    """Return the actions on a race, the most important first."""
    by_status: dict[RunStatus, list[Action]] = {
        RunStatus.QUEUED: [partial(_remove_from_queue, race)],
        RunStatus.PREPARING: [partial(_stop_all, race)],
        RunStatus.STOPPING: [partial(_stop_all, race)],
        RunStatus.RUNNING: [partial(_pause_all, race), partial(_stop_all, race), partial(_evaluate, race)],
        RunStatus.PAUSED: [
            partial(_resume_all, race),
            partial(_step_all, race),
            partial(_stop_all, race),
            partial(_evaluate, race),
        ],
        RunStatus.INTERRUPTED: [partial(_resume_interrupted, race)],
    }
    return [*by_status.get(race.status, []), partial(_race_again, race), partial(_delete, race)]


def apply_lane(run_id: int) -> None:
    """Put the settings of a lane into the sliders of the Train page, and offer to undo it."""

    def apply() -> str:
        access.require_owner()
        run = services.current().queries.get_run(run_id)
        load_config(run.config)
        return run.name

    before = read_draft().config
    messages.attempt(
        apply,
        lambda name: f"The settings of {markdown.escape(name)} are in the sliders of the Train page.",
        undo=partial(load_config, before),
        undone="The sliders are as they were before.",
    )


def stop_lane(run_id: int) -> None:
    """End one lane; the others race on."""
    messages.attempt(lambda: services.current().actions.request_stop(run_id))


def _send(race: Race, command: Command, statuses: tuple[RunStatus, ...], *, once: bool = True) -> None:
    """Send a command to lanes with these statuses: to one of them if the others in its process follow."""
    lanes = [lane for lane in race.lanes if lane.status in statuses]
    for lane in lanes[:1] if once else lanes:
        services.current().actions.send_command(lane.id, command, by=access.current_user())


def _pause_all(race: Race) -> None:
    messages.action_button(
        "Pause all",
        "pause",
        lambda: _send(race, Command.PAUSE, (RunStatus.RUNNING,)),
        help="Pauses all lanes after the current batch.",
    )


def _resume_all(race: Race) -> None:
    messages.action_button(
        "Resume all",
        "play_arrow",
        lambda: _send(race, Command.RESUME, (RunStatus.PAUSED,)),
        help="Continues training.",
        type="primary",
    )


def _step_all(race: Race) -> None:
    messages.action_button(
        "Step",
        "skip_next",
        lambda: _send(race, Command.STEP, (RunStatus.PAUSED,)),
        help="Trains one batch in each lane and pauses again.",
    )


def _evaluate(race: Race) -> None:
    messages.action_button(
        "Evaluate now",
        "rule",
        lambda: _send(race, Command.EVALUATE, (RunStatus.RUNNING, RunStatus.PAUSED), once=False),
        help="Evaluates each lane on validation before its next batch. Who leads is judged at the scheduled "
        "evaluations, which come after the same images.",
    )


def _stop_all(race: Race) -> None:
    def stop() -> None:
        for lane in _unfinished(race):
            services.current().actions.request_stop(lane.id)

    messages.action_button(
        "Stop all",
        "stop",
        stop,
        help="Ends all lanes and keeps everything recorded so far.",
        disabled=race.status is RunStatus.STOPPING,
    )


def _remove_from_queue(race: Race) -> None:
    def remove() -> None:
        for lane in race.lanes:
            if lane.status is RunStatus.QUEUED:
                services.current().actions.remove_from_queue(lane.id)

    messages.action_button("Remove from queue", "close", remove)


def _resume_interrupted(race: Race) -> None:
    messages.action_button(
        "Resume",
        "play_arrow",
        lambda: services.current().actions.resume_race(race.lanes[0].id),
        help="Continues all interrupted lanes from their last checkpoints, in lock step.",
        type="primary",
    )


def _race_again(race: Race) -> None:
    def fill() -> None:
        access.require_owner()
        race_draft.load_race([lane.config for lane in race.lanes], race.differing)

    messages.action_button(
        "Race again",
        "replay",
        fill,
        success="The form has the lanes of this race, and the sliders its other settings.",
        help="Puts the lanes of this race into the form, and its other settings into the sliders of the Train page.",
    )


def _delete(race: Race) -> None:
    ids = [lane.id for lane in race.lanes]

    def restore() -> None:
        services.current().actions.restore_runs(ids)
        place.go_to(place.Place(race=race.id))

    def delete() -> None:
        messages.attempt(
            lambda: services.current().actions.delete_runs(ids),
            f"{race.name} is in the bin.",
            undo=restore,
            undone=f"{race.name} is back.",
        )
        if not messages.has_problem():
            place.go_to(place.Place(tab=place.RACE))

    st.button(
        "Delete",
        icon=":material/delete:",
        help="Moves the runs of this race to the bin, and stops those in progress.",
        on_click=delete,
    )


def _unfinished(race: Race) -> list[Run]:
    return [lane for lane in race.lanes if not lane.status.is_finished and lane.status is not RunStatus.INTERRUPTED]

"""What a page's socket may say: few kinds of messages, short ones."""

from __future__ import annotations

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from mnist_dashboard.server.limits import page_messages
from mnist_dashboard.server.limits.page_messages import (
    NOT_UNDERSTOOD,
    POLICY_VIOLATION,
    TOO_BIG,
    ForbiddenMessageError,
    is_rerun,
    parse_page_message,
    supersedes,
)


def rerun(*, page: str = "p", fragment: str = "", query: str = "", clicked: str = "", **values: str) -> BackMsg:
    """The message of a page that wants its script to run; `clicked` is the id of a button."""
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    message.rerun_script.fragment_id = fragment
    message.rerun_script.query_string = query
    for name, value in values.items():
        message.rerun_script.widget_states.widgets.add(id=name, string_value=value)
    if clicked:
        message.rerun_script.widget_states.widgets.add(id=clicked, trigger_value=True)
    return message


def refusal(data: object, *, is_owner: bool = False) -> int:
    """The close code with which a message is refused; 0 if it is not."""
    try:
        parse_page_message(data, is_owner=is_owner)
    except ForbiddenMessageError as error:
        return error.code
    return 0


MESSAGES = {
    "rerun_script": rerun(),
    "stop_script": BackMsg(stop_script=True),
    "app_heartbeat": BackMsg(app_heartbeat=True),
    "file_urls_request": BackMsg(),
    "load_git_info": BackMsg(load_git_info=True),
    "clear_cache": BackMsg(clear_cache=True),
    "set_run_on_save": BackMsg(set_run_on_save=True),
    "debug_disconnect_websocket": BackMsg(debug_disconnect_websocket=True),
    "debug_shutdown_runtime": BackMsg(debug_shutdown_runtime=True),
    "backend_operation_request": BackMsg(),
}
MESSAGES["file_urls_request"].file_urls_request.file_names.append("runs.zip")
MESSAGES["backend_operation_request"].backend_operation_request.install_skills.SetInParent()


def test_every_kind_of_message_is_tried_here() -> None:
    assert MESSAGES.keys() == {field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields}


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_page_may_send_only_what_pages_here_need(kind: str) -> None:
    data = MESSAGES[kind].SerializeToString()
    for_viewers = kind in ("rerun_script", "stop_script", "app_heartbeat")
    assert refusal(data) == (0 if for_viewers else POLICY_VIOLATION)
    assert refusal(data, is_owner=True) == (0 if for_viewers or kind == "file_urls_request" else POLICY_VIOLATION)


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"click", "text", None])
def test_what_is_no_message_of_a_page_is_refused(data: object) -> None:
    assert refusal(data) == NOT_UNDERSTOOD


def test_an_empty_message_is_refused() -> None:
    assert refusal(BackMsg().SerializeToString()) == POLICY_VIOLATION


def test_long_messages_are_refused() -> None:
    long = rerun(text="x" * page_messages.MAX_VIEWER_BYTES).SerializeToString()
    assert refusal(long) == TOO_BIG
    assert refusal(long, is_owner=True) == 0
    longer = rerun(text="x" * page_messages.MAX_OWNER_BYTES).SerializeToString()
    assert refusal(longer, is_owner=True) == TOO_BIG


def test_messages_about_very_many_things_are_refused() -> None:
    crowded = rerun(**{f"w{number}": "" for number in range(page_messages.MAX_WIDGETS + 1)})
    assert refusal(crowded.SerializeToString()) == POLICY_VIOLATION
    upload = BackMsg()
    upload.file_urls_request.file_names.extend([""] * (page_messages.MAX_FILES_AT_ONCE + 1))
    assert refusal(upload.SerializeToString(), is_owner=True) == POLICY_VIOLATION


def test_a_rerun_supersedes_an_earlier_one_of_the_same_part_of_a_page() -> None:
    assert supersedes(rerun(slider="2"), rerun(slider="1"))
    assert supersedes(rerun(clicked="b"), rerun(slider="1"))
    assert not supersedes(rerun(), rerun(page="other"))
    assert not supersedes(rerun(fragment="f"), rerun())
    assert not supersedes(BackMsg(app_heartbeat=True), rerun())


def test_no_click_is_superseded() -> None:
    assert not supersedes(rerun(), rerun(clicked="start"))
    event = BackMsg()
    event.rerun_script.page_script_hash = "p"
    event.rerun_script.widget_states.widgets.add(id="table", json_trigger_value='{"select": 1}')
    assert not supersedes(rerun(), event)


def test_only_a_rerun_runs_a_script() -> None:
    assert [kind for kind, message in MESSAGES.items() if is_rerun(message)] == ["rerun_script"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("double_value", float("nan")),
        ("double_array_value", [1.0, float("inf")]),
        ("json_value", '{"a": [1'),
        ("json_trigger_value", "[" * 100_000),
        ("json_trigger_value", "'one'"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused(kind: str, value: object) -> None:
    message = rerun()
    state = message.rerun_script.widget_states.widgets.add(id="w")
    if kind == "double_array_value":
        state.double_array_value.data.extend(value)
    else:
        setattr(state, kind, value)
    assert refusal(message.SerializeToString()) == NOT_UNDERSTOOD


def test_states_of_widgets_pass() -> None:
    message = rerun(text="x")
    add = message.rerun_script.widget_states.widgets.add
    add(id="slider").double_array_value.data.extend([0.5])
    add(id="number", double_value=0.5)
    add(id="table", json_value='{"sort": 1}')
    add(id="event", json_trigger_value='{"select": 1}')
    add(id="no event", json_trigger_value="")
    assert refusal(message.SerializeToString()) == 0

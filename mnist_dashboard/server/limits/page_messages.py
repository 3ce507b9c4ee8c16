"""What the socket of a page may say to the server.

Streamlit's page socket takes many kinds of messages from anybody. Some run programs on the event loop, write files or
take memory without bound. Pages here use few of them, so everything else is refused.
"""

from __future__ import annotations

import json
import math

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

VIEWER_KINDS = frozenset({"rerun_script", "stop_script", "app_heartbeat"})
OWNER_KINDS = VIEWER_KINDS | {"file_urls_request"}
"""Kinds of messages, by their names in Streamlit's `BackMsg`. Owners upload archives, for which a page asks an
address first."""

MAX_VIEWER_BYTES = 128_000
"""Maximum length of a viewer's message. A page of ours sends up to 8,000 bytes; the text fields can hold 40,000."""
MAX_OWNER_BYTES = 512_000
MAX_FILES_AT_ONCE = 10
"""Maximum number of files in one request for addresses."""
MAX_WIDGETS = 400
"""Maximum number of widgets in a message; a page of ours has up to 60."""

POLICY_VIOLATION, TOO_BIG, NOT_UNDERSTOOD = 1008, 1009, 1002
"""WebSocket close codes (RFC 6455, section 7.4.1)."""

_TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value")


class ForbiddenMessageError(Exception):
    """Why a message closes the socket that sent it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def parse_page_message(data: object, *, is_owner: bool) -> BackMsg:
    """Parse one message of a page's socket. Raises `ForbiddenMessageError` for one that this role may not send."""
    if not isinstance(data, bytes):
        raise ForbiddenMessageError(NOT_UNDERSTOOD, "This server reads binary messages only.")
    if len(data) > (MAX_OWNER_BYTES if is_owner else MAX_VIEWER_BYTES):
        raise ForbiddenMessageError(TOO_BIG, "This message is too long.")
    try:
        message: BackMsg = BackMsg.FromString(data)
    except DecodeError as error:
        raise ForbiddenMessageError(NOT_UNDERSTOOD, "This is no message of a page.") from error
    kind = message.WhichOneof("type")
    if kind not in (OWNER_KINDS if is_owner else VIEWER_KINDS):
        raise ForbiddenMessageError(POLICY_VIOLATION, f"A page may not send {kind or 'an empty message'}.")
    if len(message.file_urls_request.file_names) > MAX_FILES_AT_ONCE:
        raise ForbiddenMessageError(POLICY_VIOLATION, f"A page may upload {MAX_FILES_AT_ONCE} files at once.")
    widgets = message.rerun_script.widget_states.widgets
    if len(widgets) > MAX_WIDGETS:
        raise ForbiddenMessageError(POLICY_VIOLATION, f"A page has at most {MAX_WIDGETS} widgets.")
    if not all(map(_is_readable, widgets)):
        raise ForbiddenMessageError(NOT_UNDERSTOOD, "The state of a widget cannot be read.")
    return message


def is_rerun(message: BackMsg) -> bool:
    """Whether the message asks to run the page's script."""
    return bool(message.WhichOneof("type") == "rerun_script")


def supersedes(newer: BackMsg, older: BackMsg) -> bool:
    """Whether `older`, a rerun that has not begun, is not needed once `newer` is there.

    Each rerun carries the state of all widgets, but only the one that a click has sent carries that click.
    """
    if not is_rerun(newer):
        return False
    new, old = newer.rerun_script, older.rerun_script
    same_part = (new.page_script_hash, new.fragment_id) == (old.page_script_hash, old.fragment_id)
    return same_part and not any(map(_is_trigger, old.widget_states.widgets))


def _is_readable(state: WidgetState) -> bool:
    """Whether numbers are finite and JSON is JSON. Streamlit would fail at others each time it runs the page."""
    match state.WhichOneof("value"):
        case "double_value":
            return math.isfinite(state.double_value)
        case "double_array_value":
            return all(map(math.isfinite, state.double_array_value.data))
        case "json_value" | "json_trigger_value" as name:
            text = getattr(state, name)
            try:
                json.loads(text or "null")
            except (ValueError, RecursionError):
                return False
    return True


def _is_trigger(state: WidgetState) -> bool:
    """Whether the state is an event, such as a click, rather than a value."""
    return state.WhichOneof("value") in _TRIGGERS

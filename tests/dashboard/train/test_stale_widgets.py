"""Telling what a browser sends of its own from what somebody did."""

from typing import Any

import pytest

from mnist_dashboard.train import stale_widgets


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session in which a widget that showed 0.01 was set to 0.03."""
    session: dict[str, Any] = {"lr_slider": 0.01}
    monkeypatch.setattr("mnist_dashboard.train.stale_widgets.st.session_state", session)
    stale_widgets.set_widget_value("lr_slider", 0.03)
    assert session["lr_slider"] == 0.03
    return session


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("mnist_dashboard.train.stale_widgets.time.monotonic", lambda: now[0])
    return now


def test_the_former_value_is_an_echo_until_a_while_after_the_new_one_was_drawn(
    session: dict[str, Any], clock: list[float]
) -> None:
    session["lr_slider"] = 0.01
    clock[0] += 60  # a page that took that long has told the browser nothing
    assert stale_widgets.is_echo("lr_slider")
    stale_widgets.start_echo_window()
    clock[0] += stale_widgets.ECHO_SECONDS / 2
    stale_widgets.start_echo_window()  # the next drawing tells it nothing new
    assert stale_widgets.is_echo("lr_slider")
    clock[0] += stale_widgets.ECHO_SECONDS
    assert not stale_widgets.is_echo("lr_slider")


def test_an_answered_echo_is_one_until_that_answer_was_drawn(session: dict[str, Any], clock: list[float]) -> None:
    stale_widgets.start_echo_window()
    session["lr_slider"] = 0.01
    assert stale_widgets.is_echo("lr_slider")
    stale_widgets.set_widget_value("lr_slider", 0.03)
    clock[0] += 60
    session["lr_slider"] = 0.01
    assert stale_widgets.is_echo("lr_slider")


def test_any_other_value_is_somebodys(session: dict[str, Any]) -> None:
    session["lr_slider"] = 0.1
    assert not stale_widgets.is_echo("lr_slider")

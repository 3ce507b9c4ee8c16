"""Telling stale values that the browser sends from changes by the user."""

from typing import Any

import pytest

from mnist_dashboard.ui.state import stale_widgets


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session in which a widget that showed 0.01 was set to 0.03."""
    session: dict[str, Any] = {"lr_slider": 0.01}
    monkeypatch.setattr("mnist_dashboard.ui.state.stale_widgets.st.session_state", session)
    stale_widgets.set_widget_value("lr_slider", 0.03)
    assert session["lr_slider"] == 0.03
    return session


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("mnist_dashboard.ui.state.stale_widgets.time.monotonic", lambda: now[0])
    return now


def test_the_replaced_value_is_stale_until_some_time_after_the_new_one_was_sent(
    session: dict[str, Any], clock: list[float]
) -> None:
    session["lr_slider"] = 0.01
    clock[0] += 60  # a slow script run has not sent anything yet
    assert stale_widgets.is_stale("lr_slider")
    stale_widgets.mark_values_sent()
    clock[0] += stale_widgets.STALE_SECONDS / 2
    stale_widgets.mark_values_sent()  # the next script run sends nothing new
    assert stale_widgets.is_stale("lr_slider")
    clock[0] += stale_widgets.STALE_SECONDS
    assert not stale_widgets.is_stale("lr_slider")


def test_a_stale_value_replaced_again_is_stale_until_the_new_one_was_sent(
    session: dict[str, Any], clock: list[float]
) -> None:
    stale_widgets.mark_values_sent()
    session["lr_slider"] = 0.01
    assert stale_widgets.is_stale("lr_slider")
    stale_widgets.set_widget_value("lr_slider", 0.03)
    clock[0] += 60
    session["lr_slider"] = 0.01
    assert stale_widgets.is_stale("lr_slider")


def test_any_other_value_is_a_change_by_the_user(session: dict[str, Any]) -> None:
    session["lr_slider"] = 0.1
    assert not stale_widgets.is_stale("lr_slider")

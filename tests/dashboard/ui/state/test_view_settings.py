"""The settings of charts, kept per browser and shared by the Train and the Runs page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.ui.state import browser_memory
from mnist_dashboard.ui.state.view_settings import ViewSettings, parse
from tests.support.web.page_driver import Visitor, active_run, component_data, open_page, open_runs


def test_what_is_chosen_on_one_page_holds_on_the_other_and_is_remembered(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_page(app, 1)
    app.slider(key="smoothing").set_value(0.4).run()
    app.toggle(key="log_loss").set_value(False).run()
    assert (component_data(app, "loss")["smoothing"], component_data(app, "loss")["log"]) == (0.4, False)
    open_runs(app, runs="1")
    assert (component_data(app, "overlay_loss")["smoothing"], component_data(app, "overlay_loss")["log"]) == (
        0.4,
        False,
    )
    app.slider(key="smoothed").set_value(0.6).run()
    app.run()
    assert app.session_state["view_settings"] == ViewSettings(log_loss=False, smoothing=0.6)
    app.switch_page("pages/train.py").run()
    assert component_data(app, "loss")["smoothing"] == 0.6


def test_a_session_begins_with_what_the_browser_remembers(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    active_run(store, RunStatus.COMPLETED)
    remembered = browser_memory.encode({"log_loss": False, "smoothing": 0.3, "ghost": True})
    visitor.cookies[browser_memory._cookie_name("view_settings")] = remembered
    open_page(app, 1)
    assert (component_data(app, "loss")["smoothing"], component_data(app, "loss")["log"]) == (0.3, False)


@pytest.mark.parametrize(
    "cookie", [None, "text", [1], {"log_loss": 1, "smoothing": "0.5"}, {"smoothing": 7, "more": 1}]
)
def test_an_unreadable_memory_is_ignored(cookie: object) -> None:
    assert parse(cookie) == ViewSettings()

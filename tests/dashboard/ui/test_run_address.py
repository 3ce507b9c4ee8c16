"""The run that the address names, when the browser is behind."""

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.page_driver import active_run, address, click, open_page


def test_a_rerun_that_was_asked_for_before_the_browser_heard_of_a_new_run_does_not_lead_back(
    app: AppTest, store: RunStore
) -> None:
    before = active_run(store, RunStatus.COMPLETED)
    open_page(app, before.id)
    click(app, "Start training")
    started = address(app)
    assert started != str(before.id)
    open_page(app, before.id)  # with the address that the browser still had
    assert address(app) == started


def test_a_run_that_was_left_a_while_ago_is_shown_again_when_the_address_names_it(
    app: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_dashboard.ui.run_address._MOVE_SECONDS", 0.0)
    before = active_run(store, RunStatus.COMPLETED)
    open_page(app, before.id)
    click(app, "Start training")
    assert address(app) != str(before.id)
    open_page(app, before.id)
    assert address(app) == str(before.id)

"""The run in the address, when the browser sends an outdated one."""

from typing import Any

from streamlit.testing.v1 import AppTest

from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.web.page_driver import active_run, address, click, open_page


def test_a_rerun_with_an_outdated_address_does_not_lead_back_to_the_old_run(app: AppTest, store: RunStore) -> None:
    before = active_run(store, RunStatus.COMPLETED)
    open_page(app, before.id)
    click(app, "Start training")
    started = address(app)
    assert started != str(before.id)
    open_page(app, before.id)  # the browser still sends the old address
    assert address(app) == started


def test_a_link_to_a_third_run_is_followed_at_once(app: AppTest, store: RunStore) -> None:
    before, third = (active_run(store, RunStatus.COMPLETED) for _ in range(2))
    open_page(app, before.id)
    click(app, "Start training")
    open_page(app, third.id)
    assert address(app) == str(third.id)
    app.run()
    assert address(app) == str(third.id)


def test_an_address_with_the_old_run_is_followed_once_the_browser_has_shown_the_new_one(
    app: AppTest, store: RunStore
) -> None:
    before = active_run(store, RunStatus.COMPLETED)
    open_page(app, before.id)
    click(app, "Start training")
    started = address(app)
    app.run()  # with the address of the run just started
    assert address(app) == started != str(before.id)
    open_page(app, before.id)
    assert address(app) == str(before.id)


def test_going_back_to_another_view_works_although_streamlit_does_not_say_so(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    app.query_params["view"], app.query_params["cell"] = "mistakes", "9-4"
    open_page(app, run.id)
    app.run()  # with the address that the browser has

    del app.query_params["view"], app.query_params["cell"]  # Back, merged with a message of a part of the page
    open_page(app, run.id)

    assert "view" not in app.query_params
    assert "cell" not in app.query_params
    assert _view_switch(app).value == "curves"
    app.run()
    assert _view_switch(app).value == "curves"


def test_a_rerun_with_the_address_from_before_a_change_of_view_does_not_undo_it(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    open_page(app, run.id)
    _view_switch(app).set_value("mistakes").run()
    del app.query_params["view"]  # the browser has not received the new address yet
    open_page(app, run.id)
    assert _view_switch(app).value == "mistakes"
    assert app.query_params["view"] == "mistakes"


def _view_switch(app: AppTest) -> Any:
    return next(control for control in app.segmented_control if control.label == "View of the run")

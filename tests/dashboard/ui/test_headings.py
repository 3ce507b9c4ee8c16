"""Every page has one heading, which says the state of its run."""

from streamlit.testing.v1 import AppTest

from mnist_core.store import RunStore
from tests.support.web.page_driver import active_run, component_data, open_page, open_runs


def test_the_train_page_is_headed_by_its_run(app: AppTest, store: RunStore) -> None:
    assert component_data(open_page(app), "page_heading") == {"page": "Train", "run": None}
    run = active_run(store)
    heading = component_data(open_page(app), "page_heading")
    assert (heading["page"], heading["run"]["id"], heading["run"]["status"]) == ("Train", run.id, "running")


def test_the_runs_page_is_headed_without_runs_and_with_them(app: AppTest, store: RunStore) -> None:
    assert component_data(open_runs(app), "page_heading") == {"page": "Runs", "run": None}
    active_run(store)
    assert component_data(open_runs(app), "page_heading") == {"page": "Runs", "run": None}

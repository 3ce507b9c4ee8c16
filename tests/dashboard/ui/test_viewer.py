"""A viewer sees every page, and no button that a viewer presses changes anything."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.web.page_driver import Visitor, active_run, labels

VIEWS = ("Curves", "Verdict", "Hyperparameters", "Details")
ADDRESSES = [
    *(f"train?run={run}" for run in range(3, 7)),
    "train?run=1&view=details",
    *(f"runs?runs=1,2&show={view}" for view in VIEWS),
]


def files(places: Path) -> set[Path]:
    """Return all files but the audit log, which says what viewers have exported."""
    return set(places.rglob("*")) - {places / "runs" / "audit.log"}


@pytest.fixture
def runs(store: RunStore) -> None:
    """Runs 1 to 3 are complete, run 4 is training, run 5 has diverged and run 6 is interrupted."""
    for lr in (0.01, 0.02):
        finished_run(store, TrainConfig(lr=lr))
    for status in (RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.DIVERGED, RunStatus.INTERRUPTED):
        active_run(store, status)


def press_every_button(app: AppTest, address: str) -> None:
    name, _, query = address.partition("?")
    for _visit in ("the first page", "this page"):
        for key, value in parse_qsl(query):
            app.query_params[key] = value
        app.run().switch_page(f"pages/{name}.py")
    app.run()
    for label in labels(app):
        for button in [button for button in app.button if button.label == label and not button.disabled]:
            button.click().run()
            assert not app.exception


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_viewer_who_presses_every_button_changes_nothing(
    app: AppTest, store: RunStore, places: Path, visitor: Visitor, address: str
) -> None:
    visitor.become_viewer()
    before, watch = files(places), store.queries.watch()
    watch.has_new_commits()
    press_every_button(app, address)
    assert not watch.has_new_commits()
    watch.close()
    assert files(places) == before


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("address", ["train?run=4", "train?run=1&view=details", "runs?runs=1,2"])
def test_an_owner_who_presses_every_button_writes(app: AppTest, store: RunStore, address: str) -> None:
    """Shows that pressing every button would find one that writes."""
    watch = store.queries.watch()
    watch.has_new_commits()
    press_every_button(app, address)
    assert watch.has_new_commits()
    watch.close()

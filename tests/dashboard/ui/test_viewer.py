"""Whoever only watches: sees every page, and whatever is pressed there, nothing is written."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.page_driver import Visitor, active_run

VIEWS = ("Curves", "Verdict", "Hyperparameters", "Details")
ADDRESSES = ["train?run=4", "details?run=1", *(f"runs?runs=1,2&show={one}" for one in VIEWS)]


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_that_a_viewer_presses_is_written(
    app: AppTest, store: RunStore, places: Path, visitor: Visitor, address: str
) -> None:
    for lr in (0.01, 0.02):
        finished_run(store, TrainConfig(lr=lr))
    active_run(store, RunStatus.COMPLETED)
    active_run(store)
    visitor.headers.clear()
    kept, watch = files(places), store.queries.watch()
    watch.has_new_commits()
    name, _, query = address.partition("?")
    app.run().switch_page(f"pages/{name}.py")
    for key, value in parse_qsl(query):
        app.query_params[key] = value
    app.run()
    for number in range(len(app.button)):
        if not app.button[number].disabled:
            app.button[number].click().run()
        assert not app.exception
    assert not watch.has_new_commits()
    watch.close()
    assert files(places) == kept

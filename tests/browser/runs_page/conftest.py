"""A server with made-up runs, and its Runs page in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from mnist_core.store import RunStore
from tests.browser.runs_page.runs_driver import HOSTILE, RUNS, rows
from tests.support.factories import search_runs
from tests.support.processes import Eventually, Server, running_server

STEPS = 900


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> Iterator[Server]:
    """A server with finished runs and without images: nothing is trained here."""
    folder = tmp_path_factory.mktemp("server")
    store = RunStore.open(folder)
    search_runs(store, RUNS, STEPS)
    store.commands.edit_run(store.queries.find_run("search-1").id, name=HOSTILE)
    store.close()
    with running_server(folder, tmp_path_factory.mktemp("no_images"), eventually) as started:
        yield started


@pytest.fixture
def runs(page: Page, server: Server) -> Page:
    """The Runs page. The first test to use it is the first visitor of a new server."""
    page.goto(f"{server.url}/runs")
    expect(rows(page).first).to_be_visible()
    return page

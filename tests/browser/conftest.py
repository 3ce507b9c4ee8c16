"""One server and one browser profile for all journeys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from mnist_core.data.datasets import load_dataset
from tests.browser.browser_driver import sign_in
from tests.support.factories import write_mnist
from tests.support.live_runs import end_runs
from tests.support.processes import ELSEWHERE, Eventually, Server, end_server, running_server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
]
expect.set_options(timeout=30_000)  # long, since other processes may use the cores


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    paths = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    path = next(paths, None)
    if path is None and os.environ.get("CI"):
        pytest.fail("No Chromium or Chrome on the PATH: the journeys in a real browser cannot be tested.")
    if path is None:
        pytest.skip("No Chromium or Chrome on the PATH.")
    return {"executable_path": path, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def profile(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    browser_context_args: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BrowserContext]:
    """One profile for all journeys, so that its cache holds the scripts, read and compiled."""
    folder = tmp_path_factory.mktemp("profile")
    context = browser_type.launch_persistent_context(folder, **browser_type_launch_args, **browser_context_args)
    yield context
    context.close()


@pytest.fixture
def context(profile: BrowserContext, server: Server) -> Iterator[BrowserContext]:
    """The profile, signed in as an owner; cleared of pages, cookies and local storage afterwards."""
    sign_in(profile, server)
    yield profile
    session = profile.new_cdp_session(profile.new_page())
    for origin in (server.url, server.url_elsewhere):
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"})
    profile.clear_cookies()
    profile.clear_permissions()
    profile.set_offline(False)
    for page in profile.pages[1:]:  # the browser closes with its last page
        page.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="session")
def four_thousand_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which 4,000 real digits stand in for MNIST, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("digits")
    write_mnist(folder / "data", load_dataset("mnist-5k", runs_dir=folder / "derived"))
    return folder / "data"


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, four_thousand_digits: Path, eventually: Eventually
) -> Iterator[Server]:
    """One server for all journeys. At the end it must shut down in an orderly way."""
    with running_server(tmp_path_factory.mktemp("server"), four_thousand_digits, eventually) as started:
        yield started
        end_server(started)


@pytest.fixture
def live(server: Server, eventually: Eventually) -> Iterator[Server]:
    """The server without runs. Those that a journey makes are ended and deleted before the next journey."""
    store = server.store
    yield server
    end_runs(store)
    eventually(lambda: not store.queries.list_unfinished_runs())
    store.commands.delete_runs(run.id for run in store.queries.list_runs())

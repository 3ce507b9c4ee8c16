"""A real server, started as the README says, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from mnist_core.data.datasets import load_dataset
from mnist_core.store import RunStore
from tests.support.factories import write_mnist

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP classroom.test 127.0.0.1",
]
ELSEWHERE = "classroom.test"
"""A name by which the server is reached as from another machine: who comes by it is no person at this one."""

expect.set_options(timeout=30_000)  # what a page must show, it shows sooner; other processes may have the cores

POINTS = "() => Math.max(0, ...(document.querySelector('.js-plotly-plot')?.data ?? []).map((t) => t.x?.at(-1) ?? 0))"
MORE_POINTS = f"(before) => ({POINTS})() > before"
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    path = next(found, None)
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
    """One profile for all journeys: its cache saves each of them reading and compiling the same scripts again."""
    folder = tmp_path_factory.mktemp("profile")
    context = browser_type.launch_persistent_context(folder, **browser_type_launch_args, **browser_context_args)
    yield context
    context.close()


@pytest.fixture
def context(profile: BrowserContext, server: Server) -> Iterator[BrowserContext]:
    """The profile without a page, a cookie or anything kept for the server."""
    yield profile
    session = profile.new_cdp_session(profile.new_page())
    for origin in (server.url, server.url_elsewhere):
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"})
    profile.clear_cookies()
    profile.clear_permissions()
    profile.set_offline(False)
    for page in profile.pages[1:]:  # the window goes with its last page
        page.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@dataclass(frozen=True)
class Server:
    url: str
    folder: Path
    store: RunStore
    process: subprocess.Popen[bytes]

    @property
    def url_elsewhere(self) -> str:
        return self.url.replace("localhost", ELSEWHERE)


@contextmanager
def running_server(folder: Path, data: Path, eventually: Eventually) -> Iterator[Server]:
    """The server as the README starts it, on a port of its own; killed if whoever uses it did not end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    places = {"MNIST_RUNS_DIR": str(folder), "MNIST_DATA_DIR": str(data), "MNIST_HOSTS": ELSEWHERE}
    process = subprocess.Popen([*command, "--server.headless", "true"], cwd=ROOT, env={**os.environ, **places})
    try:
        eventually(lambda: _answers(f"http://localhost:{port}/_stcore/health", process))
        store = RunStore.open(folder)
        yield Server(f"http://localhost:{port}", folder, store, process)
        store.close()
    finally:
        if process.poll() is None:
            for left in psutil.Process(process.pid).children(recursive=True):
                left.kill()
            process.kill()
            process.wait()


def end_server(server: Server) -> None:
    """Have the server end as on Ctrl-C in a container or `kill`: soon, and with everything it started."""
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert family, "The server started no trainer host."
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=10)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive, f"The server left processes behind: {alive}"


@pytest.fixture(scope="session")
def four_thousand_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with MNIST in it, in which 4,000 real digits stand for the 60,000: nothing to download."""
    folder = tmp_path_factory.mktemp("digits")
    write_mnist(folder / "data", load_dataset("mnist-5k", runs_dir=folder / "derived"))
    return folder / "data"


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, four_thousand_digits: Path, eventually: Eventually
) -> Iterator[Server]:
    """One server for all journeys; at the end it must go in an orderly way."""
    with running_server(tmp_path_factory.mktemp("server"), four_thousand_digits, eventually) as started:
        yield started
        end_server(started)


@pytest.fixture
def live(server: Server, eventually: Eventually) -> Iterator[Server]:
    """The server; what a journey leaves running is stopped, so that the next begins with nothing in progress."""
    yield server
    for run in reversed(server.store.queries.list_unfinished_runs()):
        server.store.commands.request_stop(run.id)
    eventually(lambda: not server.store.queries.list_unfinished_runs())


def start_long_run(page: Page, live: Server) -> int:
    """Start 50 epochs of 4,000 images, which last longer than any journey, from the open page. Returns its number."""
    latest = live.store.queries.latest_run()
    run = latest.id + 1 if latest else 1
    field = page.get_by_label("Epochs, exact value")
    field.fill("50")
    field.press("Enter")
    expect(page.get_by_role("slider", name="Epochs")).to_have_value("50")
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile(rf"run={run}\b"))
    wait_for_points(page, run)
    return run


def wait_for_points(page: Page, run: int, more_than: int = 0) -> None:
    """Until the loss chart shows this run beyond a step."""
    shown = f"() => document.querySelector('.js-plotly-plot')?.layout?.uirevision === 'run-{run}'"
    page.wait_for_function(f"(before) => ({shown})() && ({POINTS})() > before", arg=more_than)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "The server ended before it answered."
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except OSError:
        return False

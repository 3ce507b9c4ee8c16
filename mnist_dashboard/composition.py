"""Puts the app together from run store, supervisor, live feed, roles and pages."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config as server_config
from streamlit.runtime.pages_manager import PagesManager

from mnist_core.errors import MnistError
from mnist_core.runs.actions import RunActions
from mnist_core.runs.retention import purge_expired_runs
from mnist_core.scheduler.supervisor import Supervisor, interrupt_lost_runs, parse_max_runs
from mnist_core.store import RunStore
from mnist_core.system.paths import display_path, runs_dir
from mnist_dashboard import access, services
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import feed_routes
from mnist_dashboard.server import links
from mnist_dashboard.server.access_policy import Sharing
from mnist_dashboard.server.assets import ASSET_ROUTES
from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.owner_link import owner_link_routes

MAIN_SCRIPT = str(Path(__file__).resolve().parent / "main.py")

SERVER_NICENESS = 5
"""Added to the server's nice(1) value: trainers on the same core keep about two thirds of it."""


def compose() -> dict[str, Any]:
    """Open the store and build everything the server runs on: the keyword arguments of `st.App`.

    Ends the program with one sentence when the runs folder or a variable of the environment cannot be used.
    """
    try:
        store = RunStore.open(runs_dir())
        supervisor = Supervisor(store, max_runs=parse_max_runs(os.environ.get("MNIST_MAX_RUNS", "")))
    except MnistError as error:
        sys.exit(str(error))
    hub = LiveHub(store.queries)
    sharing = Sharing(runs_dir(), strict=os.environ.get("MNIST_STRICT", "") not in ("", "0"))
    hosts = AllowedHosts(os.environ.get("MNIST_HOSTS", "").replace(",", " ").split())
    check = access.action_check(hub.audience.record_action)
    actions = RunActions(store, wake=supervisor.wake, before_action=check)
    services.provide(services.Services(store.queries, actions, sharing))
    # Without this, a first visit to a page other than Train would run that page's file without `main.py`.
    PagesManager.uses_pages_directory = False

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
        _end_on_hangup()
        interrupt_lost_runs(store)
        purge_expired_runs(store)
        supervisor.start()
        os.nice(SERVER_NICENESS)  # applies to this thread and those it starts, so not to the supervisor's trainers
        feed = asyncio.create_task(hub.follow())
        _announce(sharing)
        gc.freeze()  # each page rerun ends in a full collection; this keeps it from scanning everything imported
        try:
            yield {}
        finally:
            hub.audience.close()
            feed.cancel()
            with suppress(asyncio.CancelledError):
                await feed
            await asyncio.to_thread(supervisor.close)
            store.close()

    return {
        "lifespan": lifespan,
        "routes": [*ASSET_ROUTES, *feed_routes(hub, sharing), *owner_link_routes(sharing)],
        "middleware": [Middleware(Guard, sharing=sharing, hosts=hosts)],
        "on_script_error": _show_error,
    }


def _end_on_hangup() -> None:
    """Treat a closed terminal like Ctrl-C, so that shutdown is orderly; under `nohup` the server goes on."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _announce(sharing: Sharing) -> None:
    """Print the addresses of the page, and open it where there is a screen."""
    print(links.start_message(sharing, display_path(runs_dir())), flush=True)
    has_screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if has_screen and not server_config.get_option("server.headless"):
        asyncio.get_running_loop().call_later(0.5, webbrowser.open, links.local_url())


def _show_error(error: Exception) -> bool:
    """Show one sentence on a page that failed, and log the details."""
    logging.getLogger("mnist_dashboard").exception("A page failed", exc_info=error)
    text = str(error) if isinstance(error, MnistError) else "This page met an error it did not expect."
    st.error(f"{text} Reload the page; runs in progress are not affected. The terminal has the details.")
    return True

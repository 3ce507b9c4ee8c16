"""Composition root: the app that `streamlit run app.py` serves, put together from store, supervisor, feed and pages."""

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
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config as server_config
from streamlit.runtime.pages_manager import PagesManager

from dashboard import access, assets, links, live, live_routes, owner_link, services
from dashboard.guard import Guard
from dashboard.network import AllowedHosts
from dashboard.sharing import Sharing
from mnist_core.errors import MnistError
from mnist_core.scheduler.supervisor import Supervisor, max_runs_allowed, recover
from mnist_core.store import RunStore
from mnist_core.system.paths import runs_dir, shown


def open_store() -> RunStore:
    """The run store, or one clear sentence and the end of the program."""
    try:
        return RunStore.open(runs_dir())
    except MnistError as error:
        sys.exit(str(error))


def max_runs() -> int:
    try:
        return max_runs_allowed(os.environ.get("MNIST_MAX_RUNS", ""))
    except MnistError as error:
        sys.exit(str(error))


PAGES_NICE = 5
"""Pages give way to trainers where they want the same core: a third of it is left to them. See nice(1)."""

store = open_store()
supervisor = Supervisor(store, max_runs=max_runs())
hub = live.LiveHub(store)
sharing = Sharing(runs_dir(), strict=os.environ.get("MNIST_STRICT", "") not in ("", "0"))
hosts = AllowedHosts(os.environ.get("MNIST_HOSTS", "").replace(",", " ").split())
services.provide(services.Services(store, access.guarded(supervisor, hub.audience.acted), sharing))
# Else the very first visit, if it is to another page than Train, would run that page's file without `main.py`.
PagesManager.uses_pages_directory = False


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    end_on_hangup()
    recover(store)
    supervisor.start()
    os.nice(PAGES_NICE)  # of this thread and those it starts, not of the supervisor's and so not of the trainers
    feed = asyncio.create_task(hub.follow())
    announce()
    gc.freeze()  # every rerun of a page ends in a full collection, which this spares what was imported
    try:
        yield {}
    finally:
        hub.audience.close()
        feed.cancel()
        with suppress(asyncio.CancelledError):
            await feed
        await asyncio.to_thread(supervisor.close)
        store.close()


def end_on_hangup() -> None:
    """A closed terminal ends the server as Ctrl-C does, instead of on the spot; under `nohup` it goes on."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def announce() -> None:
    """Say where the page is, and open it where there is a screen."""
    print(links.start_message(sharing, shown(runs_dir())), flush=True)
    has_screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if has_screen and not server_config.get_option("server.headless"):
        asyncio.get_running_loop().call_later(0.5, webbrowser.open, links.here())


def show_error(error: Exception) -> bool:
    """A page failed: the person gets a sentence, the terminal the details."""
    logging.getLogger("dashboard").exception("A page failed", exc_info=error)
    text = str(error) if isinstance(error, MnistError) else "This page met an error it did not expect."
    st.error(f"{text} Reload the page; runs in progress are not affected. The terminal has the details.")
    return True


app = st.App(
    "dashboard/main.py",
    lifespan=lifespan,
    routes=[*assets.routes, *live_routes.routes(hub, sharing), *owner_link.routes(sharing)],
    middleware=[Middleware(Guard, sharing=sharing, hosts=hosts)],
    on_script_error=show_error,
)

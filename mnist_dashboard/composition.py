"""Build the app from run store, supervisor, live feed, access policy and pages."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from mnist_core.errors import MnistError
from mnist_core.inference.client import InferenceClient
from mnist_core.runs.actions import RunActions
from mnist_core.runs.retention import purge_expired_runs
from mnist_core.scheduler.recovery import interrupt_lost_runs
from mnist_core.scheduler.supervisor import Supervisor, parse_max_runs
from mnist_core.store import RunStore
from mnist_core.store.database.copies import restore_hint
from mnist_core.sweeps.actions import SweepActions
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import lower_priority, restore_session_priority
from mnist_dashboard import access, services
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import feed_routes
from mnist_dashboard.feed.webhook import Webhook
from mnist_dashboard.inspection.drawing_judge import DrawingJudge
from mnist_dashboard.inspection.drawing_routes import DrawingRoutes
from mnist_dashboard.inspection.inference_routes import InferenceRoutes
from mnist_dashboard.inspection.routes import inspection_routes
from mnist_dashboard.server import announcement
from mnist_dashboard.server.assets import ASSET_ROUTES, prepare_assets, with_base_path
from mnist_dashboard.server.downloads import DOWNLOAD_ROUTES
from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.limits.connections import limit_connections
from mnist_dashboard.server.limits.quiet_log import quieten_logs
from mnist_dashboard.server.older_addresses import OLDER_ROUTES
from mnist_dashboard.server.page_document import DOCUMENT_ROUTES, page_document
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.proxies import TrustedProxies
from mnist_dashboard.server.roles.sign_in import sign_in_routes

MAIN_SCRIPT = str(Path(__file__).resolve().parent / "main.py")

CHECK_SECONDS = 2.0
"""Time limit for the check of the database at start. A database of 400 MB, 1,000 runs of 10,000 steps, takes 0.2 s."""

PURGE_SECONDS = 86_400.0
"""Time between two searches of the bin for expired runs."""

SERVER_NICENESS = 5
"""Added to the server's nice(1) value: trainers on the same core keep about two thirds of it."""


@dataclass(frozen=True)
class _Server:
    """The parts that start and stop with the server."""

    store: RunStore
    supervisor: Supervisor
    hub: LiveHub
    webhook: Webhook
    policy: AccessPolicy
    proxies: TrustedProxies
    inference: InferenceClient
    judge: DrawingJudge


def compose() -> dict[str, Any]:
    """Open the store and return the keyword arguments of `st.App`.

    Ends the program with one sentence when the runs folder or an environment variable cannot be used.
    """
    store_problems: list[str] = []
    try:
        server = _open_server(store_problems)
    except MnistError as error:
        sys.exit(str(error))
    allowed_hosts = AllowedHosts(os.environ.get("MNIST_HOSTS", "").replace(",", " ").split())
    _provide_services(server, store_problems)
    # Otherwise a first visit to a page other than Train would run that page's file without `main.py`.
    PagesManager.uses_pages_directory = False
    return {
        "lifespan": lambda _app: _run_server(server),
        "routes": with_base_path(
            [
                *DOCUMENT_ROUTES,
                *ASSET_ROUTES,
                *DOWNLOAD_ROUTES,
                *OLDER_ROUTES,
                *feed_routes(server.hub, server.policy),
                *inspection_routes(server.store.queries, server.store.sweeps),
                *InferenceRoutes(server.inference).routes(),
                *DrawingRoutes(server.store, server.judge).routes(),
                *sign_in_routes(server.policy),
            ]
        ),
        "middleware": [Middleware(Guard, policy=server.policy, hosts=allowed_hosts, proxies=server.proxies)],
        "on_script_error": _show_error,
    }


def _open_server(store_problems: list[str]) -> _Server:
    """Open the store and build the parts around it from the environment. Raises `MnistError`."""
    store = _open_store(store_problems)
    supervisor = Supervisor(store, max_runs=parse_max_runs(os.environ.get("MNIST_MAX_RUNS", "")))
    proxies = TrustedProxies(os.environ.get("MNIST_PROXIES", ""))
    policy = AccessPolicy(runs_dir(), trust_local=os.environ.get("MNIST_TRUST_LOCAL", "") not in ("", "0"))
    webhook = Webhook(os.environ.get("MNIST_WEBHOOK", ""), lambda: policy.is_visible)
    hub = LiveHub(store, on_change=webhook.report_end)
    inference = InferenceClient(supervisor.launch_inference, is_closing=_is_closing)
    judge = DrawingJudge(store, inference)
    return _Server(store, supervisor, hub, webhook, policy, proxies, inference, judge)


def _provide_services(server: _Server, store_problems: list[str]) -> None:
    """Give the pages what they work with. Every action checks first whether the visitor may act."""
    check = access.action_check(server.hub.broadcaster.record_action)
    actions = RunActions(
        server.store,
        wake=server.supervisor.wake,
        before_action=check,
        after_action=access.audit_action,
        test_rates=server.supervisor.range_tests.request,
    )
    sweep_actions = SweepActions(
        server.store, wake=server.supervisor.wake, before_action=check, after_action=access.audit_action
    )
    services.provide(
        services.Services(
            server.store.queries,
            actions,
            server.store.sweeps,
            sweep_actions,
            server.policy,
            server.hub.all_runs,
            store_problems=store_problems,
            is_testing_rates=server.supervisor.range_tests.is_testing,
        )
    )


@asynccontextmanager
async def _run_server(server: _Server) -> AsyncIterator[dict[str, Any]]:
    """Start what runs beside the pages, and end it in order when the server closes."""
    _end_on_hangup()
    quieten_logs()
    limit_connections(asyncio.get_running_loop(), server.proxies.trusts)
    interrupt_lost_runs(server.store)
    purge_expired_runs(server.store)
    server.supervisor.start()
    server.webhook.start()
    lower_priority(SERVER_NICENESS)  # not that of the supervisor's thread and its trainers
    feed = asyncio.create_task(server.hub.follow())
    preparing = asyncio.create_task(asyncio.to_thread(_prepare_first_visit))
    purging = asyncio.create_task(_purge_daily(server.store))
    judging = asyncio.create_task(server.judge.follow())
    announcement.announce(server.policy)
    gc.freeze()  # each page rerun ends in a full collection, which now skips everything imported
    try:
        yield {}
    finally:
        announcement.retract()
        restore_session_priority()
        server.hub.broadcaster.close()
        server.inference.close()
        purging.cancel()
        judging.cancel()
        await preparing
        feed.cancel()
        with suppress(asyncio.CancelledError):
            await feed
        await asyncio.to_thread(server.webhook.close)
        await asyncio.to_thread(server.supervisor.close)
        server.store.close()


def _open_store(problems: list[str]) -> RunStore:
    """Open the store. Add what is wrong with it to `problems`, and print it on standard error."""

    def report(sentence: str) -> None:
        print(sentence, file=sys.stderr)
        problems.append(sentence)

    store = RunStore.open(runs_dir(), report)
    if damage := store.find_damage(CHECK_SECONDS):
        report(
            f"The database of runs is damaged ({damage}), and some runs may be unreadable. {restore_hint(runs_dir())}"
        )
    return store


def _prepare_first_visit() -> None:
    """Build what every first visit needs, so that no visitor waits for it."""
    page_document()
    prepare_assets()


async def _purge_daily(store: RunStore) -> None:
    """Empty the bin of expired runs once a day."""
    while True:
        await asyncio.sleep(PURGE_SECONDS)
        try:
            await asyncio.to_thread(purge_expired_runs, store)
        except MnistError as error:
            logging.getLogger("mnist_dashboard").warning("The bin could not be checked: %s", error)


def _is_closing() -> bool:
    """Whether the server has been told to end. It does so only when all its requests are answered.

    Uvicorn says so nowhere but in its server, whose method handles the signal.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def _end_on_hangup() -> None:
    """Shut down in order when the terminal closes, as after Ctrl-C. Under `nohup` the server keeps running."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _show_error(error: Exception) -> bool:
    """Show one sentence on the page that failed, and log the details.

    A viewer's page gets one line in the log: its browser may have sent widget states that no page of ours has.
    """
    log = logging.getLogger("mnist_dashboard")
    if access.may_act():
        log.error("A page failed", exc_info=error)
    else:
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("A viewer's page failed: %r (%s:%s)", error, Path(place.filename).name, place.lineno)
    text = str(error) if isinstance(error, MnistError) else "This page met an error it did not expect."
    st.error(f"{text} Reload the page; runs in progress are not affected. The terminal has the details.")
    return True

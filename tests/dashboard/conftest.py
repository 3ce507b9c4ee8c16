"""The pages over a temporary store."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.sweeps.actions import SweepActions
from mnist_core.system.paths import ROOT
from mnist_dashboard import access, services
from mnist_dashboard.feed.all_runs import AllRuns
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.client_location import LOCAL, LOCATION_HEADER
from tests.support.web.page_driver import Visitor

MAIN = ROOT / "mnist_dashboard" / "main.py"


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch, policy: AccessPolicy) -> Visitor:
    """An owner at this machine, signed in. A test can make them a viewer."""
    visitor = Visitor({LOCATION_HEADER: LOCAL}, {})
    visitor.become_owner(policy)
    monkeypatch.setattr(access, "request", lambda: visitor)
    return visitor


@pytest.fixture
def app(store: RunStore, policy: AccessPolicy, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    # As in composition.py: else Streamlit runs the file of a page without main.py. AppTest resets it in each run.
    init = PagesManager.__init__

    def init_with_navigation(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init_with_navigation)
    actions = RunActions(store, before_action=access.action_check(), after_action=access.audit_action)
    sweep_actions = SweepActions(store, before_action=access.action_check(), after_action=access.audit_action)
    all_runs = AllRuns(store.queries)
    services.provide(services.Services(store.queries, actions, store.sweeps, sweep_actions, policy, all_runs))
    return AppTest.from_file(str(MAIN), default_timeout=20)

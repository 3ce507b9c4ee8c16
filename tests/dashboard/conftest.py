"""The pages over a temporary store."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
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
def app(store: RunStore, policy: AccessPolicy, visitor: Visitor) -> AppTest:
    actions = RunActions(store, before_action=access.action_check(), after_action=access.audit_action)
    services.provide(services.Services(store.queries, actions, policy, AllRuns(store.queries)))
    return AppTest.from_file(str(MAIN), default_timeout=20)

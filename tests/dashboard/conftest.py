"""The pages over a temporary store."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_dashboard import access, services
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.client_location import LOCAL, LOCATION_HEADER
from tests.support.page_driver import Visitor

MAIN = ROOT / "mnist_dashboard" / "main.py"


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A person at this machine. A test can make them a viewer."""
    visitor = Visitor({LOCATION_HEADER: LOCAL}, {})
    monkeypatch.setattr(access, "request", lambda: visitor)
    return visitor


@pytest.fixture
def app(store: RunStore, places: Path, visitor: Visitor) -> AppTest:
    actions = RunActions(store, before_action=access.action_check())
    services.provide(services.Services(store.queries, actions, AccessPolicy(places / "runs")))
    return AppTest.from_file(str(MAIN), default_timeout=20)

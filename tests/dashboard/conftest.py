"""The pages over a store of their own."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from mnist_core.places import ROOT
from mnist_core.store import RunStore
from tests.dashboard.driving import Control

MAIN = ROOT / "dashboard" / "main.py"


@pytest.fixture
def app(store: RunStore) -> AppTest:
    services.provide(services.Services(store, Control(store)))
    return AppTest.from_file(str(MAIN), default_timeout=20)

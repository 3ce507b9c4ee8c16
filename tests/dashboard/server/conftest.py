"""A guard in front of an app that records what it gets."""

from __future__ import annotations

import pytest

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.web.guarded_app import LAN, PROXY, Inner


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def guard(inner: Inner, policy: AccessPolicy) -> Guard:
    return Guard(inner, policy, AllowedHosts([LAN, "trainer.school.example"]), TrustedProxies(PROXY))

"""What pages act on, provided by `composition` (or by a test): queries, actions on runs, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_core.runs.actions import RunActions
from mnist_core.store.queries import Queries
from mnist_dashboard.server.access_policy import Sharing


@dataclass(frozen=True)
class Services:
    queries: Queries
    actions: RunActions
    """What pages may do to runs; each action is checked first, see `access.action_check`."""
    sharing: Sharing


_provided: list[Services] = []


def provide(services: Services) -> None:
    """Set the services of this process; a later call replaces them."""
    _provided[:] = [services]


def current() -> Services:
    assert _provided, "composition.compose() provides the services before the first page runs"
    return _provided[0]

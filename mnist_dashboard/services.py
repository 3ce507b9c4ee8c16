"""What pages work with: queries, actions on runs, and the access policy. `composition` or a test provides them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mnist_core.config import TrainConfig
from mnist_core.runs.actions import RunActions
from mnist_core.store.queries import Queries
from mnist_core.store.sweeps.kept_sweeps import Sweeps
from mnist_core.sweeps.actions import SweepActions
from mnist_dashboard.feed.all_runs import AllRuns
from mnist_dashboard.server.roles.access_policy import AccessPolicy


@dataclass(frozen=True)
class Services:
    queries: Queries
    actions: RunActions
    """What pages may do to runs. Each action first runs the check of `access.action_check`."""
    sweeps: Sweeps
    """The searches, to read; `sweep_actions` is what pages may do to them, with the same check."""
    sweep_actions: SweepActions
    access_policy: AccessPolicy
    all_runs: AllRuns
    """All runs in memory, one copy for every page."""
    is_testing_rates: Callable[[TrainConfig], bool] = lambda _config: False
    """Whether learning rates are being tested with these settings."""
    store_problems: list[str] = field(default_factory=list)
    """Sentences on damage that the server found when it started, until an owner dismisses them."""


_provided: list[Services] = []


def provide(services: Services) -> None:
    """Set the services of this process. A later call replaces them."""
    _provided[:] = [services]


def current() -> Services:
    """The services of this process."""
    assert _provided, "composition.compose() provides the services before the first page runs"
    return _provided[0]

"""A supervisor over a scripted fork server."""

from collections.abc import Iterator

import pytest

from mnist_core.scheduler import fork_client, supervisor
from mnist_core.store import RunStore
from tests.scheduler.scripted_fork_server import ActingSupervisor, ScriptedForkServer, SupervisorHarness


@pytest.fixture
def idle(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> SupervisorHarness:
    """A supervisor that has not been started, over a scripted fork server."""
    fork_servers: list[ScriptedForkServer] = []

    def create(on_exit: fork_client.ExitCallback) -> ScriptedForkServer:
        fork_servers.append(ScriptedForkServer(on_exit))
        return fork_servers[0]

    monkeypatch.setattr(supervisor, "ForkServerClient", create)
    acting_supervisor = ActingSupervisor(store, max_runs=2)
    return SupervisorHarness(store, acting_supervisor, fork_servers[0])


@pytest.fixture
def running(idle: SupervisorHarness) -> Iterator[SupervisorHarness]:
    """The same, started."""
    idle.supervisor.start()
    yield idle
    idle.supervisor.close()

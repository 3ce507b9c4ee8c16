"""A supervisor over a scripted fork server."""

from collections.abc import Iterator

import pytest

from mnist_core.scheduler import fork_client, supervisor
from mnist_core.store import RunStore
from tests.support.scripted_fork_server import ActingSupervisor, ScriptedForkServer, SupervisorHarness


@pytest.fixture
def stage(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> SupervisorHarness:
    """A supervisor that has not been started, over a scripted fork server."""
    fork_servers: list[ScriptedForkServer] = []

    def create(on_exit: fork_client.ExitCallback) -> ScriptedForkServer:
        fork_servers.append(ScriptedForkServer(on_exit))
        return fork_servers[0]

    monkeypatch.setattr(supervisor, "ForkServerClient", create)
    acting_supervisor = ActingSupervisor(store, max_runs=2)
    return SupervisorHarness(store, acting_supervisor, fork_servers[0])


@pytest.fixture
def started(stage: SupervisorHarness) -> Iterator[SupervisorHarness]:
    """The same, started."""
    stage.supervisor.start()
    yield stage
    stage.supervisor.close()

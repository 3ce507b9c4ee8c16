"""A supervisor over a scripted fork server."""

from collections.abc import Iterator

import pytest

from mnist_core.scheduler import fork_client, supervisor
from mnist_core.store import RunStore
from tests.support.scripted_fork_server import ActingSupervisor, ScriptedForkServer, SupervisorHarness


@pytest.fixture
def stage(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> SupervisorHarness:
    """A supervisor that has not begun, over a scripted host."""
    hosts: list[ScriptedForkServer] = []

    def make(exited: fork_client.ExitCallback) -> ScriptedForkServer:
        hosts.append(ScriptedForkServer(exited))
        return hosts[0]

    monkeypatch.setattr(supervisor, "ForkServerClient", make)
    made = ActingSupervisor(store, max_runs=2)
    return SupervisorHarness(store, made, hosts[0])


@pytest.fixture
def started(stage: SupervisorHarness) -> Iterator[SupervisorHarness]:
    """The same, looking after the queue."""
    stage.supervisor.start()
    yield stage
    stage.supervisor.close()

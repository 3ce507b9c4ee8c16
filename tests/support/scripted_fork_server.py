"""A supervisor over a scripted host: a test says what becomes of the trainers."""

import dataclasses
import signal
import threading
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.runs.actions import RunActions
from mnist_core.scheduler import fork_client
from mnist_core.scheduler.supervisor import Supervisor
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity

DEAD = dataclasses.replace(own_identity(), start_ticks=1)


class ActingSupervisor(Supervisor):
    """A supervisor with the actions that wake it, as the server composes them."""

    def __init__(self, store: RunStore, **options: Any) -> None:
        super().__init__(store, **options)
        self.actions = RunActions(store, wake=self.wake)


class ScriptedForkServer:
    """Notes what it is asked to launch; a test says what then becomes of it."""

    def __init__(self, exited: fork_client.ExitCallback) -> None:
        self.exited = exited
        self.launched: list[int] = []
        self.going: set[int] = set()
        self.calls: list[str] = []
        self.lock = threading.Lock()

    @property
    def run_ids(self) -> frozenset[int]:
        with self.lock:
            return frozenset(self.going)

    def start(self) -> None:
        self.calls.append("start")

    def launch(self, run_id: int, max_active: int) -> None:
        with self.lock:
            self.launched.append(run_id)
            self.going.add(run_id)

    def kill(self, run_id: int) -> None:
        self.calls.append(f"kill {run_id}")

    def abandon(self, run_id: int) -> None:
        with self.lock:
            self.going.discard(run_id)

    def report_lost_trainers(self) -> None:
        pass

    def end_trainers(self, number: signal.Signals, timeout: float) -> None:
        self.calls.append(number.name)

    def close(self) -> None:
        self.calls.append("close")

    def end(self, run_id: int, code: int) -> None:
        self.exited(run_id, code)
        with self.lock:
            self.going.discard(run_id)


@dataclasses.dataclass
class SupervisorHarness:
    store: RunStore
    supervisor: ActingSupervisor
    host: ScriptedForkServer

    def launched(self) -> Run:
        """A run that its trainer has claimed; that trainer is dead by now, but has not been reported."""
        run = self.supervisor.actions.submit(TrainConfig())
        self.host.going.add(run.id)
        held = self.store.trainer_writes.claim_run(run.id, DEAD, max_active=64)
        assert held
        return held

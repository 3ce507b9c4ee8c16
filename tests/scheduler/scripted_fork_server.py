"""A supervisor over a scripted fork server: the test decides how trainers end."""

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
    """Stands in for `ForkServerClient`: records what is launched, and lets a test end it."""

    def __init__(self, on_exit: fork_client.ExitCallback) -> None:
        self.on_exit = on_exit
        self.launched_ids: list[int] = []
        self.arguments: list[object] = []
        self.live_ids: set[int] = set()
        self.calls: list[str] = []
        self.lock = threading.Lock()

    @property
    def run_ids(self) -> frozenset[int]:
        with self.lock:
            return frozenset(self.live_ids)

    def start(self) -> None:
        self.calls.append("start")

    def launch(self, run_id: int, argument: object) -> None:
        with self.lock:
            self.launched_ids.append(run_id)
            self.arguments.append(argument)
            self.live_ids.add(run_id)

    def kill(self, run_id: int) -> None:
        self.calls.append(f"kill {run_id}")

    def detach(self, run_id: int) -> None:
        with self.lock:
            self.live_ids.discard(run_id)

    def report_lost_trainers(self) -> None:
        pass

    def end_trainers(self, number: signal.Signals, timeout: float) -> None:
        self.calls.append(number.name)

    def close(self) -> None:
        self.calls.append("close")

    def end(self, run_id: int, code: int) -> None:
        """End the trainer of a run with this exit code."""
        self.on_exit(run_id, code)
        with self.lock:
            self.live_ids.discard(run_id)


@dataclasses.dataclass
class SupervisorHarness:
    store: RunStore
    supervisor: ActingSupervisor
    fork_server: ScriptedForkServer

    def submit_and_claim(self) -> Run:
        """Submit a run and claim it for a trainer that is dead, but whose exit has not been reported."""
        run = self.supervisor.actions.submit(TrainConfig())
        self.fork_server.live_ids.add(run.id)
        claimed = self.store.trainer_writes.claim_run(run.id, DEAD, max_active=64)
        assert claimed
        return claimed

"""Which weights of a run are kept, and loading them: verified as the run's own, the ones used last kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from torch import nn

from mnist_core.checkpoints.files import load_network
from mnist_core.checkpoints.ownership import check_checkpoint
from mnist_core.checkpoints.recorded_networks import provide_network
from mnist_core.errors import CheckpointError, InferenceError, MnistError
from mnist_core.records import FileKind, Run, RunFile
from mnist_core.store.queries import Queries
from mnist_core.system.paths import runs_dir

MAX_NETWORKS, MAX_NETWORK_BYTES = 64, 256_000_000
"""How many networks are kept in memory: the stories of several runs. Those of the largest network take 60 MB a run."""

Value = TypeVar("Value")


class RecentlyUsed(Generic[Value]):
    """The values used last, up to a number and a size in bytes; the latest one is kept whatever its size."""

    def __init__(self, max_count: int, max_bytes: int) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        self._values[key] = value, size
        while len(self._values) > 1 and self._is_full():
            self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Keep a value no longer, if it is kept."""
        self._values.pop(key, None)

    def values(self) -> list[Value]:
        """Return the values, the one used last at the end."""
        return [value for value, _size in self._values.values()]

    def _is_full(self) -> bool:
        size = sum(size for _value, size in self._values.values())
        return len(self._values) > self._max_count or size > self._max_bytes


@dataclass(frozen=True)
class Network:
    """A network of a run after `step` updates, on the CPU and in eval mode."""

    run: Run
    step: int
    model: nn.Module
    key: Hashable
    """Equal for the same weights only."""


class Weights:
    """Loads the weights of runs. Those used last stay in memory."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._networks: RecentlyUsed[Network] = RecentlyUsed(MAX_NETWORKS, MAX_NETWORK_BYTES)

    def load_newest(self, run: Run) -> Network:
        """Return the network with the newest weights; of a finished run, only those that it ended with.

        Raises `InferenceError` if there are none, and `CheckpointError` if they cannot be used.
        """
        return _retry_in_progress(run, self._load_newest)

    def load_nearest(self, run: Run, step: int) -> Network:
        """Return the network with the kept weights that are nearest to a step. Raises like `load_newest`."""

        def load(run: Run) -> Network:
            by_step = self._kept_files(run)
            nearest = min(by_step, key=lambda kept: (abs(kept - step), kept), default=None)
            if nearest is None:
                raise _no_weights(run)
            return self._load_step(run, by_step[nearest])

        return _retry_in_progress(run, load)

    def load_story(self, run: Run) -> tuple[list[Network], str]:
        """Return the networks of all snapshots and the newest weights, by step, and what is wrong with those left out.

        The story of a run that continues another begins with the other's. Raises like `load_newest` if none is left.
        """
        by_step = self._kept_files(run)
        networks, problems = self._earlier_story(run), []
        for step in sorted({*_snapshot_steps(by_step), *list(by_step)[-1:]}):
            try:
                networks.append(self._load_step(run, by_step[step]))
            except CheckpointError as error:
                problems.append(str(error).removesuffix(" Choose another checkpoint, or start the run again."))
        if not networks:
            raise InferenceError(" ".join(problems)) if problems else _no_weights(run)
        return list({network.step: network for network in networks}.values()), " ".join(problems)

    def _earlier_story(self, run: Run) -> list[Network]:
        """Return the story of the run that this one continues, up to the step at which it does; empty if it is gone."""
        if not run.parent_id or not run.parent_step:
            return []
        try:
            networks, _problems = self.load_story(self._queries.get_run(run.parent_id))
        except MnistError:
            return []
        return [network for network in networks if network.step <= run.parent_step]

    def snapshot_steps(self, run: Run) -> list[int]:
        """Return the steps of the snapshots, ascending."""
        return _snapshot_steps(self._kept_files(run))

    def _load_newest(self, run: Run) -> Network:
        recorded = self._queries.list_files(run.id)
        by_step = self._kept_files(run, recorded)
        steps = [file.step for file in recorded if file.kind.is_resumable] if run.status.is_finished else by_step
        newest = max(steps, default=None)
        if newest is None:
            raise _no_weights(run)
        if newest not in by_step:
            raise InferenceError(f"The weights that {run.name} ended with are gone from the disk. Train it again.")
        return self._load_step(run, by_step[newest])

    def _kept_files(self, run: Run, recorded: Sequence[RunFile] | None = None) -> dict[int, list[RunFile]]:
        """Return the files with weights that exist, of those that the store recorded, by step, ascending."""
        if run.deleted_at:
            raise InferenceError(f"{run.name} is in the bin. Restore it first.")
        by_step: dict[int, list[RunFile]] = {}
        recorded = self._queries.list_files(run.id) if recorded is None else recorded
        for file in sorted(recorded, key=lambda file: file.step):
            if file.kind is not FileKind.MODEL and (runs_dir() / file.path).exists():
                by_step.setdefault(file.step, []).append(file)
        return by_step

    def _load_step(self, run: Run, files: list[RunFile]) -> Network:
        """Return the network in the first of these files of one step that can be used, else raise what is wrong."""
        problem: CheckpointError | None = None
        for file in files:
            try:
                return self._load(run, file)
            except CheckpointError as error:
                problem = error
        assert problem
        raise problem

    def _load(self, run: Run, file: RunFile) -> Network:
        path = runs_dir() / file.path
        try:
            key = (file.path, file.sha256 or path.stat().st_mtime_ns)
        except FileNotFoundError as error:
            raise CheckpointError(f"Checkpoint {path.name} of {run.name} does not exist any more.") from error
        network = self._networks.get(key)
        if network is None:
            provide_network(self._queries, run.config.model)
            saved = load_network(path, partial(check_checkpoint, self._queries, run))
            network = Network(run, saved.step, saved.model, key)
            size = sum(tensor.nbytes for tensor in saved.model.state_dict().values())
            self._networks.put(key, network, size)
        return network


def _snapshot_steps(by_step: Mapping[int, list[RunFile]]) -> list[int]:
    return [step for step, files in by_step.items() if any(file.kind is FileKind.SNAPSHOT for file in files)]


def _retry_in_progress(run: Run, load: Callable[[Run], Network]) -> Network:
    """Load a network, once more if a run in progress may have replaced its file meanwhile."""
    try:
        return load(run)
    except CheckpointError:
        if run.status.is_finished:
            raise
        return load(run)


def _no_weights(run: Run) -> InferenceError:
    if run.status.is_finished:
        return InferenceError(f"{run.name} has no weights here. Train it again.")
    return InferenceError(f"{run.name} has saved no weights yet. Wait for its first steps.")

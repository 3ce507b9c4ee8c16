"""A store whose database was replaced by an older copy."""

from dataclasses import dataclass, field
from pathlib import Path

from mnist_core.checkpoints.index import checkpoints_dir, model_path
from mnist_core.exports.weights import load_model
from mnist_core.records import Run
from mnist_core.store import RunStore


@dataclass
class Restored:
    """A store that has run 1 and has forgotten run 2, and an archive of run 1."""

    store: RunStore
    forgotten: Run
    archive: Path
    forgotten_files: dict[Path, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        paths = [*checkpoints_dir(self.forgotten).iterdir(), model_path(self.forgotten)]
        self.forgotten_files = {path: path.read_bytes() for path in paths}

    def assert_forgotten_files_are_untouched(self) -> None:
        assert {path: path.read_bytes() for path in self.forgotten_files} == self.forgotten_files

    def weights(self, run: Run) -> list[list[float]]:
        """Return the weights that an export of the run contains."""
        return [weight.flatten().tolist() for weight in load_model(self.store.queries, run).state_dict().values()]

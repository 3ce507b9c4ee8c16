"""Small checkpoints, as they are saved, without training."""

from pathlib import Path

from mnist_core.checkpoints.checkpoint import save
from mnist_core.config import TrainConfig
from mnist_core.training.engine import TrainState

SMALL = TrainConfig(model="softmax", device="cpu")


def save_small(folder: Path, step: int, *, best: bool = False) -> Path:
    state = TrainState.initial(SMALL)
    state.step = step
    return save(folder, SMALL, state, dataset="MNIST", best=best)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())

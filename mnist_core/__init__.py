"""Train MNIST classifiers: `from mnist_core import TrainConfig, load_dataset, train`.

Names are resolved on first use, so that importing the package (as the dashboard's server does) does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.data.datasets import Dataset, load_dataset
    from mnist_core.records import Adjustment, EvalMetrics, StepMetrics
    from mnist_core.sweeps.control import sweep
    from mnist_core.sweeps.spec import SweepSpec
    from mnist_core.training.engine import evaluate, train
    from mnist_core.training.train_state import TrainState

__version__ = "0.2.0"

__all__ = [
    "Adjustment",
    "Dataset",
    "EvalMetrics",
    "StepMetrics",
    "SweepSpec",
    "TrainConfig",
    "TrainState",
    "evaluate",
    "load_dataset",
    "sweep",
    "train",
]

_HOME = {
    "TrainConfig": "config",
    "Dataset": "data.datasets",
    "load_dataset": "data.datasets",
    "TrainState": "training.engine",
    "evaluate": "training.engine",
    "train": "training.engine",
    "Adjustment": "records",
    "EvalMetrics": "records",
    "StepMetrics": "records",
    "SweepSpec": "sweeps.spec",
    "sweep": "sweeps.control",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

"""Runs that were trained on a few digits, and what answers questions about them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mnist_core.data.datasets import Dataset
from mnist_core.inference.answers import Answers
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.trainer.worker import train_run
from tests.support.training import CONFIG, claimed_run

Train = Callable[..., Run]


@pytest.fixture
def train(store: RunStore, small_mnist: Dataset, signals_restored: None) -> Train:
    """A function that trains a run for one epoch with some settings, and returns it."""

    def train(**settings: Any) -> Run:
        return train_run(store, claimed_run(store, replace(CONFIG, **{"epochs": 1, **settings})))

    return train


@pytest.fixture
def answers(store: RunStore) -> Answers:
    return Answers(store.queries)

"""A run that was trained on a few digits, which lie in the data folder, and a client of the routes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_dashboard.inspection.routes import inspection_routes
from tests.support.web.asgi_client import Response, fetch

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=1, device="cpu", seed=3)

Get = Callable[..., Response]


@pytest.fixture
def trained(store: RunStore, small_mnist: Dataset, signals_restored: None) -> Run:
    return train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()))


@pytest.fixture
def get(store: RunStore) -> Get:
    """A function that returns the response to a request for a path."""
    app = Starlette(routes=inspection_routes(store.queries, store.sweeps))

    def send(path: str, **headers: str) -> Response:
        return fetch(app, path, headers=[(name.replace("_", "-"), value) for name, value in headers.items()])

    return send


def content_of(response: Response) -> bytes:
    """Return the body of a successful response, unpacked."""
    assert response.status == 200, response.body
    return gzip.decompress(response.body) if response.headers["content-encoding"] == "gzip" else response.body


def json_of(response: Response) -> Any:
    return json.loads(content_of(response))

"""A loopback server that replaces the mirrors of MNIST, and the built-in digits."""

import dataclasses
import gzip
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from mnist_core.data import download, idx, sources
from mnist_core.data.datasets import Dataset, load_dataset
from tests.data.mirror import Mirror


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The four compressed files of a small dataset, by name."""
    folder = tmp_path_factory.mktemp("packed")
    random = np.random.default_rng(0)
    for part, count in ((idx.TRAIN, 300), (idx.TEST, 100)):
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        idx.write_pair(folder, part, images, (np.arange(count) % 10).astype(np.uint8))
    return {f"{name}.gz": gzip.compress((folder / name).read_bytes(), 1) for name in idx.FILES}


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    server = Mirror()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mnist(mirror: Mirror, packed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """A server with two mirrors of MNIST: /first/ has no files, /second/ has all."""
    monkeypatch.setenv("no_proxy", "*")
    mirror.answers.update({f"/second/{name}": body for name, body in packed.items()})
    source = sources.SOURCES["mnist"]
    monkeypatch.setitem(sources.SOURCES, "mnist", dataclasses.replace(source, hosts=(mirror.url,)))
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{mirror.url}/first/", f"{mirror.url}/second/"])
    checksums = [(name, hashlib.md5(body).hexdigest()) for name, body in packed.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", checksums)
    return mirror


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SOCKET_SECONDS", 0.2)
    monkeypatch.setattr(download, "SIZE_LIMIT", 300_000)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with MNIST-5k, which tests only read."""
    folder = tmp_path_factory.mktemp("runs")
    load_dataset("mnist-5k", runs_dir=folder)
    return folder


@pytest.fixture(scope="session")
def five_thousand(runs: Path) -> Dataset:
    return load_dataset("mnist-5k", runs_dir=runs)

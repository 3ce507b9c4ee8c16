"""Downloads that fail: each bad response is named, and nothing is left behind."""

import contextlib
import gzip
import hashlib
import re
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from torchvision import datasets

from mnist_core.data import download
from mnist_core.data.datasets import load_dataset
from mnist_core.errors import DatasetError
from tests.data.mirror import BAD_RESPONSES, Mirror, redirect_to, send_body, stay_silent

IMAGES = "train-images-idx3-ubyte.gz"


def failure(tmp_path: Path) -> str:
    """Return the message of a download that must fail and leave nothing behind."""
    with pytest.raises(DatasetError) as caught:
        load_dataset("mnist", data_dir=tmp_path)
    assert list((tmp_path / "MNIST").iterdir()) == []
    return str(caught.value)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("bad", BAD_RESPONSES)
def test_a_bad_answer_is_an_error_that_names_it(mnist: Mirror, tmp_path: Path, bad: str) -> None:
    mnist.answers[f"/second/{IMAGES}"], problem = BAD_RESPONSES[bad]
    message = failure(tmp_path)
    assert message.startswith(f"MNIST is not in {tmp_path / 'MNIST' / 'raw'} and cannot be downloaded: {IMAGES}: ")
    assert f"127.0.0.1 answered 404 Not Found; 127.0.0.1 {problem}" in message
    assert "Put its four files" in message


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("bad", BAD_RESPONSES)
def test_after_a_bad_answer_the_next_mirror_is_tried(mnist: Mirror, tmp_path: Path, bad: str) -> None:
    mnist.answers[f"/first/{IMAGES}"], _ = BAD_RESPONSES[bad]
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


def test_redirects_without_end_are_an_error(mnist: Mirror, tmp_path: Path) -> None:
    mnist.answers[f"/second/{IMAGES}"] = redirect_to(f"/second/{IMAGES}")
    assert "127.0.0.1 redirects more than 10 times" in failure(tmp_path)


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


@pytest.mark.usefixtures("impatient")
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

"""Fetch MNIST, Fashion-MNIST or KMNIST from the mirrors and with the checksums that torchvision lists.

torchvision's own downloader has no timeout and trusts whatever is unpacked already, so only its lists are used, and
torchvision (with torch) is imported only once a mirror answers. Nothing here decides what to do without a dataset.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from mnist_core.data.idx import FILES, DamagedFileError, publish
from mnist_core.errors import DatasetError
from mnist_core.system.paths import display_path

CONNECT_SECONDS = 2.0
SOCKET_SECONDS = 10.0
FILE_SECONDS = 900.0
"""The most one file may take, against a mirror that sends a byte now and then; the largest needs 30 kB/s."""
SIZE_LIMIT = 64 * 2**20
"""The most one file may weigh, packed and unpacked; the largest, the training images, weighs 47 MB unpacked."""
PROGRESS_SECONDS = 0.2

_SHARES = dict(zip(FILES, (0.85, 0.01, 0.13, 0.01), strict=True))  # of the bytes to download, for all three datasets


@dataclass(frozen=True)
class Source:
    """A dataset that can be downloaded."""

    name: str
    folder: str
    """In the data folder; also the name of torchvision's class."""
    hosts: tuple[str, ...]
    """Where torchvision's mirrors are, repeated here to ask whether they answer without importing torchvision."""


SOURCES = {
    "mnist": Source("MNIST", "MNIST", ("https://ossci-datasets.s3.amazonaws.com", "http://yann.lecun.com")),
    "fashion-mnist": Source(
        "Fashion-MNIST", "FashionMNIST", ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",)
    ),
    "kmnist": Source("KMNIST", "KMNIST", ("http://codh.rois.ac.jp",)),
}


class DownloadError(DatasetError):
    """A dataset is neither there nor to be had. `notice` is the beginning of a sentence that says so in brief."""

    def __init__(self, source: Source, folder: Path, reason: str, notice: str) -> None:
        super().__init__(
            f"{source.name} is not in {display_path(folder)} and cannot be downloaded: {reason}. Put its four files "
            f"({', '.join(FILES)}) there, unpacked, or choose the dataset mnist-5k, which is built in."
        )
        self.notice = notice


class _UnusableError(Exception):
    """What a mirror did wrong; completes a sentence that begins with its host."""


class _Lists(Protocol):
    mirrors: list[str]
    resources: list[tuple[str, str]]


def fetch(source: Source, folder: Path, progress: Callable[[str], None]) -> None:
    """Download the four files of `source` into `folder`, all or none, checked before anybody can see them.

    Of several processes one downloads and the others wait for it. What `progress` raises cancels the download
    and passes through, except an `OSError`, which counts as one of the disk.
    Raises `DownloadError` when no mirror answers or has the right files, or when `folder` cannot be written.
    """
    if not _any_answers(source.hosts):
        hosts = ", ".join(_host(url) for url in source.hosts)
        raise DownloadError(source, folder, f"no answer from {hosts}", f"No network and no {source.name} files")

    def waiting() -> None:
        progress(f"Waiting for another process that downloads {source.name}")

    try:
        publish(folder, lambda staging: _download(source, staging, progress), waiting)
    except OSError as error:
        reason = f"{display_path(folder)} cannot be written ({error.strerror or error})"
        raise DownloadError(source, folder, reason, f"No {source.name} files, and {reason}") from error
    except (_UnusableError, DamagedFileError) as error:
        reason = f"{error.path.name} {error.problem}" if isinstance(error, DamagedFileError) else str(error)
        notice = f"No {source.name} files, and the download failed ({reason})"
        raise DownloadError(source, folder, reason, notice) from error


def _download(source: Source, staging: Path, progress: Callable[[str], None]) -> None:
    meter = _Meter(source.name, progress)
    lists = _torchvision_lists(source)
    mirrors = list(lists.mirrors)
    for filename, md5 in lists.resources:
        name = filename.removesuffix(".gz")
        content = _from_any(mirrors, filename, md5, meter)
        # In memory until here, so that an OSError above is the network's and one below is the disk's.
        (staging / name).write_bytes(content)
        meter.finish(_SHARES[name])


def _torchvision_lists(source: Source) -> _Lists:
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision built for another torch
        raise _UnusableError(f"torchvision cannot be imported ({error})") from error
    lists: _Lists = getattr(datasets, source.folder)
    return lists


class _Meter:
    """Turns pieces of files into lines of progress, at most one every `PROGRESS_SECONDS`."""

    def __init__(self, name: str, progress: Callable[[str], None]) -> None:
        self._name, self._progress = name, progress
        self._finished, self._due = 0.0, 0.0
        self.show(0.0, 0.0)

    def show(self, share: float, fraction: float) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + PROGRESS_SECONDS
            self._progress(f"Downloading {self._name}, {100 * (self._finished + share * fraction):.0f} %")

    def finish(self, share: float) -> None:
        self._finished += share


def _from_any(mirrors: list[str], filename: str, md5: str, meter: _Meter) -> bytes:
    """The unpacked content of `filename` from the first mirror that has it; that one is asked first from then on."""
    share = _SHARES[filename.removesuffix(".gz")]
    failures = []
    for mirror in tuple(mirrors):
        try:
            packed = _get(f"{mirror}{filename}", lambda fraction: meter.show(share, fraction))
            content = _unpack(packed, md5)
        except _UnusableError as error:
            failures.append(f"{_host(mirror)} {error}")
            mirrors.append(mirrors.pop(0))
        else:
            return content
    raise _UnusableError(f"{filename}: {'; '.join(failures)}")


def _get(url: str, report: Callable[[float], None]) -> bytes:
    """The body at `url`, whole and within the limits. Raises `_UnusableError`; what `report` raises passes through."""
    body = bytearray()
    announced: int | None = None
    deadline = time.monotonic() + FILE_SECONDS
    for piece, announced in _pieces(url):
        body += piece
        if max(len(body), announced or 0) > SIZE_LIMIT:
            raise _UnusableError(f"sent more than {SIZE_LIMIT:,} bytes")
        if time.monotonic() > deadline:
            raise _UnusableError(f"took longer than {FILE_SECONDS:.0f} s")
        report(len(body) / announced if announced else 0.0)
    if announced is not None and len(body) < announced:
        raise _UnusableError(f"broke off after {len(body):,} of {announced:,} bytes")
    return bytes(body)


def _pieces(url: str) -> Iterator[tuple[bytes, int | None]]:
    """The body at `url` piece by piece, each with the announced length; the first piece is empty."""
    try:
        with _opener().open(request.Request(url, headers={"User-Agent": "mnist-trainer"}), timeout=SOCKET_SECONDS) as r:
            response: HTTPResponse = r
            announced = response.length
            yield b"", announced
            # read1, because read would wait for a full piece and a slow mirror would escape the deadline
            while piece := response.read1(2**16):
                yield piece, announced
    except HTTPError as error:
        error.close()
        raise _UnusableError(f"answered {error.code} {error.reason}") from error
    except URLError as error:
        raise _UnusableError(f"cannot be reached ({error.reason})") from error
    except TimeoutError as error:
        raise _UnusableError(f"sent nothing for {SOCKET_SECONDS:g} s") from error
    except (OSError, HTTPException) as error:
        raise _UnusableError(f"broke off ({error})") from error


def _opener() -> request.OpenerDirector:
    """urllib for http and https only, redirects included: its default also opens file: and ftp: addresses."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _unpack(packed: bytes, md5: str) -> bytes:
    # The checksum guards against accidents; it is the one torchvision publishes.
    found = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    if found != md5:
        if packed[:100].lstrip().startswith(b"<"):
            raise _UnusableError("sent a web page instead of the file")
        raise _UnusableError(f"sent a file with the wrong checksum (MD5 {found[:8]}…, not {md5[:8]}…)")
    gunzip = zlib.decompressobj(wbits=31)
    try:
        content = gunzip.decompress(packed, SIZE_LIMIT)
    except zlib.error as error:
        raise _UnusableError(f"sent a file that cannot be unpacked ({error})") from error
    if gunzip.unconsumed_tail:
        raise _UnusableError(f"sent a file that unpacks to more than {SIZE_LIMIT:,} bytes")
    if not gunzip.eof:
        raise _UnusableError("sent a file that is packed only in part")
    return content


def _any_answers(hosts: tuple[str, ...]) -> bool:
    """Whether one of `hosts` accepts a connection within about two seconds, slow name servers included."""
    answers: SimpleQueue[bool] = SimpleQueue()
    for host in hosts:
        threading.Thread(target=_knock, args=(host, answers), daemon=True).start()
    deadline = time.monotonic() + CONNECT_SECONDS
    try:
        return any(answers.get(timeout=max(0.0, deadline - time.monotonic())) for _ in hosts)
    except Empty:
        return False


def _knock(url: str, answers: SimpleQueue[bool]) -> None:
    try:
        socket.create_connection(_first_hop(url), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        answers.put(False)
    else:
        answers.put(True)


def _first_hop(url: str) -> tuple[str, int]:
    """Host and port that a request for `url` connects to: its own, or those of the proxy that the system names."""
    parts = urlsplit(url)
    proxy = request.getproxies().get(parts.scheme)
    if proxy and not request.proxy_bypass(_host(url)):
        parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url

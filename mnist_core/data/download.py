"""Downloads MNIST, Fashion-MNIST or KMNIST from torchvision's mirrors and checks torchvision's checksums.

Only the lists of torchvision are used: its downloader has no timeout and trusts files that are already unpacked.
torchvision, which imports torch, is imported only after a mirror answers.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import HTTPError, ReadTimeoutError

from mnist_core.data.idx import FILES, DamagedFileError, publish
from mnist_core.data.sources import Source
from mnist_core.errors import DatasetError
from mnist_core.system.paths import display_path

CONNECT_SECONDS = 2.0
"""Time limit for finding out whether any mirror answers."""

SOCKET_SECONDS = 10.0
"""Time limit for connecting, and for each wait for data."""

FILE_SECONDS = 900.0
"""Time limit for one file, in case a mirror sends a byte now and then. The largest file needs 30 kB/s to meet it."""

SIZE_LIMIT = 64 * 2**20
"""Maximum size of one file in bytes, packed and unpacked. The training images, the largest, take 47 MB unpacked."""

REDIRECT_LIMIT = 10
"""Maximum number of redirects per file."""

PROGRESS_SECONDS = 0.2
"""Minimum time between two progress lines."""

_HEADERS = {"User-Agent": "mnist-trainer", "Accept-Encoding": "identity"}  # the checksums are of the packed files

_SHARES = dict(zip(FILES, (0.85, 0.01, 0.13, 0.01), strict=True))
"""Share of each file in the bytes to download, about the same for all three datasets."""


class DownloadError(DatasetError):
    """A dataset is missing and cannot be downloaded. `notice` says so briefly, without a full stop."""

    def __init__(self, source: Source, folder: Path, reason: str, notice: str) -> None:
        super().__init__(
            f"{source.name} is not in {display_path(folder)} and cannot be downloaded: {reason}. Put its four files "
            f"({', '.join(FILES)}) there, also packed as .gz, or choose the dataset mnist-5k, which is built in."
        )
        self.notice = notice


class _MirrorError(Exception):
    """A mirror failed. The message completes a sentence that begins with the mirror's host name."""


class _TorchvisionLists(Protocol):
    mirrors: list[str]
    resources: list[tuple[str, str]]
    """File name and MD5 of each file."""


def fetch(source: Source, folder: Path, progress: Callable[[str], None]) -> None:
    """Download the four files of `source` into `folder`. Other processes see all of them, checked, or none.

    If several processes want the same folder, one downloads and the others wait for it. An exception from `progress`
    cancels the download and passes through, except an `OSError`, which counts as a disk error.
    Raises `DownloadError` when no mirror answers or has the right files, or when `folder` cannot be written.
    """
    if not _any_host_answers(source.hosts):
        hosts = ", ".join(_host_name(url) for url in source.hosts)
        raise DownloadError(source, folder, f"no answer from {hosts}", f"No network and no {source.name} files")

    def report_waiting() -> None:
        progress(f"Waiting for another process that downloads {source.name}")

    try:
        publish(folder, lambda staging: _download_files(source, staging, progress), report_waiting)
    except OSError as error:
        reason = f"{display_path(folder)} cannot be written ({error.strerror or error})"
        raise DownloadError(source, folder, reason, f"No {source.name} files, and {reason}") from error
    except (_MirrorError, DamagedFileError) as error:
        reason = f"{error.path.name} {error.problem}" if isinstance(error, DamagedFileError) else str(error)
        notice = f"No {source.name} files, and the download failed ({reason})"
        raise DownloadError(source, folder, reason, notice) from error


def _download_files(source: Source, staging: Path, progress: Callable[[str], None]) -> None:
    meter = _ProgressMeter(source.name, progress)
    lists = _torchvision_lists(source)
    mirrors = list(lists.mirrors)
    for filename, md5 in lists.resources:
        name = filename.removesuffix(".gz")
        content = _download_from_any(mirrors, filename, md5, meter)
        # Files stay in memory until here, so an OSError from the next line comes from the disk, not from the network.
        (staging / name).write_bytes(content)
        meter.finish_file(_SHARES[name])


def _torchvision_lists(source: Source) -> _TorchvisionLists:
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision built for another torch
        raise _MirrorError(f"torchvision cannot be imported ({error})") from error
    lists: _TorchvisionLists = getattr(datasets, source.folder)
    return lists


class _ProgressMeter:
    """Reports the percentage downloaded, at most once every `PROGRESS_SECONDS`."""

    def __init__(self, name: str, progress: Callable[[str], None]) -> None:
        self._name, self._progress = name, progress
        self._finished, self._next_report_at = 0.0, 0.0
        self.report(0.0, 0.0)

    def report(self, share: float, fraction: float) -> None:
        """Report that `fraction` of a file is there, which is `share` of all bytes."""
        if time.monotonic() >= self._next_report_at:
            self._next_report_at = time.monotonic() + PROGRESS_SECONDS
            self._progress(f"Downloading {self._name}, {100 * (self._finished + share * fraction):.0f} %")

    def finish_file(self, share: float) -> None:
        self._finished += share


def _download_from_any(mirrors: list[str], filename: str, md5: str, meter: _ProgressMeter) -> bytes:
    """Return the unpacked content of `filename` from the first mirror that has it.

    A mirror that fails moves to the end of `mirrors`, so the next file is requested first from one that works.
    """
    share = _SHARES[filename.removesuffix(".gz")]
    failures = []
    for mirror in tuple(mirrors):
        try:
            packed = _get(f"{mirror}{filename}", lambda fraction: meter.report(share, fraction))
            return _unpack(packed, md5)
        except _MirrorError as error:
            failures.append(f"{_host_name(mirror)} {error}")
            mirrors.append(mirrors.pop(0))
    raise _MirrorError(f"{filename}: {'; '.join(failures)}")


def _get(url: str, report: Callable[[float], None]) -> bytes:
    """Return the body at `url`. Calls `report` with the fraction received; what that raises passes through.

    Raises `_MirrorError` when the body is incomplete, too large or too slow.
    """
    deadline = time.monotonic() + FILE_SECONDS
    body = bytearray()
    with closing(_open(url)) as response:
        announced: int | None = response.raw.length_remaining
        while True:
            if max(len(body), announced or 0) > SIZE_LIMIT:
                raise _MirrorError(f"sent more than {SIZE_LIMIT:,} bytes")
            if time.monotonic() > deadline:
                raise _MirrorError(f"took longer than {FILE_SECONDS:.0f} s")
            report(len(body) / announced if announced else 0.0)
            try:
                # read1 returns what has arrived. read would wait for all 64 kB, and a slow mirror escape the deadline.
                piece = response.raw.read1(2**16, decode_content=False)
            except ReadTimeoutError as error:
                raise _MirrorError(f"sent nothing for {SOCKET_SECONDS:g} s") from error
            except HTTPError as error:
                size = f"{len(body):,} of {announced:,}" if announced else f"{len(body):,}"
                raise _MirrorError(f"broke off after {size} bytes") from error
            if not piece:
                return bytes(body)
            body += piece


def _open(url: str) -> requests.Response:
    """Request `url`, follow redirects, and return the response with its body unread. Raises `_MirrorError`."""
    try:
        with requests.Session() as session:
            for _redirect in range(REDIRECT_LIMIT + 1):
                response = _send(session, url)
                if not response.is_redirect:
                    break
                response.close()
                url = urljoin(url, response.headers["location"])
            else:
                raise _MirrorError(f"redirects more than {REDIRECT_LIMIT} times")
    except requests.ReadTimeout as error:
        raise _MirrorError(f"sent nothing for {SOCKET_SECONDS:g} s") from error
    except (requests.RequestException, HTTPError) as error:
        cause = _root_cause(error)
        problem = "broke off" if isinstance(cause, HTTPException) else "cannot be reached"
        raise _MirrorError(f"{problem} ({cause})") from error
    if response.status_code != requests.codes.ok:
        response.close()
        raise _MirrorError(f"answered {response.status_code} {response.reason}")
    return response


def _send(session: requests.Session, url: str) -> requests.Response:
    """Send one request, through the proxy and with the certificates that the environment names.

    The adapter sends it, not the session, which would add passwords from `.netrc`, return cookies, and read the body
    of a redirect however long it is.
    """
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        raise _MirrorError(f"cannot be reached (unknown url type: {scheme})")
    request = requests.Request("GET", url, _HEADERS).prepare()
    settings = session.merge_environment_settings(url, {}, True, None, None)
    return session.get_adapter(url).send(request, timeout=SOCKET_SECONDS, **settings)


def _root_cause(error: BaseException) -> BaseException:
    """Return the innermost error: the outer ones, of requests and urllib3, only repeat the address."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _unpack(packed: bytes, md5: str) -> bytes:
    """Check and unpack a gzip file. The checksum guards against accidents, not against attackers."""
    actual_md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    if actual_md5 != md5:
        if packed[:100].lstrip().startswith(b"<"):
            raise _MirrorError("sent a web page instead of the file")
        raise _MirrorError(f"sent a file with the wrong checksum (MD5 {actual_md5[:8]}…, not {md5[:8]}…)")
    gunzip = zlib.decompressobj(wbits=31)
    try:
        content = gunzip.decompress(packed, SIZE_LIMIT)
    except zlib.error as error:
        raise _MirrorError(f"sent a file that cannot be unpacked ({error})") from error
    if gunzip.unconsumed_tail:
        raise _MirrorError(f"sent a file that unpacks to more than {SIZE_LIMIT:,} bytes")
    if not gunzip.eof:
        raise _MirrorError("sent a file that is packed only in part")
    return content


def _any_host_answers(hosts: tuple[str, ...]) -> bool:
    """Whether one of `hosts` accepts a connection within `CONNECT_SECONDS`, slow name servers included."""
    answers: SimpleQueue[bool] = SimpleQueue()
    for host in hosts:
        threading.Thread(target=_try_to_connect, args=(host, answers), daemon=True).start()
    deadline = time.monotonic() + CONNECT_SECONDS
    try:
        return any(answers.get(timeout=max(0.0, deadline - time.monotonic())) for _ in hosts)
    except Empty:
        return False


def _try_to_connect(url: str, answers: SimpleQueue[bool]) -> None:
    try:
        socket.create_connection(_first_hop(url), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        answers.put(False)
    else:
        answers.put(True)


def _first_hop(url: str) -> tuple[str, int]:
    """Return host and port that a request for `url` connects to: those of the proxy if the environment names one."""
    proxy = select_proxy(url, get_environ_proxies(url))
    parts = urlsplit(prepend_scheme_if_needed(proxy, "http") if proxy else url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _host_name(url: str) -> str:
    return urlsplit(url).hostname or url

"""The server and its trainers connect to no other machine."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.system.paths import ROOT
from mnist_dashboard.server.hosts import is_loopback_name
from tests.support.processes import Eventually, Server, running_server

ADDRESS_LOG = "ADDRESS_LOG"
OBSERVER = f"""
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        address = arguments
    else:
        return
    if isinstance(address, tuple):  # others are sockets in the file system
        with open(os.environ["{ADDRESS_LOG}"], "a") as file:
            file.write(f"{{address[0]}}\\n")

sys.addaudithook(note)
"""
"""Runs at the start of every Python program and writes down each address and name that it tries to reach."""

SENDS_NOTHING = ("192.0.2.1", "2001:db8::1")
"""Connecting a datagram socket to these sends nothing; it asks the system for the outgoing address (see `hosts.py`)."""


@pytest.fixture
def address_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which every Python program started from here writes the addresses that it tries to reach."""
    (tmp_path / "sitecustomize.py").write_text(OBSERVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(ADDRESS_LOG, str(tmp_path / "address_log"))
    return tmp_path / "address_log"


def outsiders(names: Iterable[str]) -> set[str]:
    """Return the names and addresses that are not this machine."""
    here = ("None", "", "0.0.0.0", "::", *SENDS_NOTHING)
    return {name for name in names if name not in here and not is_loopback_name(name)}


def process_family(server: Server) -> list[psutil.Process]:
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def remote_addresses(server: Server) -> list[str]:
    """Return the remote address of every open socket of the server, its fork server and its trainers."""
    connections = [connection for process in process_family(server) for connection in process.net_connections("inet")]
    return [connection.raddr.ip for connection in connections if connection.raddr]


def run_page(server: Server, page: str, query: str) -> None:
    """Have the server run a page to its end, as a browser does over its WebSocket."""
    request = BackMsg()
    request.rerun_script.page_name = page
    request.rerun_script.query_string = query
    address = f"{server.url.replace('http', 'ws')}/_stcore/stream"
    with connect(address, origin=Origin(server.url), subprotocols=[Subprotocol("streamlit")]) as socket:
        socket.send(request.SerializeToString())
        while not (message := ForwardMsg.FromString(socket.recv(timeout=20, decode=False))).HasField("script_finished"):
            assert not message.delta.new_element.HasField("exception"), message
    with urllib.request.urlopen(f"{server.url}/{page}?{query}") as response:
        assert response.status == 200


def test_with_open_pages_and_a_run_in_training_all_connections_stay_on_this_machine(
    tmp_path: Path, address_log: Path, eventually: Eventually
) -> None:
    with running_server(tmp_path / "runs", tmp_path / "data", eventually) as server:
        run = server.store.commands.create_run(TrainConfig(dataset="mnist-5k", epochs=50, device="cpu"))
        with urllib.request.urlopen(f"{server.url}/live?runs={run.id}") as feed:
            while b"event: steps" not in feed.readline():
                pass
            for page in ("", "runs", "details"):
                run_page(server, page, f"run={run.id}")
            assert server.store.queries.get_run(run.id).status is RunStatus.RUNNING
            assert len(process_family(server)) >= 3, "server, fork server, trainer"
            connected = remote_addresses(server)
            assert connected, "the feed is"
            assert not outsiders(connected)
        server.store.commands.request_stop(run.id)
        eventually(lambda: server.store.queries.get_run(run.id).status.is_finished)
        assert not outsiders(address_log.read_text().splitlines())


@pytest.mark.parametrize("call", ["create_connection(('198.51.100.7', 9), 0.01)", "getaddrinfo('mnist.invalid', 80)"])
def test_a_connection_to_another_machine_would_be_noticed(address_log: Path, call: str) -> None:
    program = f"import contextlib, socket\nwith contextlib.suppress(OSError): socket.{call}"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=dict(os.environ))
    assert len(outsiders(address_log.read_text().splitlines())) == 1

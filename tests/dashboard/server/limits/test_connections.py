"""Limits on connections, on a real server: half requests, unfinished messages, and too many connections."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from mnist_dashboard.server.limits import connections
from mnist_dashboard.server.limits.connections import OpenConnections, limit_connections, raise_file_limit
from mnist_dashboard.server.limits.listener import Listener
from tests.support.processes import Eventually, answers, running_server

SHORT = 0.2
"""Time limit in these tests, which wait for the server to close a connection."""
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def seen_client(_address: str) -> None:
    """Called with the address of each request's client."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer requests; echo the messages of WebSockets."""
    if scope["type"] == "http":
        seen_client(scope["client"][0])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        return
    await receive()
    if scope["path"] == "/full":
        await send({"type": "websocket.http.response.start", "status": 503, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"Try again.\n"})
        return
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})


@pytest.fixture(autouse=True)
def own_count(monkeypatch: pytest.MonkeyPatch) -> OpenConnections:
    count = OpenConnections()
    monkeypatch.setattr(connections, "OPEN_CONNECTIONS", count)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", SHORT)
    monkeypatch.setattr(connections, "MESSAGE_SECONDS", SHORT)
    return count


@contextmanager
def running_app() -> Iterator[int]:
    """Run the app with uvicorn; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_level="error", ws="websockets-sansio")
        server = uvicorn.Server(config)

        async def serve() -> None:
            limit_connections(asyncio.get_running_loop())
            await server.serve([listener])

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_app() as port:
        yield port


def open_connection(port: int, data: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(address, 0))
    client.sendall(data)
    return client


def read_all(client: socket.socket) -> bytes:
    """What the server sends until it closes the connection. Fails if it does not within 10 seconds."""
    data = b""
    with suppress(ConnectionResetError):
        while received := client.recv(1 << 16):
            data += received
    return data


@pytest.mark.parametrize("data", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_half_a_request_is_not_waited_for(port: int, data: bytes) -> None:
    with open_connection(port, data) as client:
        assert read_all(client) == b""


def test_more_data_do_not_extend_the_time_of_a_request(port: int) -> None:
    with open_connection(port, b"GET / HTTP/1.1\r\nX: ") as client:
        closed = threading.Event()

        def read() -> None:
            read_all(client)
            closed.set()

        reader = threading.Thread(target=read)
        reader.start()
        with suppress(OSError):
            while not closed.wait(0.02):
                client.sendall(b"x")
        reader.join()


def test_the_next_request_and_the_rest_of_a_body_are_not_waited_for(port: int) -> None:
    for request in (REQUEST, REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: 100\r\n\r\nbegun")):
        with open_connection(port, request) as client:
            assert read_all(client).count(b"200 OK") == 1


def test_requests_on_one_connection_are_answered(port: int) -> None:
    with open_connection(port) as client:
        for _ in range(3):
            client.sendall(REQUEST)
            assert b"200 OK" in client.recv(1 << 16)


@pytest.mark.parametrize("first_byte", [b"\x82", b"\x02"], ids=["a frame", "a fragmented message"])
def test_an_unfinished_message_closes_a_web_socket(port: int, first_byte: bytes) -> None:
    length, mask = (b"\xfe\x10\x00", b"\0\0\0\0") if first_byte == b"\x82" else (b"\x85", b"\0\0\0\0")
    with connect(f"ws://127.0.0.1:{port}/") as client:
        client.socket.sendall(first_byte + length + mask + b"begun")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)


def test_whole_messages_keep_a_web_socket_open(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/") as client:
        for _ in range(3):
            client.send(b"hello")
            assert client.recv(timeout=10) == b"hello"
        client.send([b"in ", b"parts"])
        assert client.recv(timeout=10) == b"in parts"


def test_a_refused_web_socket_is_no_error_in_the_log(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidStatus, match="503"):
        connect(f"ws://127.0.0.1:{port}/full")
    with connect(f"ws://127.0.0.1:{port}/") as client:  # after that, the first has ended
        client.send(b"hello")
        assert client.recv(timeout=10) == b"hello"
    assert not caplog.records


def test_a_very_long_message_is_refused_before_it_has_come(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/") as client:
        client.socket.sendall(b"\x82\xff" + (10**9).to_bytes(8, "big") + b"\0\0\0\0")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)


def test_a_source_with_too_many_connections_is_refused_and_others_are_not(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS_PER_SOURCE", 2)
    with connect(f"ws://127.0.0.1:{port}/"), connect(f"ws://127.0.0.1:{port}/"):
        with open_connection(port, REQUEST) as client:
            response = read_all(client)
        with open_connection(port, REQUEST, "127.0.0.2") as other:
            assert b"200 OK" in other.recv(1 << 16)
    assert response.startswith(b"HTTP/1.1 503")
    assert b"Retry-After" in response


def test_a_named_proxy_may_have_many_connections(
    port: int, monkeypatch: pytest.MonkeyPatch, own_count: OpenConnections
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS_PER_SOURCE", 1)
    own_count.is_proxy = lambda address: address == "127.0.0.3"
    with open_connection(port, REQUEST, "127.0.0.3"), open_connection(port, REQUEST, "127.0.0.3") as second:
        assert b"200 OK" in second.recv(1 << 16)


def test_an_idle_connection_makes_room(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS_PER_SOURCE", 2)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 60)
    with open_connection(port, b"GET") as oldest, open_connection(port, b"GET"):
        with open_connection(port, REQUEST) as client:
            assert b"200 OK" in client.recv(1 << 16)
        assert read_all(oldest) == b""


def test_when_files_run_short_the_greediest_source_makes_room(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(f"ws://127.0.0.1:{port}/"), connect(f"ws://127.0.0.1:{port}/") as newest:
        monkeypatch.setattr(connections, "is_last_file", lambda _number, _spare: True)
        with open_connection(port, REQUEST, "127.0.0.2") as other:
            assert b"200 OK" in other.recv(1 << 16)
        with pytest.raises(ConnectionClosed):
            newest.recv(timeout=10)


def test_connections_of_owners_stay(port: int, monkeypatch: pytest.MonkeyPatch, own_count: OpenConnections) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS_PER_SOURCE", 1)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 60)
    with open_connection(port, REQUEST) as owner:
        assert b"200 OK" in owner.recv(1 << 16)
        own_count.keep_for_owner(owner.getsockname())
        with open_connection(port, REQUEST) as client:
            assert read_all(client).startswith(b"HTTP/1.1 503")
        owner.sendall(REQUEST)
        assert b"200 OK" in owner.recv(1 << 16)


def test_the_last_files_are_taken_by_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    with Listener(socket.AF_INET) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.make_room = lambda: asked.append(True)
        address = listener.getsockname()
        with socket.create_connection(address) as client:
            monkeypatch.setattr("mnist_dashboard.server.limits.listener.file_limit", lambda: 3)
            with pytest.raises(BlockingIOError):
                listener.accept()
            assert (read_all(client), asked) == (b"", [True])
        with socket.create_connection(address):
            monkeypatch.undo()
            listener.accept()[0].close()


@pytest.mark.fault
def test_the_server_answers_while_half_requests_want_more_files_than_there_are(
    tmp_path: Path, eventually: Eventually
) -> None:
    with running_server(tmp_path / "runs", tmp_path / "data", eventually) as server, ExitStack() as stack:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        for number in range(400):
            address = f"127.0.1.{number % 4}"
            with suppress(ConnectionError):
                stack.enter_context(open_connection(int(server.url.rpartition(":")[2]), b"GET", address))
        eventually(lambda: answers(server.process, f"{server.url}/_stcore/health"))


def test_forwarding_headers_do_not_change_the_address_of_a_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr("tests.dashboard.server.limits.test_connections.seen_client", seen.append)
    with open_connection(port, REQUEST.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n")) as client:
        assert b"200 OK" in client.recv(1 << 16)
    assert seen == ["127.0.0.1"]


def test_the_limit_of_open_files_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: wanted.append(limits))
    raise_file_limit()
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (4096, 4096))
    raise_file_limit()
    assert wanted == [(4096, 4096)]

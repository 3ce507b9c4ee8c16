"""A real server behind a real proxy: what the app is told about the browser."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.limits.connections import limit_connections
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.client_location import browser_scheme, client_address, is_local
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.web.reverse_proxy import ADDRESS, reverse_proxy

SITE = "trainer.school.example"
FORWARDED = {"Host": SITE, "X-Forwarded-For": "10.0.0.7, 10.0.0.9", "X-Forwarded-Proto": "https"}


async def describe(request: Request) -> JSONResponse:
    headers = request.headers
    return JSONResponse([client_address(headers), browser_scheme(headers), is_local(headers)])


async def accept(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


async def request(port: int, path: str, *lines: str) -> tuple[int, str]:
    """Send a request; returns the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", "Connection: close", *lines, "", ""]).encode())
    status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    body = "" if status == 101 else (await reader.read()).decode()
    writer.close()
    return status, body


def exchange(
    folder: Path,
    headers: Mapping[str, str],
    path: str,
    *lines: str,
    trusted: str = ADDRESS,
    proxied_from: str = ADDRESS,
) -> tuple[int, str]:
    """Send a request through a proxy that sets `headers`."""

    async def run() -> tuple[int, str]:
        app = Starlette(routes=[Route("/", describe), WebSocketRoute("/socket", accept)])

        def compose() -> Guard:  # as Streamlit does it: uvicorn has its settings before it loads the app
            proxies = TrustedProxies(trusted)
            limit_connections(asyncio.get_running_loop(), proxies.trusts)
            return Guard(app, AccessPolicy(folder), AllowedHosts([SITE]), proxies)

        config = uvicorn.Config(compose, factory=True, interface="asgi3", log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            try:
                async with reverse_proxy(listener.getsockname()[1], headers, proxied_from) as proxy:
                    return await request(proxy, path, "Host: browser.invalid", *lines)
            finally:
                server.should_exit = True
                await serving

    return asyncio.run(run())


def test_the_app_learns_the_browser_s_address_and_scheme_from_a_named_proxy(tmp_path: Path) -> None:
    status, body = exchange(tmp_path, FORWARDED, "/")
    assert (status, json.loads(body)) == (200, ["10.0.0.9", "https", False])


@pytest.mark.parametrize("address", [ADDRESS, "127.0.0.1"])
def test_the_headers_of_any_other_proxy_are_ignored(tmp_path: Path, address: str) -> None:
    status, body = exchange(tmp_path, FORWARDED, "/", trusted="10.0.0.1", proxied_from=address)
    assert (status, json.loads(body)) == (200, [address, "http", False])


@pytest.mark.parametrize("host", [SITE, f"{SITE}:443", f"{SITE}:8501"])
def test_a_page_s_socket_opens_through_the_proxy_whatever_port_it_sends(tmp_path: Path, host: str) -> None:
    upgrade = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + "A" * 22 + "==",
    ]
    origin = f"Origin: https://{SITE}:8443"
    status, _ = exchange(tmp_path, {**FORWARDED, "Host": host}, "/socket", *upgrade, origin)
    assert status == 101
    status, body = exchange(tmp_path, {**FORWARDED, "Host": host}, "/socket", *upgrade, origin, trusted="")
    assert status == 403
    assert f"add the proxy ({ADDRESS}) to MNIST_PROXIES" in body

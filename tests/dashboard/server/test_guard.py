"""The guard of the server: whom it refuses, and what it tells the app about a request."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts, own_addresses
from mnist_dashboard.server.roles.access_policy import (
    MAX_KEY_ATTEMPTS,
    AccessPolicy,
    owner_cookie,
    viewer_cookie,
)
from mnist_dashboard.server.roles.client_location import CLIENT_ADDRESS_HEADER, LOCAL, LOCATION_HEADER, REMOTE
from tests.support.asgi_client import LOOPBACK, PEER, Response, build_scope, fetch, send_request

LAN = "192.168.7.20"
"""A host name of the server in these tests."""


class Inner:
    """The app behind the guard, which accepts and records every request."""

    def __init__(self) -> None:
        self.seen: list[HTTPConnection] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(HTTPConnection(scope))
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).accept()
        else:
            await HTMLResponse("<p>in</p>")(scope, receive, send)


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


@pytest.fixture
def guard(inner: Inner, policy: AccessPolicy) -> Guard:
    return Guard(inner, policy, AllowedHosts([LAN, "trainer.school.example"]))


def key_cookie(key: str) -> tuple[str, str]:
    return ("cookie", f"{owner_cookie()}={key}")


def is_owner(response: Response, inner: Inner, policy: AccessPolicy) -> bool:
    """Return whether the last request reached the app with the rights of an owner."""
    assert response.status in (0, 200), response.body
    return policy.is_owner(inner.seen[-1].headers, inner.seen[-1].cookies)


# ---------------------------------------------------------------------- roles


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.9.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501"])
def test_a_person_at_this_machine_is_owner(
    guard: Guard, inner: Inner, policy: AccessPolicy, client: str, host: str
) -> None:
    assert is_owner(fetch(guard, "/", client=client, host=host), inner, policy)


@pytest.mark.parametrize("client", [PEER, "192.0.2.9", "::ffff:10.0.0.9", "fd00::9", "testclient"])
@pytest.mark.parametrize("host", [LAN, "localhost"])
def test_a_peer_without_key_is_a_viewer_whatever_host_it_names(
    guard: Guard, inner: Inner, policy: AccessPolicy, client: str, host: str
) -> None:
    assert not is_owner(fetch(guard, "/", client=client, host=host), inner, policy)


def test_a_loopback_connection_for_another_name_is_a_viewer(guard: Guard, inner: Inner, policy: AccessPolicy) -> None:
    assert not is_owner(fetch(guard, "/", host=LAN), inner, policy)


@pytest.mark.parametrize(
    "forwarding",
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("x-forwarded-for", ""),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Proto", "http"),
        ("Forwarded", "for=127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("X-Real-IP", "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("client", [LOOPBACK, PEER])
def test_forwarding_headers_remove_rights_and_never_grant_them(
    guard: Guard, inner: Inner, policy: AccessPolicy, client: str, forwarding: tuple[str, str]
) -> None:
    assert not is_owner(fetch(guard, "/", client=client, headers=[forwarding]), inner, policy)


@pytest.mark.parametrize("name", [LOCATION_HEADER, LOCATION_HEADER.upper()])
def test_a_forged_role_header_is_dropped(guard: Guard, inner: Inner, policy: AccessPolicy, name: str) -> None:
    forged = [(name, LOCAL), (name, LOCAL)]
    assert not is_owner(fetch(guard, "/", client=PEER, host=LAN, headers=forged), inner, policy)
    assert inner.seen[-1].headers.getlist(LOCATION_HEADER) == [REMOTE]


def test_a_forged_source_is_dropped(guard: Guard, inner: Inner) -> None:
    fetch(guard, "/", client=PEER, host=LAN, headers=[(CLIENT_ADDRESS_HEADER, "10.0.0.77")])
    assert inner.seen[-1].headers.getlist(CLIENT_ADDRESS_HEADER) == [PEER]


def test_the_key_in_a_cookie_makes_anybody_an_owner(guard: Guard, inner: Inner, policy: AccessPolicy) -> None:
    scope = build_scope("/", client=PEER, host=LAN, headers=[key_cookie(policy.key.read())])
    assert is_owner(send_request(guard, scope), inner, policy)


@pytest.mark.parametrize("forged", ["", "x", "x" * 43, '""', "%00", "0"])
def test_forged_cookies_grant_nothing(guard: Guard, inner: Inner, policy: AccessPolicy, forged: str) -> None:
    policy.key.read()
    for cookie in (key_cookie(forged), ("cookie", f"{viewer_cookie()}={forged}")):
        assert not is_owner(fetch(guard, "/", client=PEER, host=LAN, headers=[cookie]), inner, policy)


def test_an_old_key_is_invalid_as_soon_as_it_is_renewed(guard: Guard, inner: Inner, policy: AccessPolicy) -> None:
    old = policy.key.read()
    response = fetch(guard, "/", client=PEER, host=LAN, headers=[key_cookie(old)])
    assert is_owner(response, inner, policy)
    new = policy.key.renew()
    assert not is_owner(response, inner, policy)  # the same request, as of a page that is still open
    assert is_owner(fetch(guard, "/", client=PEER, host=LAN, headers=[key_cookie(new)]), inner, policy)


def test_in_strict_mode_this_machine_needs_the_key_too(inner: Inner, places: Path) -> None:
    strict = AccessPolicy(places / "runs", strict=True)
    guard = Guard(inner, strict, AllowedHosts())
    assert not is_owner(fetch(guard, "/"), inner, strict)
    assert is_owner(fetch(guard, "/", headers=[key_cookie(strict.key.read())]), inner, strict)


# ---------------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8501", "localhost.evil.example", "", None, "10.9.9.9", "[::1", "[::1]x",
     "localhost@evil.example", "evil.example#localhost", "localhost:99999", "localhost:x", "localhost:" + "9" * 5000,
     "[fe80::9]", "[evil]"],
)  # fmt: skip
@pytest.mark.parametrize("websocket", [False, True])
def test_other_hosts_get_400_against_dns_rebinding(
    guard: Guard, inner: Inner, host: str | None, websocket: bool
) -> None:
    headers = [("origin", f"http://{host}")]
    for path in ("/", "/live", "/_stcore/stream", "/owner?key=x"):
        response = fetch(guard, path, host=host, headers=headers, websocket=websocket)
        assert response.status == 400
    assert not inner.seen


def test_two_host_headers_are_refused(guard: Guard, inner: Inner) -> None:
    assert fetch(guard, "/", headers=[("host", "evil.example")]).status == 400
    assert not inner.seen


def test_names_and_addresses_of_this_machine_are_answered(inner: Inner, policy: AccessPolicy) -> None:
    guard = Guard(inner, policy, AllowedHosts())
    hosts = [f"[{one}]" if one.version == 6 else str(one) for one in own_addresses()]
    for host in [*hosts, socket.gethostname(), "localhost."]:
        assert fetch(guard, "/", host=f"{host}:8501").status == 200, host


def test_a_host_named_in_the_settings_is_answered(guard: Guard) -> None:
    assert fetch(guard, "/", host="Trainer.School.example").status == 200


# ---------------------------------------------------------------------- origins


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://localhost:8501",
        "http://127.0.0.1:8501",
        "http://evil.example",
        "null",
        "",
        "http://localhost:8501.evil.example",
        "http://localhost:8501/",
    ],
)
@pytest.mark.parametrize("websocket", [False, True])
def test_other_origins_are_refused(guard: Guard, inner: Inner, origin: str, websocket: bool) -> None:
    response = fetch(guard, "/live", headers=[("origin", origin)], websocket=websocket)
    assert (response.status, response.accepted) == (403, False)
    assert not inner.seen


def test_a_websocket_without_origin_is_refused(guard: Guard, inner: Inner) -> None:
    assert fetch(guard, "/_stcore/stream", websocket=True).status == 403
    assert not inner.seen


def test_a_websocket_of_our_own_origin_is_opened(guard: Guard) -> None:
    scope = build_scope("/_stcore/stream", headers=[("origin", "http://localhost:8501")], websocket=True)
    assert send_request(guard, scope).accepted


def test_behind_a_tls_proxy_our_origin_is_the_one_that_browsers_see(guard: Guard) -> None:
    headers = [("origin", "https://trainer.school.example"), ("x-forwarded-proto", "https")]
    scope = build_scope("/_stcore/stream", host="trainer.school.example", headers=headers, websocket=True)
    assert send_request(guard, scope).accepted
    assert send_request(guard, {**scope, "client": (PEER, 1)}).status == 403  # only a proxy on this machine is trusted


def test_a_link_from_elsewhere_is_followed_and_a_script_from_elsewhere_is_not(guard: Guard) -> None:
    for site in ("cross-site", "same-site"):
        for mode, status in (("navigate", 200), ("no-cors", 403), ("cors", 403)):
            headers = [("sec-fetch-site", site), ("sec-fetch-mode", mode)]
            assert fetch(guard, "/", headers=headers).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "CONNECT", "WHATEVER"])
def test_only_owners_may_use_other_methods_than_get(
    guard: Guard, inner: Inner, policy: AccessPolicy, method: str
) -> None:
    path = "/_stcore/upload_file/session/file"
    own = [("origin", f"http://{LAN}")]
    assert fetch(guard, path, method=method, client=PEER, host=LAN, headers=own).status == 403
    assert fetch(guard, path, method=method).status == 403  # every browser sends the origin
    assert not inner.seen
    with_key = [*own, key_cookie(policy.key.read())]
    assert fetch(guard, path, method=method, client=PEER, host=LAN, headers=with_key).status == 200


# ---------------------------------------------------------------------- this machine only


@pytest.mark.parametrize("websocket", [False, True])
def test_while_the_server_is_hidden_peers_are_refused_with_and_without_key(
    guard: Guard, policy: AccessPolicy, websocket: bool
) -> None:
    policy.set_visible(False)
    headers = [("origin", f"http://{LAN}"), key_cookie(policy.key.read())]
    assert fetch(guard, "/live", client=PEER, host=LAN, headers=headers, websocket=websocket).status == 403
    assert fetch(guard, "/live", headers=[("x-forwarded-for", PEER)]).status == 403
    assert fetch(guard, "/live").status == 200
    policy.set_visible(True)
    assert fetch(guard, "/live", client=PEER, host=LAN).status == 200


# ---------------------------------------------------------------------- response headers


def test_every_response_carries_security_headers_also_a_refusal(guard: Guard) -> None:
    for response in (fetch(guard, "/"), fetch(guard, "/", host="evil.example")):
        policy = response.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"


def test_a_host_cannot_write_into_the_policy(guard: Guard) -> None:
    response = fetch(guard, "/", host="x; script-src *")
    assert "script-src *" not in response.headers["content-security-policy"]


def test_a_browser_is_given_a_viewer_cookie_once(guard: Guard) -> None:
    given = fetch(guard, "/", client=PEER, host=LAN).headers["set-cookie"]
    assert "HttpOnly" in given
    assert "SameSite=Strict" in given
    back = [("cookie", given.partition(";")[0])]
    assert "set-cookie" not in fetch(guard, "/", client=PEER, host=LAN, headers=back).headers


def test_guessing_keys_is_answered_with_429(guard: Guard, policy: AccessPolicy) -> None:
    def connect(key: str, client: str = PEER) -> int:
        headers = [("origin", f"http://{LAN}"), key_cookie(key)]
        scope = build_scope("/_stcore/stream", client=client, host=LAN, headers=headers, websocket=True)
        return send_request(guard, scope).status

    assert {connect(f"wrong {number}") for number in range(MAX_KEY_ATTEMPTS)} == {0}  # admitted as viewers
    assert connect("wrong") == 429
    assert connect("wrong", client="10.0.0.10") == 0
    assert connect(policy.key.read()) == 0

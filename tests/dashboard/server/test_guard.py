"""The guard of the server: whom it refuses, and what it tells the app about a request."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts, own_addresses
from mnist_dashboard.server.roles.access_policy import MAX_WRONG_TRIES, AccessPolicy, viewer_cookie
from mnist_dashboard.server.roles.client_location import (
    CLIENT_ADDRESS_HEADER,
    LOCAL,
    LOCATION_HEADER,
    REMOTE,
    client_address,
)
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.web.asgi_client import LOOPBACK, PEER, Response, build_scope, fetch, send_request
from tests.support.web.signing_in import session_cookie, sign_in

LAN = "192.168.7.20"
"""A host name of the server in these tests."""

PROXY = "172.18.0.2"
"""The address of the proxy that the server trusts."""


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
    return Guard(inner, policy, AllowedHosts([LAN, "trainer.school.example"]), TrustedProxies(PROXY))


def is_owner(response: Response, inner: Inner, policy: AccessPolicy) -> bool:
    """Return whether the last request reached the app with the rights of an owner."""
    assert response.status in (0, 200), response.body
    return policy.is_owner(inner.seen[-1].headers, inner.seen[-1].cookies)


# ---------------------------------------------------------------------- roles


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.9.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501"])
def test_a_connection_from_this_machine_is_an_owners_only_if_the_server_trusts_it(
    guard: Guard, inner: Inner, policy: AccessPolicy, client: str, host: str
) -> None:
    response = fetch(guard, "/", client=client, host=host)
    assert not is_owner(response, inner, policy)
    policy.trust_local = True
    assert is_owner(response, inner, policy)


@pytest.mark.parametrize("client", [PEER, "192.0.2.9", "::ffff:10.0.0.9", "fd00::9", "testclient"])
@pytest.mark.parametrize("host", [LAN, "localhost"])
def test_a_peer_is_a_viewer_whatever_host_it_names(
    guard: Guard, inner: Inner, policy: AccessPolicy, client: str, host: str
) -> None:
    policy.trust_local = True
    assert not is_owner(fetch(guard, "/", client=client, host=host), inner, policy)


def test_a_loopback_connection_for_another_name_is_a_viewer(guard: Guard, inner: Inner, policy: AccessPolicy) -> None:
    policy.trust_local = True
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
    policy.trust_local = True
    assert not is_owner(fetch(guard, "/", client=client, headers=[forwarding]), inner, policy)


@pytest.mark.parametrize("name", [LOCATION_HEADER, LOCATION_HEADER.upper()])
def test_a_forged_role_header_is_dropped(guard: Guard, inner: Inner, policy: AccessPolicy, name: str) -> None:
    policy.trust_local = True
    forged = [(name, LOCAL), (name, LOCAL)]
    assert not is_owner(fetch(guard, "/", client=PEER, host=LAN, headers=forged), inner, policy)
    assert inner.seen[-1].headers.getlist(LOCATION_HEADER) == [REMOTE]


def test_a_forged_source_is_dropped(guard: Guard, inner: Inner) -> None:
    fetch(guard, "/", client=PEER, host=LAN, headers=[(CLIENT_ADDRESS_HEADER, "10.0.0.77")])
    assert inner.seen[-1].headers.getlist(CLIENT_ADDRESS_HEADER) == [PEER]


def test_a_browser_that_is_signed_in_is_an_owners_wherever_it_is(
    guard: Guard, inner: Inner, policy: AccessPolicy
) -> None:
    scope = build_scope("/", client=PEER, host=LAN, headers=[session_cookie(sign_in(policy))])
    assert is_owner(send_request(guard, scope), inner, policy)


@pytest.mark.parametrize("forged", ["", "x", "x" * 43, '""', "%00", "0"])
def test_forged_cookies_grant_nothing(guard: Guard, inner: Inner, policy: AccessPolicy, forged: str) -> None:
    sign_in(policy)
    for cookie in (session_cookie(forged), ("cookie", f"{viewer_cookie()}={forged}")):
        assert not is_owner(fetch(guard, "/", client=PEER, host=LAN, headers=[cookie]), inner, policy)


def test_a_session_loses_its_rights_as_soon_as_it_ends(guard: Guard, inner: Inner, policy: AccessPolicy) -> None:
    tokens = [sign_in(policy) for _ in range(3)]
    responses = [fetch(guard, "/", client=PEER, host=LAN, headers=[session_cookie(token)]) for token in tokens]
    seen = list(inner.seen)

    def owners() -> list[bool]:  # judged by the same requests, as those of pages that are still open
        return [policy.is_owner(request.headers, request.cookies) for request in seen]

    assert [response.status for response in responses] == [200] * 3
    assert owners() == [True, True, True]
    first, last = policy.sessions.find(tokens[0]), policy.sessions.find(tokens[2])
    assert first
    assert last
    policy.sessions.end(first.id)
    assert owners() == [False, True, True]
    policy.sessions.end_all(except_id=last.id)
    assert owners() == [False, False, True]


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
    for path in ("/", "/live", "/_stcore/stream", "/sign-in"):
        response = fetch(guard, path, host=host, headers=headers, websocket=websocket)
        assert response.status == 400
    assert not inner.seen


def test_two_host_headers_are_refused(guard: Guard, inner: Inner) -> None:
    assert fetch(guard, "/", headers=[("host", "evil.example")]).status == 400
    assert not inner.seen


def test_names_and_addresses_of_this_machine_are_answered(inner: Inner, policy: AccessPolicy) -> None:
    guard = Guard(inner, policy, AllowedHosts(), TrustedProxies())
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


# ---------------------------------------------------------------------- proxies


def open_socket(guard: Guard, origin: str, host: str, client: str = PROXY, **forwarded: str) -> Response:
    headers = [("origin", origin), *((f"x-forwarded-{name}", value) for name, value in forwarded.items())]
    scope = build_scope("/_stcore/stream", client=client, host=host, headers=headers, websocket=True)
    return send_request(guard, scope)


SITE = "trainer.school.example"


@pytest.mark.parametrize("port", ["", ":8443"])
@pytest.mark.parametrize("sent", ["", ":443", ":8443", ":8501"])
def test_a_named_proxy_may_send_any_port_or_none_in_the_host(guard: Guard, inner: Inner, port: str, sent: str) -> None:
    origin = f"https://{SITE}{port}"
    assert open_socket(guard, origin, f"{SITE}{sent}", proto="https").accepted
    assert inner.seen[-1].headers.getlist("host") == [f"{SITE}{port}"]  # Streamlit compares it with the origin again
    assert open_socket(guard, f"https://evil.example{port}", f"{SITE}{sent}", proto="https").status == 403
    assert open_socket(guard, origin, f"{SITE}{sent}", proto="http").status == 403


def test_a_named_proxy_may_replace_the_host_if_it_tells_the_one_before(guard: Guard) -> None:
    assert open_socket(guard, f"http://{SITE}", "127.0.0.1:8501").status == 403
    headers = [("origin", f"http://{SITE}"), ("x-forwarded-host", SITE)]
    scope = build_scope("/_stcore/stream", client=PROXY, host="127.0.0.1:8501", headers=headers, websocket=True)
    assert send_request(guard, scope).accepted
    assert send_request(guard, {**scope, "client": (PEER, 1)}).status == 403


def test_a_port_in_the_settings_is_the_only_one_accepted_through_a_proxy(inner: Inner, policy: AccessPolicy) -> None:
    guard = Guard(inner, policy, AllowedHosts([f"{SITE}:8443"]), TrustedProxies(PROXY))
    assert open_socket(guard, f"https://{SITE}:8443", SITE, proto="https").accepted
    assert open_socket(guard, f"https://{SITE}:9000", SITE, proto="https").status == 403


def test_a_default_port_in_the_host_is_the_same_as_none(guard: Guard) -> None:
    assert open_socket(guard, f"http://{LAN}", f"{LAN}:80", client=PEER).accepted
    assert open_socket(guard, f"http://{LAN}", f"{LAN}:8501", client=PEER).status == 403


@pytest.mark.parametrize("client", [PEER, LOOPBACK])
def test_forwarding_headers_of_others_are_ignored(guard: Guard, inner: Inner, client: str) -> None:
    forged = [
        ("x-forwarded-for", "10.9.9.9"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=10.9.9.9;proto=https"),
    ]
    response = fetch(guard, "/", client=client, host=LAN, headers=[*forged, ("x-forwarded-host", "evil.example")])
    assert response.status == 200
    assert "Secure" not in response.headers["set-cookie"]
    assert client_address(inner.seen[-1].headers) == client
    assert open_socket(guard, f"https://{LAN}", LAN, client=client, proto="https").status == 403


def test_cookies_are_secure_where_the_browser_speaks_tls(guard: Guard) -> None:
    forwarded: dict[str, Any] = {"client": PROXY, "host": SITE, "headers": [("x-forwarded-proto", "https")]}
    assert "; Secure" in fetch(guard, "/", **forwarded).headers["set-cookie"]
    assert "; Secure" in fetch(guard, "/", client=PEER, host=LAN, scheme="https").headers["set-cookie"]


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"host": "evil.example"}, "MNIST_HOSTS"),
        ({"headers": [("origin", "https://localhost:8501")]}, "MNIST_PROXIES"),
        ({"headers": [("origin", "https://localhost:8501"), ("via", "1.1 x")]}, f"proxy ({LOOPBACK}) to MNIST_PROXIES"),
        ({"client": PROXY, "headers": [("origin", "https://localhost:8501")]}, "X-Forwarded-Proto"),
    ],
)
def test_a_refusal_names_the_setting_to_change(guard: Guard, options: dict[str, Any], setting: str) -> None:
    assert setting in fetch(guard, "/live", **options).body.decode()


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
    signed_in = [*own, session_cookie(sign_in(policy))]
    assert fetch(guard, path, method=method, client=PEER, host=LAN, headers=signed_in).status == 200


# ---------------------------------------------------------------------- this machine only


@pytest.mark.parametrize("websocket", [False, True])
def test_while_the_server_is_hidden_peers_are_refused_also_when_signed_in(
    guard: Guard, policy: AccessPolicy, websocket: bool
) -> None:
    policy.set_visible(False)
    headers = [("origin", f"http://{LAN}"), session_cookie(sign_in(policy))]
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


def test_guessing_tokens_is_answered_with_429(guard: Guard, policy: AccessPolicy) -> None:
    def connect(token: str, client: str = PEER) -> int:
        headers = [("origin", f"http://{LAN}"), session_cookie(token)]
        scope = build_scope("/_stcore/stream", client=client, host=LAN, headers=headers, websocket=True)
        return send_request(guard, scope).status

    for _ in range(MAX_WRONG_TRIES + 1):
        assert connect(sign_in(policy)) == 0  # a right one does not count
        assert connect("of a session that has ended") == 0  # a browser repeats it, which is no guess
    assert {connect(f"wrong {number}") for number in range(1, MAX_WRONG_TRIES)} == {0}  # admitted as viewers
    assert connect("wrong") == 429
    assert fetch(guard, "/live", client=PEER, host=LAN, headers=[session_cookie("also wrong")]).status == 429
    assert connect("wrong elsewhere", client="10.0.0.10") == 0
    assert connect(sign_in(policy)) == 0

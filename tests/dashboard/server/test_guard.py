"""The guard of the server: which hosts, origins and proxies it accepts, and the headers of its responses."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts, own_addresses
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.client_location import (
    client_address,
)
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.web.asgi_client import LOOPBACK, PEER, Response, build_scope, fetch, send_request
from tests.support.web.guarded_app import LAN, PROXY, Inner

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

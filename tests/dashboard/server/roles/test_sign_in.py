"""The page that exchanges a one-time code for a session, and what it sends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.roles.access_policy import MAX_WRONG_TRIES, AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.device_name import device_name
from mnist_dashboard.server.roles.proxies import TrustedProxies
from mnist_dashboard.server.roles.sign_in import MAX_BODY_BYTES, PATH, sign_in_link, sign_in_routes
from tests.support.web.asgi_client import PEER, Response, fetch
from tests.support.web.signing_in import session_cookie, sign_in

HOST = "192.168.7.20:8501"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def policy(tmp_path: Path) -> AccessPolicy:
    return AccessPolicy(tmp_path)


@pytest.fixture
def app(policy: AccessPolicy) -> Guard:
    return Guard(Starlette(routes=sign_in_routes(policy)), policy, AllowedHosts(["192.168.7.20"]), TrustedProxies())


def send_code(app: Guard, code: str, *more: tuple[str, str], client: str = PEER, scheme: str = "http") -> Response:
    headers = [("origin", f"{scheme}://{HOST}"), ("user-agent", FIREFOX), *more]
    body = f"code={code}".encode()
    return fetch(app, PATH, body, method="POST", client=client, host=HOST, headers=headers, scheme=scheme)


def test_a_code_is_exchanged_for_a_cookie_with_a_token(app: Guard, policy: AccessPolicy) -> None:
    code = policy.sessions.create_code(60)
    response = send_code(app, code)
    assert response.status == 204
    cookie, *attributes = response.headers["set-cookie"].split("; ")
    name, _, token = cookie.partition("=")
    assert name == owner_cookie()
    assert owner_cookie().endswith("8501")
    assert token != code
    assert policy.sessions.is_signed_in(token)
    assert {"httponly", "samesite=strict", "path=/"} <= {attribute.lower() for attribute in attributes}
    assert "Secure" not in attributes
    assert [session.name for session in policy.sessions.list_sessions()] == ["Firefox on Linux"]


def test_over_tls_the_cookie_is_secure(app: Guard, policy: AccessPolicy) -> None:
    response = send_code(app, policy.sessions.create_code(60), scheme="https")
    assert "Secure" in response.headers["set-cookie"].split("; ")


def test_the_page_shows_no_secret_and_uses_up_no_code(app: Guard, policy: AccessPolicy) -> None:
    token, code = sign_in(policy), policy.sessions.create_code(60)
    page = fetch(app, f"{PATH}?code={code}", client=PEER, host=HOST, headers=[session_cookie(token)])
    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    assert code.encode() not in page.body
    assert token.encode() not in page.body
    assert b"onclick" not in page.body
    assert policy.sessions.is_pending(code)


def test_another_site_cannot_send_a_code(app: Guard, policy: AccessPolicy) -> None:
    code = policy.sessions.create_code(60)
    headers = [("origin", "http://evil.example")]
    assert fetch(app, PATH, f"code={code}".encode(), method="POST", headers=headers).status == 403
    assert fetch(app, PATH, f"code={code}".encode(), method="POST").status == 403
    assert policy.sessions.is_pending(code)


def test_signing_in_again_replaces_the_session(app: Guard, policy: AccessPolicy) -> None:
    old = sign_in(policy)
    assert send_code(app, policy.sessions.create_code(60), session_cookie(old)).status == 204
    assert not policy.sessions.is_signed_in(old)
    assert len(policy.sessions.list_sessions()) == 1


@pytest.mark.parametrize("body", [b"", b"code=", b"code", b"\xff", b"code=%ff", b"code=" + b"x" * 2 * MAX_BODY_BYTES])
def test_a_wrong_body_is_refused(app: Guard, body: bytes) -> None:
    response = fetch(app, PATH, body, method="POST", headers=[("origin", "http://localhost:8501")])
    assert (response.status, "set-cookie" in response.headers) == (403, False)


def test_wrong_codes_count_and_right_ones_do_not(app: Guard, policy: AccessPolicy, tmp_path: Path) -> None:
    for _ in range(MAX_WRONG_TRIES + 1):
        assert send_code(app, policy.sessions.create_code(60)).status == 204
    for number in range(MAX_WRONG_TRIES):
        assert send_code(app, f"wrong{number}").status == 403
    right = policy.sessions.create_code(60)
    assert send_code(app, right).status == 429
    assert send_code(app, right, client="10.0.0.10").status == 204


def test_signing_in_and_wrong_codes_are_in_the_audit_log(app: Guard, policy: AccessPolicy, tmp_path: Path) -> None:
    send_code(app, policy.sessions.create_code(60))
    send_code(app, "wrong")
    lines = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [(line["who"], line["from"], line["what"]) for line in lines] == [
        ("Firefox on Linux", PEER, "signed in"),
        ("viewer", PEER, "wrong code or session"),
    ]
    assert "wrong" not in [line.get("detail") for line in lines]


def test_the_code_stands_behind_the_hash_which_browsers_send_to_nobody() -> None:
    assert sign_in_link("http://h:1", "abc", run="7") == "http://h:1/sign-in#code=abc&run=7"
    assert sign_in_link("http://h:1/base", "abc", at_once=True) == "http://h:1/base/sign-in#code=abc&now=1"


def test_a_key_of_an_older_version_is_removed(tmp_path: Path) -> None:
    (tmp_path / "owner-key").write_text("x" * 43)
    AccessPolicy(tmp_path)
    assert not (tmp_path / "owner-key").exists()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("<script>alert(1)</script>", "Browser"),
        ("", "Browser"),
    ],
)
def test_a_device_is_named_in_known_words(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name

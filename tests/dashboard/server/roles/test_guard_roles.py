"""What the guard tells the app about who made a request, and what it lets viewers do."""

from __future__ import annotations

import pytest

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.roles.access_policy import MAX_WRONG_TRIES, AccessPolicy, viewer_cookie
from mnist_dashboard.server.roles.client_location import (
    CLIENT_ADDRESS_HEADER,
    LOCAL,
    LOCATION_HEADER,
    REMOTE,
)
from tests.support.web.asgi_client import LOOPBACK, PEER, Response, build_scope, fetch, send_request
from tests.support.web.guarded_app import LAN, Inner
from tests.support.web.signing_in import session_cookie, sign_in


def is_owner(response: Response, inner: Inner, policy: AccessPolicy) -> bool:
    """Return whether the last request reached the app with the rights of an owner."""
    assert response.status in (0, 200), response.body
    return policy.is_owner(inner.seen[-1].headers, inner.seen[-1].cookies)


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


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/inference/read?runs=7", 200),
        ("/inference", 403),
        ("/inferences/read", 403),
        ("/live/inference/read", 403),
        ("/_stcore/upload_file/x", 403),
    ],
)
def test_viewers_may_send_drawings_and_nothing_else(guard: Guard, inner: Inner, path: str, status: int) -> None:
    own = [("origin", f"http://{LAN}")]
    assert fetch(guard, path, b"drawing", method="POST", client=PEER, host=LAN, headers=own).status == status
    assert len(inner.seen) == (status == 200)
    other = [("origin", "http://evil.example")]
    for headers in (other, []):
        assert fetch(guard, path, b"drawing", method="POST", client=PEER, host=LAN, headers=headers).status == 403

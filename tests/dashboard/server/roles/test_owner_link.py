"""The owner key and the link with it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from starlette.applications import Starlette

from mnist_core.errors import MnistError
from mnist_dashboard.server.roles.access_policy import MAX_KEY_ATTEMPTS, AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.owner_key import OwnerKey
from mnist_dashboard.server.roles.owner_link import owner_link, owner_link_routes
from tests.support.asgi_client import PEER, fetch


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


@pytest.fixture
def app(policy: AccessPolicy) -> Starlette:
    return Starlette(routes=owner_link_routes(policy))


def test_the_key_is_long_random_persistent_and_private(tmp_path: Path) -> None:
    path = tmp_path / "owner-key"
    key = OwnerKey(path).read()
    assert len(key) >= 43  # 256 bits in base 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert OwnerKey(path).read() == key
    assert OwnerKey(tmp_path / "other").read() != key


def test_a_readable_key_file_is_made_private_again(tmp_path: Path) -> None:
    path = tmp_path / "owner-key"
    OwnerKey(path).read()
    path.chmod(0o644)
    OwnerKey(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "short", "\n\n"])
def test_a_damaged_key_file_is_replaced_and_matches_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "owner-key"
    path.write_text(content)
    key = OwnerKey(path)
    assert not key.matches(content)
    assert len(key.read()) >= 43


def test_a_key_that_cannot_be_saved_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MnistError, match="owner key cannot be saved"):
        OwnerKey(tmp_path / "missing" / "owner-key").read()
    (tmp_path / "bytes").write_bytes(b"\xff" * 50)
    with pytest.raises(MnistError, match="cannot be read"):
        OwnerKey(tmp_path / "bytes").read()


def test_the_link_is_exchanged_for_a_cookie(app: Starlette, policy: AccessPolicy) -> None:
    link = owner_link("", policy.key.read(), run="7")
    response = fetch(app, link, client=PEER)
    assert (response.status, response.headers["location"]) == (303, "/?run=7")
    cookie, *attributes = response.headers["set-cookie"].split("; ")
    assert cookie == f"{owner_cookie()}={policy.key.read()}"
    assert owner_cookie().endswith("8501")
    assert {"httponly", "samesite=strict", "path=/"} <= {attribute.lower() for attribute in attributes}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("run", ["//evil.example", "7&x=1", "https://evil.example", "-1", "\u0667", "7/../.."])
def test_the_link_redirects_to_no_other_site(app: Starlette, policy: AccessPolicy, run: str) -> None:
    response = fetch(app, owner_link("", policy.key.read(), run=run))
    assert (response.status, response.headers["location"]) == (303, "/")


@pytest.mark.parametrize("query", ["", "?key=", "?key=wrong", "?key=%00", "?key=%ff", "?KEY=x"])
def test_a_wrong_key_gives_no_cookie(app: Starlette, query: str) -> None:
    response = fetch(app, f"/owner{query}")
    assert response.status == 403
    assert "set-cookie" not in response.headers


def test_an_old_link_is_not_valid(app: Starlette, policy: AccessPolicy) -> None:
    old = owner_link("", policy.key.read())
    policy.key.renew()
    assert fetch(app, old).status == 403


def test_after_too_many_attempts_even_the_right_key_is_refused(app: Starlette, policy: AccessPolicy) -> None:
    for _ in range(MAX_KEY_ATTEMPTS):
        assert fetch(app, "/owner?key=wrong", client=PEER).status == 403
    assert fetch(app, owner_link("", policy.key.read()), client=PEER).status == 429
    assert fetch(app, owner_link("", policy.key.read()), client="10.0.0.10").status == 303

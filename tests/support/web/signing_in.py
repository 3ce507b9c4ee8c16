"""Signing in as an owner without a browser."""

from __future__ import annotations

from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie

DEVICE = "Firefox on Linux"


def sign_in(policy: AccessPolicy, device: str = DEVICE) -> str:
    """Return the token of a new session."""
    token = policy.sessions.sign_in(policy.sessions.create_code(60), device)
    assert token
    return token


def session_cookie(token: str) -> tuple[str, str]:
    """Return the header that a browser with this token sends."""
    return ("cookie", f"{owner_cookie()}={token}")

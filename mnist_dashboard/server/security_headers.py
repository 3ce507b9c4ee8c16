"""The headers with which browsers protect a page, such as its content security policy, and the viewer cookie."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope, Send

from mnist_dashboard.server.hosts import base_path
from mnist_dashboard.server.page_document import SERVER_ADDRESS
from mnist_dashboard.server.roles.access_policy import viewer_cookie
from mnist_dashboard.server.roles.client_location import browser_scheme


def with_security_headers(scope: Scope, send: Send) -> Send:
    """Return a `send` that adds the headers to an HTTP response, and the viewer cookie to a browser's first page.

    The request has the headers of `client_location`.
    """
    if scope["type"] != "http":
        return send
    connection = HTTPConnection(scope)
    policy = _content_security_policy(connection.headers.get("host", ""))

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = policy
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            if headers.get("content-type", "").startswith("text/html") and viewer_cookie() not in connection.cookies:
                token = secrets.token_urlsafe(16)
                secure = "; Secure" if browser_scheme(connection.headers) == "https" else ""
                cookie = f"{viewer_cookie()}={token}; Path={base_path() or '/'}; HttpOnly; SameSite=Strict{secure}"
                headers.append("Set-Cookie", cookie)
        await send(message)

    return send_with_headers


def _content_security_policy(host: str) -> str:
    # Some browsers do not count WebSockets of the same host as 'self'. The pattern keeps other text out of the policy.
    sockets = f"ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    return _POLICY_TEMPLATE.format(sockets=sockets)


def _inline_script_hashes() -> Sequence[str]:
    """Hashes of the scripts inside Streamlit's one HTML file, and of ours: browsers run no other inline script."""
    text = (Path(streamlit.__file__).with_name("static") / "index.html").read_text(encoding="utf-8")
    scripts = [*re.findall(r"<script>(.*?)</script>", text, re.DOTALL), SERVER_ADDRESS]
    return [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]


_POLICY_TEMPLATE = "; ".join(
    [
        "default-src 'self'",
        f"script-src 'self' blob: {' '.join(_inline_script_hashes())}",  # Streamlit loads components as blob:
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' {sockets}",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

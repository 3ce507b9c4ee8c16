"""The files that the browser loads."""

import asyncio
import gzip
import re
from collections.abc import Iterable

import pytest
from starlette.applications import Starlette

from mnist_dashboard.server import assets
from mnist_dashboard.server.shared_constants import constants_module

app = Starlette(routes=[*assets.ASSET_ROUTES])


def get(path: str, headers: Iterable[tuple[str, str]] = ()) -> tuple[int, dict[str, str], bytes]:
    """Send a GET through ASGI and return status, headers and body. Starlette's test client needs another package."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "query_string": b"", "headers": raw}
    asyncio.run(app(scope, receive, send))
    start, *rest = sent
    status, pairs = start["status"], start["headers"]
    assert isinstance(status, int)
    assert isinstance(pairs, list)
    body = b"".join(chunk for part in rest if isinstance(chunk := part.get("body", b""), bytes))
    return status, {name.decode(): value.decode() for name, value in pairs}, body


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("components/status_strip/status_strip.js", "text/javascript; charset=utf-8"),
        ("components/run_table/run_table.css", "text/css; charset=utf-8"),
        ("ui/favicon.png", "image/png"),
    ],
)
def test_files_are_served_unchanged_and_cached_for_long(name: str, media_type: str) -> None:
    status, headers, body = get(assets.asset_url(name))
    assert status == 200
    assert body == (assets.PACKAGE / name).read_bytes()
    assert headers["content-type"] == media_type
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "content-encoding" not in headers


def test_constants_are_served_as_a_module() -> None:
    status, headers, body = get(assets.asset_url("components/lib/constants.js"))
    assert status == 200
    assert body.decode() == constants_module()
    assert headers["content-type"] == "text/javascript; charset=utf-8"


def test_plotly_is_compressed_for_clients_that_accept_it() -> None:
    url = assets.asset_url("plotly.min.js")
    _, plain_headers, plain = get(url)
    _, headers, compressed = get(url, [("Accept-Encoding", "br, gzip")])
    assert b"plotly.js" in plain[:200]
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == plain_headers["vary"] == "Accept-Encoding"
    assert len(compressed) < len(plain) / 2
    assert gzip.decompress(compressed) == plain


def test_plotly_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    url = assets.asset_url("plotly.min.js")
    _, _, first = get(url, [("Accept-Encoding", "gzip")])
    monkeypatch.setattr(gzip, "compress", lambda *_, **__: pytest.fail("compressed again"))
    _, _, second = get(url, [("Accept-Encoding", "gzip")])
    assert second == first


def test_images_are_not_compressed() -> None:
    _, headers, _ = get(assets.asset_url("ui/favicon.png"), [("Accept-Encoding", "gzip")])
    assert "content-encoding" not in headers


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "",
        "assets.py",
        "../assets.py",
        "..%2fassets.py",
        "..\\assets.py",
        "/etc/passwd",
        "./components/status_strip/status_strip.js",
    ],
)
def test_nothing_else_is_served(name: str) -> None:
    folder = assets.asset_url("plotly.min.js").removesuffix("plotly.min.js")
    assert get(folder + name)[0] == 404


def test_an_address_of_another_version_is_not_found() -> None:
    status, headers, _ = get("/assets/000000000000/components/status_strip/status_strip.js")
    assert status == 404
    assert headers["cache-control"] == "no-store"


def test_the_address_of_a_missing_file_is_an_error() -> None:
    with pytest.raises(KeyError, match=re.escape("There is no asset 'nothing.js'")):
        assets.asset_url("nothing.js")


def test_every_module_imports_only_what_is_served() -> None:
    imports = 0
    for path in set(assets.PACKAGE.rglob("*.js")) - set(assets.PACKAGE.rglob("*.test.js")):
        for name in re.findall(r'^(?:import|export)\b[^"]*? from "([^"]+)"', path.read_text(encoding="utf-8"), re.M):
            imports += 1
            assert assets.asset_url((path.parent / name).resolve().relative_to(assets.PACKAGE).as_posix())
    assert imports > 20

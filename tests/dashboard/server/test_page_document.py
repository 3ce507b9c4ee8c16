"""The HTML document of the pages, and what it tells the browser to load."""

import asyncio
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
import streamlit
from starlette.requests import Request

from mnist_dashboard.server import page_document
from mnist_dashboard.server.assets import BUNDLE, asset_url
from mnist_dashboard.server.page_document import DOCUMENT_ROUTES, WIDGETS
from mnist_dashboard.server.security_headers import _content_security_policy

STATIC = Path(streamlit.__file__).with_name("static")
STREAMLITS = (STATIC / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document() -> str:
    return page_document.page_document()


def hints(document: str) -> list[str]:
    """Addresses of the hints that Streamlit's own document does not have."""
    links = re.findall(r'<link rel="modulepreload" href="([^"]+)">', document)
    return [link for link in links if link not in STREAMLITS]


def test_it_is_streamlits_document_with_hints_and_the_name_of_the_program(document: str) -> None:
    hint = r'<script>window[^\n]+|<link rel="modulepreload" href[^\n]+'
    assert re.sub(rf"({hint})\n", "", document) == STREAMLITS.replace(
        "<title>Streamlit</title>", "<title>MNIST Trainer</title>"
    )


def test_it_says_where_the_server_is_in_a_script_that_the_security_policy_allows(document: str) -> None:
    assert f"<script>{page_document.SERVER_ADDRESS}</script>" in document
    hashes = [
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in _inline_scripts(document)
    ]
    assert len(hashes) > 1
    assert all(digest in _content_security_policy("localhost") for digest in hashes)


def _inline_scripts(document: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", document, re.DOTALL)


def test_every_hint_leads_to_a_script_and_none_comes_twice(document: str) -> None:
    scripts = [link for link in hints(document) if link.startswith("./static/")]
    assert all((STATIC / link).is_file() for link in scripts)
    assert [link for link in hints(document) if link not in scripts] == [asset_url(BUNDLE)]
    assert len(set(hints(document))) == len(hints(document))


@pytest.mark.parametrize("widget", WIDGETS)
def test_streamlit_has_one_script_for_each_widget(widget: str, document: str) -> None:
    [script] = (STATIC / "static" / "js").glob(f"{widget}.*.js")
    assert f"./static/js/{script.name}" in hints(document)


def test_the_pages_with_charts_have_the_hints(document: str) -> None:
    assert [route.path for route in DOCUMENT_ROUTES] == ["/", "/runs", "/sweep"]
    body, caching = asyncio.run(_respond("view=details"))
    before_the_sidebar = page_document.BEFORE_THE_SIDEBAR
    sheet = f'\n<link rel="stylesheet" href="{asset_url("ui/style.css")}">'
    head, shown = body.decode().split("<body>")
    # In the body: in the head, Streamlit's own rules would come later and win until the page is drawn.
    assert shown.startswith(sheet)
    assert head.count(before_the_sidebar) == 1
    rest = f"{head.replace(before_the_sidebar, '')}<body>{shown.removeprefix(sheet)}"
    assert (rest, caching) == (document, "no-cache")


def test_plotly_is_fetched_early_unless_the_view_has_no_charts() -> None:
    plotly = f'<link rel="preload" as="script" fetchpriority="low" href="{asset_url("plotly.min.js")}">'
    assert plotly in asyncio.run(_respond("run=7"))[0].decode()
    for query in ("run=7&view=details", "runs=7,8&show=Verdict"):
        assert plotly not in asyncio.run(_respond(query))[0].decode()


async def _respond(query: str) -> tuple[bytes, str]:
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": []})
    response = DOCUMENT_ROUTES[0].endpoint(request)
    return bytes(response.body), response.headers["cache-control"]

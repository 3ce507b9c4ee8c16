"""The HTML document of each page: Streamlit's own, with hints that tell the browser what the page is going to load, and
where the server is.

Without them a browser finds the scripts of widgets and components one import after another, and only once the server
has drawn the page. With them it loads all of them while it starts Streamlit and waits for the server.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from mnist_core.records import encode_json
from mnist_dashboard.server.assets import BUNDLE, asset_url
from mnist_dashboard.server.hosts import base_path

_STATIC = Path(streamlit.__file__).with_name("static")
_STREAMLIT_SCRIPTS = _STATIC / "static" / "js"

WIDGETS = (
    "BidiComponent",
    "Button",
    "ButtonGroup",
    "Checkbox",
    "Html",
    "NumberInput",
    "Selectbox",
    "Slider",
    "TextInput",
)
"""Scripts of Streamlit for the widgets of the pages, without the hash in their file names."""

SERVER_ADDRESS = (
    f"window.__streamlit = {{BACKEND_BASE_URL: location.origin + {encode_json(base_path())}, "
    "HOST_CONFIG: {allowedOrigins: [location.origin], useExternalAuthToken: false}};"
)
"""A script: Streamlit then connects at once, and does not try whether the server is at `/runs/_stcore/health`."""


def _closure(names: Iterable[str], imports_of: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the names and all that they import, directly or not, each once."""
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(imports_of(name))
    return list(found)


def _streamlit_imports(name: str) -> list[str]:
    """The scripts that one of Streamlit's imports, which are minified."""
    return re.findall(r'(?:from|import)"\./([^"]+\.js)"', (_STREAMLIT_SCRIPTS / name).read_text(encoding="utf-8"))


def _hints(document: str) -> str:
    widgets = [path.name for widget in WIDGETS for path in _STREAMLIT_SCRIPTS.glob(f"{widget}.*.js")]
    scripts = [f"./static/js/{name}" for name in _closure(widgets, _streamlit_imports)]
    links = [asset_url(BUNDLE), *(path for path in scripts if path not in document)]
    tags = [f"<script>{SERVER_ADDRESS}</script>"]
    tags += [f'<link rel="modulepreload" href="{html.escape(link)}">' for link in links]
    return "\n".join(tags)


@functools.cache
def page_document() -> str:
    """Return the document. The first call takes a tenth of a second: it looks through Streamlit's scripts."""
    document = (_STATIC / "index.html").read_text(encoding="utf-8")
    document = document.replace("<title>Streamlit</title>", "<title>MNIST Trainer</title>")
    return document.replace('<script type="module"', f'{_hints(document)}\n<script type="module"', 1)


BEFORE_THE_SIDEBAR = """<style>
@media (min-width: 1001px) {
  .stAppViewContainer:not(:has(.st-key-heading, .stSidebar, .stAlert, .stException)) > div { visibility: hidden; }
}
</style>
"""
"""Hides the empty Train page until its sidebar is there, which would move it, unless there is an error to show."""


def _serve(request: Request) -> HTMLResponse:
    """Respond with the document. Not `async`, so Starlette runs it in a thread."""
    # Early, so that the first elements are drawn in their places. In the body, so that its rules come after those that
    # Streamlit writes into the head, as they do once `main.py` has drawn the same file.
    style = f'<link rel="stylesheet" href="{html.escape(asset_url("ui/style.css"))}">'
    document = page_document().replace("<body>", f"<body>\n{style}", 1)
    view = request.query_params.get("view") or request.query_params.get("show") or "curves"  # of a run, or of several
    if view.lower() == "curves" and not request.url.path.endswith("/sweep"):
        # It is only fetched here: live_chart/plotly_loader.js runs it.
        plotly = html.escape(asset_url("plotly.min.js"))
        hint = f'<link rel="preload" as="script" fetchpriority="low" href="{plotly}">'
        document = document.replace("</head>", f"{hint}\n</head>", 1)
    if not request.url.path.endswith("/runs"):
        document = document.replace("</head>", f"{BEFORE_THE_SIDEBAR}</head>", 1)
    return HTMLResponse(document, headers={"Cache-Control": "no-cache"})


DOCUMENT_ROUTES = [Route(path, _serve) for path in ("/", "/runs", "/sweep")]
"""The pages that have the hints. Streamlit serves its document without them at all other addresses."""

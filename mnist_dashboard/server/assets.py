"""What the browser loads from this server besides Streamlit itself: the scripts, style sheets and images of this
package, the constants that scripts share with Python, and Plotly's library.

The address of every asset contains a version, so browsers may cache it for a year. The version is one hash over all
assets, because scripts import one another by relative addresses. The server looks names up in a table and never joins
them to a path. It reads the files once, at import: restart it after a change.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_dashboard.server import shared_constants
from mnist_dashboard.server.bundle import bundle_modules
from mnist_dashboard.server.hosts import base_path

PACKAGE = Path(__file__).resolve().parent.parent
_PLOTLY = Path(plotly.__file__).with_name("package_data") / "plotly.min.js"
_MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png"}


@dataclass(frozen=True)
class _Asset:
    """One file to serve, and its media type."""

    media_type: str
    fingerprint: bytes
    """Changes whenever the body does."""
    build: Callable[[], bytes]

    @functools.cached_property
    def body(self) -> bytes:
        return self.build()

    @functools.cached_property
    def gzipped(self) -> bytes | None:
        """The compressed body, computed at first use; None for images, which are compressed already.

        Two requests at once may both compress it (0.2 s for Plotly), which does no harm.
        """
        return None if self.media_type.startswith("image/") else gzip.compress(self.body, compresslevel=6, mtime=0)


def _load(path: Path) -> _Asset:
    body = path.read_bytes()
    return _Asset(_MEDIA_TYPES[path.suffix], body, lambda: body)


def _version(assets: dict[str, _Asset]) -> str:
    digest = hashlib.sha256()
    for name, asset in sorted(assets.items()):
        digest.update(name.encode())
        digest.update(hashlib.sha256(asset.fingerprint).digest())
    return digest.hexdigest()[:12]


_CONSTANTS = _Asset(
    _MEDIA_TYPES[".js"], shared_constants.fingerprint().encode(), lambda: shared_constants.constants_module().encode()
)

_ASSETS = {
    path.relative_to(PACKAGE).as_posix(): _load(path)
    for path in PACKAGE.rglob("*.*")
    if path.suffix in _MEDIA_TYPES and not path.name.endswith(".test.js")
} | {"components/lib/constants.js": _CONSTANTS, _PLOTLY.name: _load(_PLOTLY)}
"""Assets by their path below the package, such as `components/lib/dom.js`; Plotly's library by its file name."""


def _bundle() -> bytes:
    modules = {match[1]: name for name in _ASSETS if (match := re.fullmatch(r"components/(\w+)/\1\.js", name))}
    return bundle_modules(modules, lambda name: _ASSETS[name].body.decode()).encode()


BUNDLE = "components.js"
"""Name of the asset with all components: see `bundle`."""

_ASSETS[BUNDLE] = _Asset(_MEDIA_TYPES[".js"], b"", _bundle)  # what it is made of is part of the version already

_VERSION = _version(_ASSETS)


def asset_url(name: str) -> str:
    """Path of an asset on the server. Raises `KeyError` for a name that is not served."""
    if name not in _ASSETS:
        raise KeyError(f"There is no asset {name!r}. Assets: {', '.join(sorted(_ASSETS))}.")
    return f"{base_path()}/assets/{_VERSION}/{name}"


def prepare_assets() -> None:
    """Build and compress all assets, so that the first visitor does not wait for it: half a second, mostly Plotly's."""
    for asset in _ASSETS.values():
        _ = asset.gzipped


def with_base_path(routes: Iterable[Route]) -> list[Route]:
    """Return the routes below `server.baseUrlPath`, where Streamlit puts its own routes only."""
    return [Route(base_path() + route.path, route.endpoint, methods=route.methods) for route in routes]


def _serve(request: Request) -> Response:
    """Respond with the asset. Not `async`, so Starlette runs it in a thread: compressing does not block the server."""
    asset = _ASSETS.get(request.path_params["name"])
    if asset is None or request.path_params["version"] != _VERSION:
        # Never serve these files at another version's address: the browser would cache them there for a year.
        return Response("Not found", status_code=404, media_type="text/plain", headers={"Cache-Control": "no-store"})
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    body = asset.body
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        # Streamlit's middleware compresses every response, except those that have an encoding already.
        body, headers["Content-Encoding"] = asset.gzipped, "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)


ASSET_ROUTES = [Route("/assets/{version}/{name:path}", _serve)]

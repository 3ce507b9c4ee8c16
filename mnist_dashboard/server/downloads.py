"""The address of each export that the server has stored, from which browsers download it straight from the disk."""

from __future__ import annotations

import atexit
import functools
import re
import tempfile
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from mnist_core.exports.server_exports import exports_dir
from mnist_dashboard.server.hosts import base_path

_FOLDER = re.compile(r"[\w-]{20,100}", re.ASCII)


@functools.cache
def viewer_exports_dir() -> Path:
    """Return the folder for exports of viewers, which write nothing into the runs folder. It ends with the server."""
    folder = tempfile.TemporaryDirectory(prefix="mnist-trainer-exports-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def download_url(export: Path) -> str:
    """Return the path on the server for a file that `export_for_server` has written."""
    return f"{base_path()}/exports/{export.parent.name}/{quote(export.name)}"


def _serve(request: Request) -> Response:
    """Respond with the file. The folder's name is a secret that only the page shows for which it was written."""
    name = request.path_params["folder"]
    folders = [exports / name for exports in (exports_dir(), viewer_exports_dir()) if _FOLDER.fullmatch(name)]
    for file in (file for folder in folders if folder.is_dir() for file in folder.iterdir()):
        if file.name == request.path_params["name"]:
            # An encoding of its own keeps Streamlit from compressing the file.
            headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
            return FileResponse(file, media_type="application/octet-stream", filename=file.name, headers=headers)
    return PlainTextResponse(
        "This file is not there any more: exports are kept for a day. Prepare it again.\n", status_code=404
    )


DOWNLOAD_ROUTES = [Route("/exports/{folder}/{name}", _serve)]

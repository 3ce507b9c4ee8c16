"""Stored exports are downloaded from the disk by those who know their address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from mnist_core.exports.server_exports import export_for_server, exports_dir
from mnist_core.store import RunStore
from mnist_dashboard.server.downloads import DOWNLOAD_ROUTES, download_url, viewer_exports_dir
from tests.support.factories import finished_run
from tests.support.web.asgi_client import Response, build_scope


def request(path: str) -> Response:
    """Request a path as a server passes it to the app, without escapes, and stay until all of it has come."""
    response = Response()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nothing was sent")

    async def send(message: Message) -> None:
        response.add(message)

    asyncio.run(Starlette(routes=DOWNLOAD_ROUTES)(build_scope(unquote(path)), receive, send))
    return response


def test_an_export_is_downloaded_as_a_file(store: RunStore, places: Path) -> None:
    export = export_for_server(store.queries, [finished_run(store, name="größter Lauf")], "csv")
    response = request(download_url(export))
    assert response.status == 200
    assert response.body == export.read_bytes()
    assert response.headers["content-disposition"].startswith("attachment")
    assert response.headers["cache-control"] == "no-store"


def test_an_export_of_a_viewer_is_outside_the_runs_folder(store: RunStore, places: Path) -> None:
    export = export_for_server(store.queries, [finished_run(store)], "csv", viewer_exports_dir())
    assert request(download_url(export)).body == export.read_bytes()
    assert not export.is_relative_to(places)
    assert viewer_exports_dir().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "path",
    [
        "/exports/2026-01-01-000000-0123456789abcdef0123456789abcdef/run-1-csv.csv",
        "/exports/../runs.sqlite",
        "/exports/%2e%2e/runs.sqlite",
        "/exports/.../runs.sqlite",
        "/exports//runs.sqlite",
    ],
)
def test_nothing_else_is_served(store: RunStore, places: Path, path: str) -> None:
    assert request(path).status == 404


def test_no_other_file_of_the_folder_of_an_export_is_served(store: RunStore, places: Path) -> None:
    export = export_for_server(store.queries, [finished_run(store)], "csv")
    address = download_url(export).removesuffix(export.name)
    for name in ("other.csv", "..%2f..%2fruns.sqlite", f"..%2f{export.parent.name}%2f{export.name}"):
        assert request(address + name).status == 404
    assert len(export.parent.name.rpartition("-")[2]) == 32
    assert export.parent.parent == exports_dir()

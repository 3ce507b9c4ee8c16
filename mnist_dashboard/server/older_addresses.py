"""Addresses of pages that are no longer there, and where they lead."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from mnist_dashboard.server.hosts import base_path


def _to_details_view(request: Request) -> RedirectResponse:
    """Lead from the former Details page to the view of the run."""
    query = urlencode([*request.query_params.multi_items(), ("view", "details")])
    return RedirectResponse(f"{base_path()}/?{query}", status_code=308)


OLDER_ROUTES = [Route("/details", _to_details_view)]

"""The route for the norms of each layer's weights and gradients over training."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.records import round_number
from mnist_core.store.queries import Queries
from mnist_dashboard.inspection.requests import in_words, read_run, respond_json


def norms_route(queries: Queries) -> Route:
    """Return the route `/norms.json`."""

    def norms(request: Request) -> Response:
        """Return the layers and, at each measured step, the norms of their weights and gradients; null is not finite.

        All lists are empty for a run that recorded none.
        """
        run = read_run(queries, request.query_params)
        measured = queries.list_layer_norms(run.id)
        content = {
            "layers": measured[-1].layers if measured else [],
            "steps": [entry.step for entry in measured],
            "weights": [[round_number(norm) for norm in entry.weights] for entry in measured],
            "gradients": [[round_number(norm) for norm in entry.gradients] for entry in measured],
        }
        return respond_json(request, content)

    return Route("/norms.json", in_words(norms))

"""The routes of this package that read the store; `inference_routes` has those that ask a network."""

from __future__ import annotations

from starlette.routing import Route

from mnist_core.data.run_images import RunImages
from mnist_core.store.queries import Queries
from mnist_core.store.sweeps.kept_sweeps import Sweeps
from mnist_dashboard.inspection.analysis_routes import AnalysisRoutes
from mnist_dashboard.inspection.norms_route import norms_route
from mnist_dashboard.inspection.prediction_routes import PredictionRoutes
from mnist_dashboard.inspection.race_route import RaceRoute
from mnist_dashboard.inspection.sweep_route import SweepAnalyses


def inspection_routes(queries: Queries, sweeps: Sweeps) -> list[Route]:
    """Return the routes over the runs and sweeps in a store."""
    images = RunImages()
    return [
        *PredictionRoutes(queries, images).routes(),
        *AnalysisRoutes(queries, images).routes(),
        norms_route(queries),
        RaceRoute(queries, images).route(),
        SweepAnalyses(sweeps).route(),
    ]

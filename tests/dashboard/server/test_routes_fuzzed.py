"""Random requests to every route of our own, and random text in every field."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import MAX_RUNS_PER_STREAM, feed_routes, read_query
from mnist_dashboard.inspection.routes import inspection_routes
from mnist_dashboard.server import assets
from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.roles import sign_in as signing_in
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.factories import run_with_images
from tests.support.web.asgi_client import LOOPBACK, PEER, Response, fetch

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

INSPECTION = [
    *("/evaluations.json", "/predictions.bin", "/labels.bin", "/images.png"),
    *("/image_history.json", "/calibration.json", "/disagreement.json", "/norms.json", "/race.json"),
    "/sweep-analysis.json",
]
ADDRESSES = [
    signing_in.PATH,
    *INSPECTION,
    f"/assets/{assets.asset_url('components/lib/dom.js').split('/')[2]}/",
    "/assets/",
    "/",
]
TRAVERSALS = [
    "../owner/addresses",
    "..%2f..%2fowner/addresses",
    "..\\owner\\addresses",
    "%2e%2e/app.py",
    "/etc/passwd",
    "strip.js/../../x",
    "\0",
]
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from([*TRAVERSALS, "1", "test", "0,1", "1,2", "-1", "1e9", "nan", "9" * 5000, "' OR 1=1 --"]),
)
PARAMETERS = st.dictionaries(
    st.sampled_from(
        ["runs", "smoothing", "key", "run", "split", "evaluation", "images", "image", "with", "sweep", "x"]
    ),
    VALUES,
    max_size=5,
)


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


@pytest.fixture
def app(store: RunStore, policy: AccessPolicy, places: Path) -> Guard:
    """All routes of our own, composed as in `app.py` but without Streamlit, and a run."""
    run_with_images(store, places / "data")
    hub = LiveHub(store)
    predictions = inspection_routes(store.queries, store.sweeps)
    routes = [*assets.ASSET_ROUTES, *feed_routes(hub, policy), *predictions, *signing_in.sign_in_routes(policy)]
    return Guard(Starlette(routes=routes), policy, AllowedHosts(["10.0.0.2"]), TrustedProxies())


@dataclass(frozen=True)
class RandomRequest:
    address: str
    rest: str
    parameters: dict[str, str]
    method: str
    body: bytes
    client: str

    @property
    def query(self) -> str:
        return "&".join(f"{name}={quote(value)}" for name, value in self.parameters.items())

    def send_to(self, app: Guard) -> Response:
        host = "localhost:8501" if self.client == LOOPBACK else "10.0.0.2:8501"
        path = f"{self.address}{quote(self.rest)}?{self.query}"
        origin = [("origin", f"http://{host}")]
        return fetch(app, path, method=self.method, client=self.client, host=host, headers=origin, body=self.body)


REQUESTS = st.builds(
    RandomRequest,
    address=st.sampled_from(ADDRESSES),
    rest=st.one_of(st.just(""), VALUES),
    parameters=PARAMETERS,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]),
    body=st.binary(max_size=200),
    client=st.sampled_from([LOOPBACK, PEER]),
)


@FEW
@given(request=REQUESTS)
def test_no_request_breaks_a_route_or_returns_a_file(app: Guard, policy: AccessPolicy, request: RandomRequest) -> None:
    code = policy.sessions.create_code(60)
    response = request.send_to(app)
    assert response.status < 500
    assert code.encode() not in response.body
    assert b"root:" not in response.body
    assert b"import " not in response.body or response.headers["content-type"].startswith("text/javascript")
    assert "mnist_owner" not in response.headers.get("set-cookie", "")
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        assert response.status in (403, 405, 429)


@FEW
@given(
    run_ids=st.lists(st.integers(0, 999_999_999), max_size=2 * MAX_RUNS_PER_STREAM),
    smoothing=st.floats(-0.5, 1.5) | st.just(math.nan),
    sweep_id=st.none() | st.integers(-1, 2_000_000_000),
)
def test_the_feed_reads_a_query_in_range_and_refuses_any_other(
    run_ids: list[int], smoothing: float, sweep_id: int | None
) -> None:
    query = f"runs={','.join(map(str, run_ids))}&smoothing={smoothing}" + (f"&sweep={sweep_id}" if sweep_id else "")
    is_sweep = not sweep_id or 0 < sweep_id < 1_000_000_000
    if len(run_ids) <= MAX_RUNS_PER_STREAM and 0 <= smoothing < 1 and is_sweep:
        assert read_query(query) == (frozenset(run_ids), min(round(smoothing, 2), 0.99), sweep_id or None)
    else:
        with pytest.raises(ValueError, match="must be"):
            read_query(query)


def error_of(act: Callable[[], object], kind: type[Exception]) -> Exception | None:
    """Return the error of this kind that a call raises, if any. Other errors pass through."""
    try:
        act()
    except kind as error:
        return error
    return None


@FEW
@given(request=REQUESTS)
def test_any_query_is_read_or_refused_with_a_sentence(request: RandomRequest) -> None:
    error = error_of(lambda: read_query(request.query), ValueError)
    assert error is None or "must be" in str(error)


HOSTILE_TEXTS = ["'; DROP TABLE runs; --", "=1+1", "<script>", "@SUM(A1)"]
PRINTABLE_TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=","), min_size=1, max_size=30)


@FEW
@given(text=PRINTABLE_TEXTS | st.sampled_from(HOSTILE_TEXTS))
def test_printable_text_in_a_field_is_kept_as_typed(store: RunStore, text: str) -> None:
    run, kept = store.commands.create_run(TrainConfig()), unicodedata.normalize("NFC", text)
    edited = store.commands.edit_run(run.id, name=text, notes=text, tags=[text])
    assert (edited.name, edited.notes, edited.tags) == (kept, text, (kept,))
    assert store.queries.get_run(run.id) == edited
    store.commands.delete_runs([run.id])


@FEW
@given(text=st.text(max_size=120))
def test_any_text_in_a_field_is_kept_or_refused_with_a_sentence(store: RunStore, text: str) -> None:
    run = store.commands.create_run(TrainConfig())
    edits: dict[str, Callable[[], Run]] = {
        "name": lambda: store.commands.edit_run(run.id, name=text),
        "notes": lambda: store.commands.edit_run(run.id, notes=text),
        "tags": lambda: store.commands.edit_run(run.id, tags=[text]),
    }
    for field, edit in edits.items():
        before = store.queries.get_run(run.id)
        if error := error_of(edit, ConfigError):
            assert isinstance(error, ConfigError)
            assert (error.field, str(error)[-1]) == (field, ".")
            assert store.queries.get_run(run.id) == before
    store.commands.delete_runs([run.id])
